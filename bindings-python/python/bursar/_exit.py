"""The end of the interpreter: engines that are still open let go, so that it can't hang."""

from __future__ import annotations

import atexit
import threading
import weakref
from typing import TYPE_CHECKING

from bursar import _native

if TYPE_CHECKING:
    from bursar._native import EngineBase

_open: weakref.WeakSet[EngineBase] = weakref.WeakSet()


def remember(engine: EngineBase) -> None:
    """Notes an engine that is open."""
    _open.add(engine)


def forget(engine: EngineBase) -> None:
    """Notes that its owner shuts it down."""
    _open.discard(engine)


def _let_go() -> None:
    for engine in list(_open):
        try:
            engine._shutdown(0, False)  # noqa: SLF001
        except Exception:  # noqa: BLE001, PERF203, S112 there is nobody left to tell
            continue
    _native.begin_end()


# Before the interpreter waits for its threads, as concurrent.futures does; at exit where it has no such hook.
getattr(threading, "_register_atexit", atexit.register)(_let_go)
