"""Whole jobs on a file in Python, beside huey on its SQLite file.

One JSON line a row. Both sync every commit to the disk, and a round ends once every result is on record.
Each has what serves it best: the engine many threads, since what shares a sync is what runs at once; huey the
number of workers that was its best in this run. The contenders take turns; a ratio is the median of the
rounds' own ratios.

benches/python/durable.py [JOBS [ROUNDS]]    default 20,000 and 5
"""

from __future__ import annotations

import json
import logging
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import huey

import bursar

if TYPE_CHECKING:
    from collections.abc import Callable

SUBMITTERS = 8
# Each waits, with its one job, for the commit that took it: this many jobs share a sync at most.
THREADS = 32
# Of huey: the best of these in the run is what counts.
WORKERS = (1, 2, 8, 32)
# huey commits each step of each job by itself: its rounds have a twentieth of our jobs.
FEWER = 20
PATIENCE = 120


@bursar.task
def noop() -> None:
    pass


@bursar.task
async def anoop() -> None:
    pass


Task = bursar.Task[[], None]


@dataclass(frozen=True)
class Ours:
    """One way to run so many jobs in an engine."""

    what: str
    submit: Callable[[Task, int], list[bursar.Job[None]]]
    task: Task = noop
    threads: int | None = THREADS
    held: bool = False
    durability: Literal["full", "process"] = "full"

    def rate(self, path: Path, jobs: int) -> float:
        concurrency = {} if self.threads is None else {"thread": self.threads}
        with bursar.Engine(f"sqlite:{path}", durability=self.durability, concurrency=concurrency):
            start = time.perf_counter()
            for job in self.submit(self.task, jobs):
                job.result()
            return jobs / (time.perf_counter() - start)


def one_by_one(task: Task, jobs: int) -> list[bursar.Job[None]]:
    with ThreadPoolExecutor(SUBMITTERS) as pool:
        return list(pool.map(lambda _: task.submit(), range(jobs)))


def many(task: Task, jobs: int) -> list[bursar.Job[None]]:
    return task.submit_many([()] * jobs)


OURS = (
    Ours(f"one by one from {SUBMITTERS} threads", one_by_one, held=True),
    Ours("by submit_many", many, held=True),
    Ours("by submit_many, default number of threads", many, threads=None),
    Ours(f"async, one by one from {SUBMITTERS} threads", one_by_one, anoop),
    Ours("async, by submit_many", many, anoop),
)


def huey_rate(path: Path, jobs: int, workers: int) -> float:
    queue = huey.SqliteHuey(filename=str(path), fsync=True, store_none=True)

    @queue.task()
    def nothing() -> None:
        pass

    # Its workers poll; this is how fast they may.
    consumer = queue.create_consumer(workers=workers, initial_delay=0.001, max_delay=0.001, periodic=False)
    consumer.start()
    start = time.perf_counter()
    with ThreadPoolExecutor(SUBMITTERS) as pool:
        list(pool.map(lambda _: nothing(), range(jobs)))
    while queue.result_count() < jobs:
        if time.perf_counter() - start > PATIENCE:
            raise TimeoutError(f"{queue.result_count()} of {jobs} jobs of huey ended")
        time.sleep(0.005)
    rate = jobs / (time.perf_counter() - start)
    consumer.stop(graceful=True)
    return rate


def fresh(rate: Callable[[Path], float]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return rate(Path(folder) / "jobs.db")


def row(ours: Ours, jobs: int, own: list[float], workers: int, theirs: list[float]) -> dict[str, object]:
    return {
        "name": f"durable/python, full: {jobs:,} no-ops {ours.what}",
        "value": statistics.median(own),
        "unit": "jobs/s",
        "peer": f"huey (SqliteHuey, fsync, {workers} workers)",
        "peer_value": statistics.median(theirs),
        "ratio": statistics.median(mine / their for mine, their in zip(own, theirs, strict=True)),
        "bar": ">= 5x" if ours.held else None,
        "stretch": ">= 10x" if ours.held else None,
    }


def main() -> None:
    logging.disable(logging.WARNING)
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    own: dict[Ours, list[float]] = {ours: [] for ours in OURS}
    theirs: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    for _ in range(rounds):
        for ours, rates in own.items():
            rates.append(fresh(lambda path, ours=ours: ours.rate(path, jobs)))
        for workers, rates in theirs.items():
            rates.append(fresh(lambda path, workers=workers: huey_rate(path, jobs // FEWER, workers)))
    best = max(theirs, key=lambda workers: statistics.median(theirs[workers]))
    for ours, rates in own.items():
        print(json.dumps(row(ours, jobs, rates, best, theirs[best])))


if __name__ == "__main__":
    main()
