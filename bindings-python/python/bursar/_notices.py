"""Telling those who wait that something has happened."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Any

from bursar import _native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

logger = logging.getLogger("bursar")


def deliver(notices: Iterable[tuple[Callable[[Any], object], Any]]) -> None:
    """Calls each function with its argument. One that raises doesn't keep the others from it."""
    for function, argument in notices:
        try:
            function(argument)
        except Exception:  # noqa: PERF203 each on its own
            logger.exception("a callback of %r raised", argument)


def _run() -> None:
    while True:
        deliver(_native.attend_engines())


def start_notifier() -> None:
    """Starts the thread that looks after engines whose own thread must not wait for the interpreter."""
    global _started  # noqa: PLW0603
    with _lock:
        if not _started:
            threading.Thread(target=_run, name="bursar-notifier", daemon=True).start()
            _started = True


def _forked() -> None:
    global _started  # noqa: PLW0603
    _started = False
    _native.forked()


_lock = threading.Lock()
_started = False

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
