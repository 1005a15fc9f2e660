"""Which tasks there are, for engines that find jobs in their store."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, WeakValueDictionary

if TYPE_CHECKING:
    from bursar._engine import Engine
    from bursar._task import Task

_lock = threading.Lock()
_tasks: WeakValueDictionary[str, Task[..., Any]] = WeakValueDictionary()
_engines: WeakSet[Engine] = WeakSet()


def define(task: Task[..., Any]) -> None:
    """Has every engine that runs stored jobs know a task; it is the last one of its name."""
    with _lock:
        _tasks[task.name] = task
        engines = list(_engines)
    for engine in engines:
        engine._learn(task)  # noqa: SLF001


def find(name: str) -> Task[..., Any] | None:
    """Returns the last task that was defined with this name, if there is one."""
    with _lock:
        return _tasks.get(name)


def known() -> list[Task[..., Any]]:
    """Returns every task that there is."""
    with _lock:
        return list(_tasks.values())


def attend(engine: Engine) -> None:
    """Has an engine know every task there is, and those to come."""
    with _lock:
        _engines.add(engine)
        tasks = list(_tasks.values())
    for task in tasks:
        engine._learn(task)  # noqa: SLF001
