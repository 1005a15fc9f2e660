from __future__ import annotations

import asyncio
import threading

import pytest
from conftest import PATIENCE, Gate

import bursar
from bursar import Engine, current_job, task


def test_a_waiting_job_is_cancelled_at_once(gate: Gate) -> None:
    with Engine("memory:", concurrency={"thread": 1}) as engine:
        engine.submit(gate.wait)
        gate.until(1)
        ran: list[int] = []
        job = engine.submit(ran.append, 1)
        assert job.cancel("changed my mind")
        assert job.state == "cancelled"
        assert not job.cancel()
        with pytest.raises(bursar.JobCancelled, match="changed my mind"):
            job.result(0)
        gate.open()
    assert ran == []


def test_a_running_thread_is_asked(engine: Engine) -> None:
    began = threading.Event()

    def polite() -> None:
        job = current_job()
        began.set()
        while not job.cancelled:
            pass
        job.raise_if_cancelled()

    job = engine.submit(polite)
    assert began.wait(PATIENCE)
    assert job.cancel("please")
    with pytest.raises(bursar.JobCancelled, match="please"):
        job.result(PATIENCE)


def test_clean_up_code_runs_in_twenty_of_twenty_cancels() -> None:
    cleaned: list[int] = []
    began: list[int] = []

    async def main() -> None:
        async with Engine("memory:"):
            started = asyncio.Event()

            @task
            async def sleeper(number: int) -> None:
                began.append(number)
                if len(began) == 20:
                    started.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    await asyncio.sleep(0)
                    cleaned.append(number)

            jobs = [await sleeper.asubmit(number) for number in range(20)]
            await started.wait()
            for job in jobs:
                assert job.cancel()
            for job in jobs:
                with pytest.raises(bursar.JobCancelled):
                    await job

    asyncio.run(main())
    assert sorted(cleaned) == list(range(20))


def test_an_attempt_that_runs_too_long_times_out(engine: Engine) -> None:
    @task(timeout="20ms")
    async def forever() -> None:
        await asyncio.Event().wait()

    job = forever.submit()
    with pytest.raises(bursar.JobTimedOut, match="20ms"):
        job.result(PATIENCE)
    assert job.info().attempts[0].outcome == "timed_out"


def test_a_thread_sees_its_timeout(engine: Engine) -> None:
    deadlines: list[object] = []

    @task(timeout="20ms")
    def spin() -> None:
        deadlines.append(current_job().deadline)
        while not current_job().cancelled:
            pass

    with pytest.raises(bursar.JobTimedOut):
        spin.submit().result(PATIENCE)
    assert deadlines[0] is not None


def test_a_job_that_swallows_its_cancel_is_cancelled_all_the_same() -> None:
    async def main() -> None:
        async with Engine("memory:") as engine:
            began = asyncio.Event()

            async def stubborn() -> str:
                began.set()
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    return "I stay"
                raise AssertionError

            job = engine.submit(stubborn)
            await began.wait()
            job.cancel()
            with pytest.raises(bursar.JobCancelled):
                await job

    asyncio.run(main())
