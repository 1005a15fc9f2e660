"""Whole jobs on a file in Python, beside huey on its SQLite file.

One JSON line a row. Both sync every commit to the disk, both have two threads for jobs, and a round ends once
every result is on record. The contenders take turns; a ratio is the median of the rounds' own ratios.

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
from pathlib import Path
from typing import TYPE_CHECKING

import huey

import bursar

if TYPE_CHECKING:
    from collections.abc import Callable

SUBMITTERS = 8
WORKERS = 2
# huey commits each step of each job by itself: a round of it has a tenth of our jobs, and rates are compared.
FEWER = 10
PATIENCE = 120


@bursar.task
def noop() -> None:
    pass


def submit_from_threads(jobs: int, submit: Callable[[], object]) -> list[object]:
    with ThreadPoolExecutor(SUBMITTERS) as pool:
        return list(pool.map(lambda _: submit(), range(jobs)))


def bursar_one_by_one(path: Path, jobs: int) -> float:
    with engine(path):
        start = time.perf_counter()
        with ThreadPoolExecutor(SUBMITTERS) as pool:
            submitted = list(pool.map(lambda _: noop.submit(), range(jobs)))
        for job in submitted:
            job.result()
        return jobs / (time.perf_counter() - start)


def bursar_many(path: Path, jobs: int) -> float:
    with engine(path):
        start = time.perf_counter()
        for job in noop.submit_many([()] * jobs):
            job.result()
        return jobs / (time.perf_counter() - start)


def engine(path: Path) -> bursar.Engine:
    return bursar.Engine(f"sqlite:{path}", durability="full", concurrency={"thread": WORKERS})


def huey_file(path: Path, jobs: int) -> float:
    queue = huey.SqliteHuey(filename=str(path), fsync=True, store_none=True)

    @queue.task()
    def nothing() -> None:
        pass

    # Its workers poll; this is how fast they may.
    consumer = queue.create_consumer(workers=WORKERS, initial_delay=0.001, max_delay=0.001, periodic=False)
    consumer.start()
    start = time.perf_counter()
    submit_from_threads(jobs, nothing)
    while queue.result_count() < jobs:
        if time.perf_counter() - start > PATIENCE:
            raise TimeoutError(f"{queue.result_count()} of {jobs} jobs of huey ended")
        time.sleep(0.005)
    rate = jobs / (time.perf_counter() - start)
    consumer.stop(graceful=True)
    return rate


def row(name: str, ours: list[float], theirs: list[float]) -> dict[str, object]:
    return {
        "name": f"durable/python, full: {name}",
        "value": statistics.median(ours),
        "unit": "jobs/s",
        "peer": "huey (SqliteHuey, fsync)",
        "peer_value": statistics.median(theirs),
        "ratio": statistics.median(own / their for own, their in zip(ours, theirs, strict=True)),
        "bar": ">= 5x",
        "stretch": ">= 10x",
    }


def main() -> None:
    logging.disable(logging.WARNING)
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    contenders = {
        "single": (bursar_one_by_one, jobs),
        "many": (bursar_many, jobs),
        "huey": (huey_file, jobs // FEWER),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (run, count) in contenders.items():
            with tempfile.TemporaryDirectory() as folder:
                rates[name].append(run(Path(folder) / "jobs.db", count))
    print(
        json.dumps(
            row(f"{jobs:,} no-ops one by one from {SUBMITTERS} threads", rates["single"], rates["huey"])
        )
    )
    print(json.dumps(row(f"{jobs:,} no-ops by submit_many", rates["many"], rates["huey"])))


if __name__ == "__main__":
    main()
