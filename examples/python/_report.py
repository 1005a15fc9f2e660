"""What `compress` says at the end."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from _work import Compressed

    from bursar import JobInfo

WAITED = 0.001
"""Seconds; less is the time that starting takes."""


@dataclass(frozen=True)
class Report:
    files: int
    bytes: int
    compressed: int
    digest: str
    largest_reserved: int
    pool: int
    waited: int
    longest_wait_seconds: float

    @staticmethod
    def of(results: Mapping[str, Compressed], jobs: Iterable[JobInfo], pool: int) -> Report:
        """Sums up what the jobs returned, by file name, and when they ran."""
        jobs = list(jobs)
        lines = "".join(f"{result['sha256']}  {name}\n" for name, result in results.items())
        waits = [wait for wait in waits_of(jobs) if wait >= WAITED]
        return Report(
            files=len(results),
            bytes=sum(result["bytes"] for result in results.values()),
            compressed=sum(result["compressed"] for result in results.values()),
            digest=hashlib.sha256(lines.encode()).hexdigest(),
            largest_reserved=largest_reserved(jobs),
            pool=pool,
            waited=len(waits),
            longest_wait_seconds=max(waits, default=0.0),
        )

    def table(self) -> str:
        percent = 100 * self.compressed / self.bytes if self.bytes else 0
        rows = {
            "files": f"{self.files:,}",
            "bytes": f"{self.bytes:,}",
            "compressed": f"{self.compressed:,} ({percent:.1f} %)",
            "largest reserved": f"{size(self.largest_reserved)} of {size(self.pool)}",
            "waited for memory": f"{self.waited:,} jobs, the longest {self.longest_wait_seconds:.3f} s",
            "digest": self.digest,
        }
        return "\n".join(f"{name:<20}{value}" for name, value in rows.items())

    def json(self) -> str:
        return json.dumps(asdict(self))


def waits_of(jobs: Iterable[JobInfo]) -> list[float]:
    """Returns the seconds that each job waited, from the first start of any job after it was submitted.

    Jobs start in batches: whatever has to wait for the batch alone did not wait for memory.
    """
    times = [(job.created, job.started) for job in jobs if job.started]
    starts = sorted(started for _, started in times)
    return [(started - starts[bisect_left(starts, created)]).total_seconds() for created, started in times]


def largest_reserved(jobs: Iterable[JobInfo]) -> int:
    """Returns the most bytes that were reserved at one time."""
    changes: list[tuple[datetime, int]] = []
    for job in jobs:
        if job.started and job.finished:
            changes += [(job.started, job.demand.memory), (job.finished, -job.demand.memory)]
    largest = reserved = 0
    # Sorted, what ends at a moment comes before what starts at it.
    for _, change in sorted(changes):
        reserved += change
        largest = max(largest, reserved)
    return largest


def size(amount: float) -> str:
    """Writes bytes as the engine does: `64MB`, `1.5GB`."""
    units = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "KB": 10**3, "B": 1}
    unit, factor = next(((unit, factor) for unit, factor in units.items() if amount >= factor), ("B", 1))
    return f"{amount / factor:.0f}{unit}" if amount % factor == 0 else f"{amount / factor:.1f}{unit}"
