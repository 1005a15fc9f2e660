from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone

import pytest
from bursar.testing import EagerEngine, ManualClock, eager
from conftest import PATIENCE

import bursar
from bursar import Engine, current_job, task

RUNS: list[int] = []


@task(retries=2, retry_delay="10m", backoff="fixed")
def flaky(until: int) -> int:
    RUNS.append(current_job().attempt)
    if current_job().attempt < until:
        raise ValueError("not yet")
    return current_job().attempt


@task(retries=2, retry_delay="10m", backoff="fixed")
async def aflaky(until: int) -> int:
    await asyncio.sleep(0)
    return flaky(until)


@pytest.mark.parametrize("function", [flaky, aflaky])
def test_jobs_run_at_once_in_the_caller(function: bursar.Task[[int], int]) -> None:
    RUNS.clear()
    with eager() as engine:
        job = function.submit(3)
        assert (job.done(), RUNS) == (True, [1, 2, 3])
        assert job.result() == 3
        assert engine.clock.now() >= datetime(2026, 1, 1, 0, 20, tzinfo=timezone.utc)
        failed = function.submit(9)
        assert isinstance(failed.exception(0), bursar.JobFailed)
        later = function.options(delay="1d").submit(1)
        assert later.result(0) == 1
        assert [job.done() for job in function.submit_many([(1,), (1,)])] == [True, True]


def test_eager_jobs_submit_jobs() -> None:
    def inner(number: int) -> int:
        return number + 1

    nested = task(name="inner")(inner)

    @task
    def outer(number: int) -> int:
        return nested.submit(number).result(0) * 2

    with eager():
        assert outer.submit(1).result(0) == 4


def test_eager_jobs_run_inside_of_a_running_loop() -> None:
    async def main() -> None:
        with eager():
            assert (await (await aflaky.asubmit(1))) == 1
            assert flaky.submit(1).result(0) == 1

    asyncio.run(main())


def test_eager_encodes_as_a_durable_store_would() -> None:
    with eager(), pytest.raises(bursar.Invalid, match=r"args\.until"):
        flaky.submit(object())  # type: ignore[arg-type]


def test_time_is_moved_by_hand() -> None:
    clock = ManualClock(datetime(2030, 1, 1, tzinfo=timezone.utc))
    with Engine("memory:", clock=clock) as engine:

        @task(delay="1h", expires="2h")
        def later() -> str:
            return "now"

        job = later.submit()
        assert job.state == "scheduled"
        assert job.info().scheduled == datetime(2030, 1, 1, 1, tzinfo=timezone.utc)
        assert "its time comes in 1h" in str(job.why())
        clock.advance(timedelta(minutes=59))
        assert not job.done()
        clock.advance("1m")
        assert job.result(PATIENCE) == "now"
        assert engine.count() == 1
    with pytest.raises(bursar.Invalid, match="duration"):
        clock.advance("soon")


def test_the_fixtures(bursar_engine: Engine, bursar_clock: ManualClock) -> None:
    assert flaky.submit(1).result(PATIENCE) == 1
    assert bursar_engine.count() == 1
    assert bursar_clock.now().year == 2026


def test_the_eager_fixture(bursar_eager: EagerEngine) -> None:
    assert flaky.submit(2).done()
    assert bursar_eager.count() == 1
