"""One job at a time: how long it takes from its submit to its result."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def turn(turns: int, once: Callable[[], object]) -> float:
    """The median of `turns` of them in microseconds, after a tenth as many that don't count."""
    for _ in range(turns // 10):
        once()
    times: list[float] = []
    for _ in range(turns):
        start = time.perf_counter()
        once()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6
