"""What this process uses, job by job."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from bursar._native import Mirror

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = 1 << 16
"""The most bytes of a result that are not seen in the memory of this process."""


class Used(NamedTuple):
    """What a job has used, and what this process has now that it is over."""

    cpu_time: int
    """In microseconds."""
    memory: int
    """By how many bytes this process has grown at most."""
    left: bytes
    """What this process has, as the engine reads it; nothing where that isn't known, or not the process's."""


class Usage:
    """What this process uses."""

    def __init__(self) -> None:
        self._read, self._read_children = _readers()
        self._mirror = Mirror()
        self._own, self._memory = self._read()
        self._reaped = self._read_children()
        self._alone = len(self._mirror.left(0)) > 0
        """Whether nothing that an earlier job has started was there when the last job ended."""

    def begin(self) -> None:
        """A job begins."""
        _forget_peak()
        self._memory = self._read()[1]

    def end(self, result: int) -> Used:
        """Returns what the job has used that is over, but for its `result` of so many bytes.

        What this process did between two jobs was for the next one.
        """
        own, peak = self._read()
        reaped = self._read_children()
        used = own - self._own
        if self._alone:
            used += reaped - self._reaped
        self._own, self._reaped = own, reaped
        left = self._mirror.left(int(reaped * 1e6))
        self._alone = len(left) > 0
        return Used(max(int(used * 1e6), 0), max(peak - self._memory, 0), left if result <= SMALL else b"")


def _readers() -> tuple[Callable[[], tuple[float, int]], Callable[[], float]]:
    """Returns what tells of this process, and of the children that it has waited for.

    Of this process: its processor time in seconds, and its peak of memory in bytes, since `_forget_peak` if
    that can be told. Of its children: their processor time in seconds.
    """
    try:
        from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage  # noqa: PLC0415 not on every platform
    except ImportError:
        return (lambda: (time.process_time(), 0)), lambda: 0.0
    unit = 1 if sys.platform == "darwin" else 1_024

    def own() -> tuple[float, int]:
        used = getrusage(RUSAGE_SELF)
        return used.ru_utime + used.ru_stime, used.ru_maxrss * unit

    def children() -> float:
        used = getrusage(RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    return own, children


_peak = -1


def _forget_peak() -> None:
    """Begins to measure the peak anew, where the system can: proc(5), clear_refs."""
    global _peak  # noqa: PLW0603
    if _peak == -1:
        try:
            _peak = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            _peak = -2
    if _peak >= 0:
        os.write(_peak, b"5")
