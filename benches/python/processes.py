"""Jobs in processes of their own, beside the standard library's pool of processes: the bars of the agreement.

One JSON line a row. Contenders take turns, and a ratio is the median of the rounds' own ratios.

benches/python/processes.py [ROUNDS]    default 7
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import process_work as work
from turns import turn

import bursar

if TYPE_CHECKING:
    from collections.abc import Callable

JOBS = 20_000
TURNS = 1_500
CPU_JOBS = 40
WORKERS = 2


def engine(**options: object) -> bursar.Engine:
    return bursar.Engine("memory:", concurrency={"process": WORKERS}, **options)  # type: ignore[arg-type]


def rate(jobs: int, submit: Callable[[], object]) -> float:
    start = time.perf_counter()
    for job in [submit() for _ in range(jobs)]:
        job.result()  # type: ignore[attr-defined]
    return jobs / (time.perf_counter() - start)


def turns_engine() -> float:
    with engine():
        return turn(TURNS, lambda: work.noop.submit().result())


def turns_pool() -> float:
    with ProcessPoolExecutor(WORKERS) as pool:
        return turn(TURNS, lambda: pool.submit(work.plain).result())


def rate_engine() -> float:
    with engine():
        work.noop.submit().result()
        return rate(JOBS, work.noop.submit)


def rate_pool() -> float:
    with ProcessPoolExecutor(WORKERS) as pool:
        pool.submit(work.plain).result()
        return rate(JOBS, lambda: pool.submit(work.plain))


def cpu_processes() -> float:
    with engine():
        for job in [work.count_there.submit(1) for _ in range(WORKERS)]:
            job.result()
        return rate(CPU_JOBS, work.count_there.submit)


def cpu_threads() -> float:
    with bursar.Engine("memory:", concurrency={"thread": WORKERS}):
        work.count_here.submit(1).result()
        return rate(CPU_JOBS, work.count_here.submit)


def first_use() -> float:
    """From the submit to the beginning of an engine's first job, in ms."""
    with engine():
        start = time.monotonic()
        return (work.clock.submit().result() - start) * 1e3


def fresh_child() -> float:
    """From the submit to the beginning of a job in a process of which it is the first job, in ms."""
    with engine(max_jobs_per_child=1):
        work.noop.submit().result()
        times: list[float] = []
        for _ in range(20):
            start = time.monotonic()
            times.append((work.clock.submit().result() - start) * 1e3)
    return statistics.median(times)


def memory() -> float:
    """The largest PSS of the idle children of an engine that has run some jobs, in MB."""
    with engine():
        pids = {job.result() for job in [work.pid.submit() for _ in range(20)]}
        assert len(pids) == WORKERS, pids
        return max(map(pss, pids))


def pss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1_024 / 1e6 for line in lines if line.startswith("Pss:"))


POOL = "ProcessPoolExecutor(2)"
THREADS = "the same on two threads"
# Name, ours, the peer's name, the peer, unit, bar, stretch.
ROWS: list[tuple[str, Callable[[], float], str | None, Callable[[], float] | None, str, str, str | None]] = [
    ("process/one at a time, p50", turns_engine, POOL, turns_pool, "us", "<= 1x", "<= 0.6x"),
    ("process/20,000 no-ops one by one", rate_engine, POOL, rate_pool, "jobs/s", ">= 2x", ">= 5x"),
    (
        "process/pure Python that holds the lock",
        cpu_processes,
        THREADS,
        cpu_threads,
        "jobs/s",
        ">= 1.7x",
        None,
    ),
    ("process/first use, submit to running", first_use, None, None, "ms", "<= 250 ms", None),
    ("process/a fresh child, submit to running", fresh_child, None, None, "ms", "<= 60 ms", "<= 15 ms"),
    ("process/PSS of an idle warm child", memory, None, None, "MB", "<= 12 MB", "<= 8 MB"),
]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    for name, ours, peer_name, peer, unit, bar, stretch in ROWS:
        own = [(ours(), peer() if peer else None) for _ in range(rounds)]
        row: dict[str, object] = {
            "name": f"python/{name}",
            "value": statistics.median(value for value, _ in own),
            "unit": unit,
            "bar": bar,
            "stretch": stretch,
        }
        pairs = [(value, theirs) for value, theirs in own if theirs is not None]
        if pairs:
            row["peer"] = peer_name
            row["peer_value"] = statistics.median(theirs for _, theirs in pairs)
            row["ratio"] = statistics.median(value / theirs for value, theirs in pairs)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
