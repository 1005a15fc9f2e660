"""What a user writes, as pyright in strict mode sees it. Never run."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future  # noqa: TC003
from datetime import datetime, timedelta
from typing import Any

from typing_extensions import assert_type

import bursar
from bursar import Engine, Event, Job, JobInfo, Stats, Task, current_job, task


@task(memory="64MB", retries=3, priority="high", timeout="5m", unique="resize:{path}", backoff="fixed")
def resize(path: str, width: int = 100) -> str:
    return f"{path}@{width}"


@task
async def fetch(url: str) -> bytes:
    await asyncio.sleep(0)
    return url.encode()


@task
def plain(number: int) -> list[int]:
    job = current_job()
    job.progress(50, "half")
    assert_type(job.deadline, datetime | None)
    job.raise_if_cancelled()
    if job.attempt > 3:
        raise bursar.Fail("hopeless")
    raise bursar.Retry(delay=timedelta(seconds=1))


def undecorated(number: int, *, flag: bool = False) -> float:
    return number / 2


async def aundecorated(number: int) -> float:
    return number / 2


assert_type(resize("a.png", 100), str)
assert_type(resize.name, str)
as_declared: Task[[int], list[int]] = plain
assert_type(as_declared.submit(1), Job[list[int]])


def blocking() -> None:
    with Engine("memory:", memory="256MB", concurrency={"async": 5}, tokens={"gpu": 1}) as engine:
        job = resize.submit("a.png", width=100)
        assert_type(job, Job[str])
        assert_type(job.result(timeout=10), str)
        assert_type(job.info(), JobInfo)
        with job.open_result() as file:
            assert_type(file.read(10), bytes)
        assert_type(fetch.submit("u"), Job[bytes])
        assert_type(fetch.submit("u").result("10s"), bytes)
        assert_type(resize.options(priority="critical", delay="10s").submit("b.png", 50), Job[str])
        assert_type(resize.submit_many([("a.png", 1), ("b.png", 2)]), list[Job[str]])
        assert_type(engine.submit(resize, "a.png"), Job[str])
        assert_type(engine.submit(fetch, "u"), Job[bytes])
        assert_type(engine.submit(undecorated, 1, flag=True), Job[float])
        assert_type(engine.submit(aundecorated, 1), Job[float])
        assert_type(engine.submit("images.resize", 1, width=2), Job[Any])
        assert_type(engine.submit_many("images.resize", [(1,)]), list[Job[Any]])
        assert_type(engine.submit_many(undecorated, [(1,)]), list[Job[float]])
        assert_type(engine.stats(), Stats)
        assert_type(engine.stats().budget.memory.reserved, float)
        assert_type(engine.jobs(state="failed", limit=5)[0], JobInfo)
        for event in engine.events():
            assert_type(event, Event)
        with engine.executor(priority="low") as pool:
            future = pool.submit(undecorated, 1)
            as_future: Future[float] = future
            assert_type(as_future.result(), float)
        try:
            job.result()
        except bursar.JobTimedOut as failed:
            assert_type(failed.type, str)
            assert_type(failed.traceback, str | None)
            assert_type(failed.info, JobInfo)


async def asynchronous() -> None:
    async with Engine() as engine:
        job = await resize.asubmit("a.png", 100)
        assert_type(job, Job[str])
        assert_type(await job, str)
        assert_type(await fetch("u"), bytes)
        assert_type(await fetch.submit("u"), bytes)
        assert_type(await asyncio.gather(resize.submit("a"), fetch.submit("u")), tuple[str, bytes])
        assert_type(await engine.asubmit(resize, "a.png"), Job[str])
        assert_type(await engine.asubmit(aundecorated, 1), Job[float])
        assert_type(await engine.asubmit("images.resize", 1, width=2), Job[Any])
        async for event in job.events():
            assert_type(event.state, str | None)
        await engine.adrain()


# What is wrong is found before it runs.
resize.submit(1)  # pyright: ignore[reportArgumentType]
resize.submit("a", 1, 2)  # pyright: ignore[reportCallIssue]
resize.options(priority="urgent")  # pyright: ignore[reportArgumentType]
task(memry="1MB")  # pyright: ignore[reportCallIssue]
Engine(colour="red")  # pyright: ignore[reportCallIssue]
