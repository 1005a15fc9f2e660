"""Whole jobs in Python beside the pools of the standard library: the bars of the agreement.

One JSON line a row. The contenders take turns, and a ratio is the median of the rounds' own ratios, so what
else the machine does hits both sides of each.

benches/python/throughput.py [ROUNDS]    default 7
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import time
from concurrent.futures import Executor, ThreadPoolExecutor

from turns import turn

import bursar

JOBS = 20_000
TURNS = 3_000
WORKERS = 2


@bursar.task
def noop() -> None:
    pass


@bursar.task
async def noop_async() -> None:
    pass


def plain() -> None:
    pass


async def plain_async() -> None:
    pass


def rate(jobs: int, start: float) -> float:
    return jobs / (time.perf_counter() - start)


def sync_engine() -> float:
    with bursar.Engine("memory:"):
        noop.submit().result()
        start = time.perf_counter()
        for job in [noop.submit() for _ in range(JOBS)]:
            job.result()
        return rate(JOBS, start)


def on_executor(pool: Executor) -> float:
    pool.submit(plain).result()
    start = time.perf_counter()
    for future in [pool.submit(plain) for _ in range(JOBS)]:
        future.result()
    return rate(JOBS, start)


def sync_pool() -> float:
    with ThreadPoolExecutor(WORKERS) as pool:
        return on_executor(pool)


def sync_executor() -> float:
    with bursar.Engine("memory:") as engine, engine.executor() as pool:
        return on_executor(pool)


def async_engine() -> float:
    async def main() -> float:
        async with bursar.Engine("memory:"):
            await noop_async.submit()
            start = time.perf_counter()
            for job in [noop_async.submit() for _ in range(JOBS)]:
                await job
            return rate(JOBS, start)

    return asyncio.run(main())


def async_gather() -> float:
    async def main() -> float:
        async with bursar.Engine("memory:"):
            await noop_async.submit()
            start = time.perf_counter()
            await asyncio.gather(*[noop_async.submit() for _ in range(JOBS)])
            return rate(JOBS, start)

    return asyncio.run(main())


def async_tasks() -> float:
    async def main() -> float:
        start = time.perf_counter()
        await asyncio.gather(*[asyncio.create_task(plain_async()) for _ in range(JOBS)])
        return rate(JOBS, start)

    return asyncio.run(main())


def turns_engine() -> float:
    with bursar.Engine("memory:"):
        return turn(TURNS, lambda: noop.submit().result())


def turns_pool() -> float:
    with ThreadPoolExecutor(WORKERS) as pool:
        return turn(TURNS, lambda: pool.submit(plain).result())


POOL = "ThreadPoolExecutor(2)"
TASKS = "asyncio.create_task + gather"
# Name, ours, the peer's name, the peer, unit, bar, stretch.
ROWS = [
    ("python/sync no-ops", sync_engine, POOL, sync_pool, "jobs/s", ">= 3x", ">= 6x"),
    ("python/async no-ops", async_engine, TASKS, async_tasks, "jobs/s", ">= 0.8x", ">= 1.2x"),
    ("python/one at a time, p50", turns_engine, POOL, turns_pool, "us", "<= 1.2x", "<= 0.8x"),
    ("python/async no-ops, gathered", async_gather, TASKS, async_tasks, "jobs/s", None, None),
    ("python/sync no-ops by engine.executor()", sync_executor, POOL, sync_pool, "jobs/s", None, None),
]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    for name, ours, peer_name, peer, unit, bar, stretch in ROWS:
        pairs: list[tuple[float, float]] = []
        for _ in range(rounds):
            # Neither side is to pay for the other's garbage.
            gc.collect()
            own = ours()
            gc.collect()
            pairs.append((own, peer()))
        row = {
            "name": name,
            "value": statistics.median(own for own, _ in pairs),
            "unit": unit,
            "peer": peer_name,
            "peer_value": statistics.median(theirs for _, theirs in pairs),
            "ratio": statistics.median(own / theirs for own, theirs in pairs),
            "bar": bar,
            "stretch": stretch,
        }
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
