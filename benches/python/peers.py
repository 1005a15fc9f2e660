"""Whole jobs beside task queues for Python that keep their jobs in this process or in a file.

They are not what the bars are about: those are the standard library's pools, in `throughput.py`. No-ops
are submitted one by one; a round ends when all have run. The contenders take turns.
"""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import flexiq
import huey
import taskiq
from countdown import Countdown

import bursar

JOBS = 2_000
# FlexiQ writes each to its file; more would take minutes.
JOBS_IN_A_FILE = 200
HUEY = "huey (memory)"
FLEXIQ = "FlexiQ (SQLite file)"
TASKIQ = "taskiq (memory)"
ROUNDS = 5
WORKERS = 2

# Submits so many no-ops and returns once all have run.
Contender = Callable[[int], None]


def bursar_threads() -> tuple[Contender, Callable[[], object]]:
    """All results are awaited, as its users do."""
    engine = bursar.Engine("memory:", memory="256MB", concurrency={"thread": WORKERS})

    @bursar.task(memory="1MB")
    def noop() -> None:
        pass

    def run(jobs: int) -> None:
        for job in [engine.submit(noop) for _ in range(jobs)]:
            job.result()

    return run, engine.shutdown


def bursar_loop() -> tuple[Contender, Callable[[], object]]:
    engine = bursar.Engine("memory:", memory="256MB")

    @bursar.task(memory="1MB")
    async def noop_async() -> None:
        pass

    async def submit_all(jobs: int) -> None:
        for job in [engine.submit(noop_async) for _ in range(jobs)]:
            await job

    return lambda jobs: asyncio.run(submit_all(jobs)), engine.shutdown


def huey_memory() -> tuple[Contender, Callable[[], object]]:
    queue, countdown = huey.MemoryHuey(), Countdown()

    @queue.task()
    def noop() -> None:
        countdown.one()

    # Its workers poll; this is how fast they may.
    consumer = queue.create_consumer(workers=WORKERS, initial_delay=0.001, max_delay=0.001, periodic=False)
    consumer.start()

    def run(jobs: int) -> None:
        countdown.begin(jobs)
        for _ in range(jobs):
            noop()
        countdown.wait()

    return run, lambda: consumer.stop(graceful=True)


def taskiq_memory() -> tuple[Contender, Callable[[], object]]:
    async def submit_all(jobs: int) -> None:
        # It belongs to the loop that it first ran on.
        broker = taskiq.InMemoryBroker(max_stored_results=-1)
        noop = broker.register_task(_nothing, "noop")
        await broker.startup()
        for _ in range(jobs):
            await noop.kiq()
        await broker.wait_all()
        await broker.shutdown()

    return lambda jobs: asyncio.run(submit_all(jobs)), lambda: None


async def _nothing() -> None:
    pass


def flexiq_file(folder: str) -> tuple[Contender, Callable[[], object]]:
    """It has no store in memory: an SQLite file."""
    # It polls its file; this is how often it may, and how many jobs it may take then. (Its `push_dispatch`
    # would wake it sooner, but in 2.1.0 leaves jobs lying for minutes.)
    queue = flexiq.Queue(
        str(Path(folder) / "jobs.db"),
        workers=WORKERS,
        scheduler_poll_interval_ms=1,
        scheduler_batch_size=64,
    )
    countdown = Countdown()

    @queue.task()
    def noop() -> None:
        countdown.one()

    worker = threading.Thread(target=queue.run_worker, daemon=True)
    worker.start()

    def run(jobs: int) -> None:
        countdown.begin(jobs)
        for _ in range(jobs):
            noop.delay()
        countdown.wait()

    def close() -> None:
        queue.shutdown()
        worker.join(timeout=30)

    return run, close


def rate(run: Contender, jobs: int) -> float:
    start = time.perf_counter()
    run(jobs)
    return jobs / (time.perf_counter() - start)


def report(kind: str, peer: str, ours: list[float], theirs: list[float]) -> None:
    value, peer_value = statistics.median(ours), statistics.median(theirs)
    row = {
        "name": f"python/{kind} no-ops beside {peer.partition(' ')[0]}",
        "value": value,
        "unit": "jobs/s",
        "peer": peer,
        "peer_value": peer_value,
        "ratio": value / peer_value,
    }
    print(json.dumps(row), flush=True)


def main() -> None:
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        contenders = {
            "threads": (JOBS, *bursar_threads()),
            HUEY: (JOBS, *huey_memory()),
            FLEXIQ: (JOBS_IN_A_FILE, *flexiq_file(folder)),
            "loop": (JOBS, *bursar_loop()),
            TASKIQ: (JOBS, *taskiq_memory()),
        }
        rates: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(ROUNDS):
            for name, (jobs, run, _close) in contenders.items():
                rates[name].append(rate(run, jobs))
        for _jobs, _run, close in contenders.values():
            close()
    report("sync", HUEY, rates["threads"], rates[HUEY])
    report("sync", FLEXIQ, rates["threads"], rates[FLEXIQ])
    report("async", TASKIQ, rates["loop"], rates[TASKIQ])


if __name__ == "__main__":
    main()
