from __future__ import annotations

import asyncio
import contextvars
import sys
import threading

import pytest
from conftest import PATIENCE

import bursar
from bursar import Engine, current_job, task


@task
async def double(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


def test_jobs_are_awaited_on_the_loop_that_entered() -> None:
    async def main() -> None:
        async with Engine("memory:") as engine:
            loop = asyncio.get_running_loop()

            async def where() -> bool:
                return asyncio.get_running_loop() is loop

            assert await engine.submit(where)
            job = await double.asubmit(4)
            assert await job == 8
            assert await job == 8
            assert await asyncio.gather(*[double.submit(number) for number in range(10)]) == list(
                range(0, 20, 2)
            )
            assert await asyncio.wait_for(double.submit(1), PATIENCE) == 2

    asyncio.run(main())


def test_a_failure_is_raised_where_it_is_awaited() -> None:
    async def fails() -> None:
        raise ValueError("no")

    async def main() -> None:
        async with Engine("memory:") as engine:
            with pytest.raises(bursar.JobFailed, match="no") as caught:
                await engine.submit(fails)
            assert isinstance(caught.value.__cause__, ValueError)

    asyncio.run(main())


def test_without_a_loop_there_is_an_own_one(engine: Engine) -> None:
    names = {engine.submit(_thread_name).result(PATIENCE) for _ in range(3)}
    assert names == {"bursar-loop"}
    assert double.submit(2).result(PATIENCE) == 4


async def _thread_name() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_an_engine_outlives_the_loop_that_it_used(engine: Engine) -> None:
    async def main() -> int:
        return await double.submit(3)

    assert asyncio.run(main()) == 6
    assert asyncio.run(main()) == 6
    assert double.submit(3).result(PATIENCE) == 6


def test_threads_are_awaited_too() -> None:
    async def main() -> None:
        async with Engine("memory:") as engine:
            gate = threading.Event()
            job = engine.submit(gate.wait, PATIENCE)
            ready = asyncio.ensure_future(job)
            await asyncio.sleep(0)
            assert not ready.done()
            gate.set()
            assert await ready is True

    asyncio.run(main())


def test_a_wait_that_runs_out_leaves_the_job_alone() -> None:
    async def main() -> None:
        async with Engine("memory:") as engine:
            go = asyncio.Event()

            async def slow() -> str:
                await go.wait()
                return "done"

            job = engine.submit(slow)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(job, 0.001)
            assert job.state == "running"
            go.set()
            assert await job == "done"

    asyncio.run(main())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout and TaskGroup came with 3.11")
def test_the_current_task_is_a_real_one() -> None:
    async def main() -> None:
        async with Engine("memory:") as engine:

            async def limited() -> str:
                assert asyncio.current_task() is not None
                try:
                    async with asyncio.timeout(0.001):
                        await asyncio.Event().wait()
                except TimeoutError:
                    pass
                async with asyncio.TaskGroup() as group:
                    parts = [group.create_task(_current_id()) for _ in range(3)]
                assert {part.result() for part in parts} == {current_job().id}
                return "ok"

            jobs = [engine.submit(limited) for _ in range(5)]
            assert [await job for job in jobs] == ["ok"] * 5

    asyncio.run(main())


async def _current_id() -> str:
    await asyncio.sleep(0)
    return current_job().id


def test_each_suspended_job_has_a_task_of_its_own() -> None:
    async def main() -> None:
        async with Engine("memory:") as engine:
            tasks: list[object] = []

            async def here() -> None:
                await asyncio.sleep(0)
                tasks.append(asyncio.current_task())
                await asyncio.sleep(0)

            for job in [engine.submit(here) for _ in range(20)]:
                await job
            assert len({id(each) for each in tasks}) == 20

    asyncio.run(main())


def test_the_loop_is_not_starved_by_many_jobs() -> None:
    async def main() -> None:
        async with Engine("memory:") as engine:
            left = [20_000]
            seen: list[int] = []

            async def nothing() -> None:
                left[0] -= 1

            def tick() -> None:
                seen.append(left[0])
                if left[0]:
                    asyncio.get_running_loop().call_soon(tick)

            jobs = [engine.submit(nothing) for _ in range(left[0])]
            tick()
            for job in jobs:
                await job
            assert len(seen) > 10

    asyncio.run(main())


def test_jobs_wait_for_jobs() -> None:
    async def main() -> None:
        async with Engine("memory:", concurrency={"async": 2}) as engine:

            async def parent(number: int) -> int:
                return await double.submit(number) + await double.submit(number)

            jobs = [engine.submit(parent, number) for number in range(8)]
            assert [await job for job in jobs] == [4 * number for number in range(8)]

    asyncio.run(main())


def test_events_are_iterated_asynchronously() -> None:
    async def main() -> None:
        async with Engine("memory:") as engine:
            go = asyncio.Event()

            async def talks() -> None:
                await go.wait()
                current_job().log("hello")

            job = engine.submit(talks)
            everything = engine.events()
            mine = job.events()
            go.set()
            told = [event.state or (event.log and event.log.message) async for event in mine]
            assert told[-2:] == ["hello", "completed"]
            assert (await everything.__anext__()).job == job.id

    asyncio.run(main())


def test_blocking_the_loop_that_is_to_run_the_job_is_refused() -> None:
    async def main() -> None:
        async with Engine("memory:"):
            with pytest.raises(bursar.Conflict, match="await"):
                double.submit(1).result()

    asyncio.run(main())


COLOUR: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")


@pytest.mark.parametrize("kind", ["thread", "async"])
def test_context_variables_are_carried_into_the_task(engine: Engine, kind: str) -> None:
    def read() -> str:
        seen = COLOUR.get()
        COLOUR.set("leaked")
        return seen

    async def aread() -> str:
        await asyncio.sleep(0)
        return read()

    jobs = []
    for colour in ("red", "green", "blue"):
        token = COLOUR.set(colour)
        jobs.append(engine.submit(read if kind == "thread" else aread))
        COLOUR.reset(token)
    assert [job.result(PATIENCE) for job in jobs] == ["red", "green", "blue"]
    assert engine.submit(read).result(PATIENCE) == "none"


def test_there_is_no_current_job_outside_of_one() -> None:
    with pytest.raises(bursar.Conflict, match="no current job"):
        current_job()


def test_the_end_of_a_block_waits_for_its_jobs() -> None:
    done: list[int] = []

    async def main() -> None:
        async with Engine("memory:") as engine:

            async def slow(number: int) -> None:
                for _ in range(5):
                    await asyncio.sleep(0)
                done.append(number)

            for number in range(10):
                engine.submit(slow, number)
        assert engine.closed

    asyncio.run(main())
    assert sorted(done) == list(range(10))
