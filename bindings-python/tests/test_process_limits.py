"""What jobs in processes may use: what they declared, beyond what their warm process had before."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003

import process_tasks as tasks
import pytest
from conftest import PATIENCE

import bursar
from bursar import Engine, Task

MB = 1_000_000


@pytest.fixture
def engine() -> Iterator[Engine]:
    """One process, which is warm: it has imported what it needs."""
    with Engine("memory:", concurrency={"process": 1}, grace=0.05) as engine:
        tasks.pid.submit().result(PATIENCE)
        yield engine


def exceeded(job: bursar.Job[object]) -> str:
    with pytest.raises(bursar.MemoryExceeded) as caught:
        job.result(PATIENCE)
    return str(caught.value)


def test_what_a_warm_process_has_is_not_its_jobs(engine: Engine) -> None:
    before = tasks.pid.submit().result(PATIENCE)
    small = [tasks.add.options(memory="8MB").submit(n) for n in range(100)]
    assert [job.result(PATIENCE) for job in small] == list(range(1, 101))
    assert tasks.pid.submit().result(PATIENCE) == before


def test_what_one_job_leaves_is_not_the_next_ones(engine: Engine) -> None:
    kept_by = tasks.grow.options(memory="100MB").submit(50).result(PATIENCE)
    job = tasks.pid.options(memory="8MB").submit()
    assert job.result(PATIENCE) == kept_by


def test_the_peak_is_what_a_job_took(engine: Engine) -> None:
    job = tasks.take.submit(100)
    assert job.result(PATIENCE) == 100
    (attempt,) = job.info().attempts
    assert attempt.peak_memory is not None
    # The system counts pages in batches, so that a few of them may be missing.
    assert 100 * MB <= attempt.peak_memory < 110 << 20
    small = tasks.add.submit(1)
    small.result(PATIENCE)
    (attempt,) = small.info().attempts
    assert attempt.peak_memory is not None
    assert attempt.peak_memory < 10 * MB


def cpu_time(job: bursar.Job[object]) -> float:
    (attempt,) = job.info().attempts
    assert attempt.cpu_time is not None
    return attempt.cpu_time


def test_processor_time_is_that_of_a_job_and_of_what_it_has_waited_for(engine: Engine) -> None:
    for _ in range(3):
        job = tasks.burn_in_a_child.submit()
        used = job.result(PATIENCE)
        assert 0 < used <= cpu_time(job)
        small = tasks.add.submit(1)
        small.result(PATIENCE)
        assert cpu_time(small) < used / 2


def test_processor_time_of_what_an_earlier_job_has_left_is_nobodys(engine: Engine) -> None:
    for _ in range(3):
        tasks.leave_a_child_that_burns.submit().result(PATIENCE)
        tasks.see_what_is_left_end.submit().result(PATIENCE)
        job = tasks.wait_for_what_is_left.submit()
        used = job.result(PATIENCE)
        assert cpu_time(job) < used / 2


@pytest.mark.parametrize(
    ("job", "holds"), [(tasks.take, 1_000), (tasks.share, 100), (tasks.start_one_that_takes, 100)]
)
def test_a_job_gets_what_it_asked_for_and_no_more(
    engine: Engine, job: Task[[int], object], holds: int
) -> None:
    others = [tasks.add.submit(n) for n in range(10)]
    text = exceeded(job.options(memory="64MB").submit(holds))
    assert "where its limit is 64MB (it asked for 64MB)" in text
    assert [other.result(PATIENCE) for other in others] == list(range(1, 11))
    assert tasks.add.submit(1).result(PATIENCE) == 2
    assert engine.stats().budget.memory.reserved == 0


def test_arguments_and_results_are_memory_too(engine: Engine) -> None:
    before = tasks.pid.submit().result(PATIENCE)
    large = b"x" * (30 * MB)
    assert "where its limit is 1MB" in exceeded(tasks.echo.options(memory="1MB").submit(large))
    assert "where its limit is 45MB" in exceeded(tasks.many_bytes.options(memory="45MB").submit(30 * MB))
    assert tasks.echo.options(memory="200MB").submit(large).result(PATIENCE) == large
    assert tasks.pid.submit().result(PATIENCE) == before


def test_no_memory_is_a_limit_too_and_none_is_none(engine: Engine) -> None:
    assert "its limit is 0B" in exceeded(tasks.share.options(limits={"memory": 0}).submit(10))
    free = tasks.take.options(memory="1MB", limits={"memory": None}).submit(100)
    assert free.result(PATIENCE) == 100


def test_other_limits_hold_there_too(engine: Engine, tmp_path: object) -> None:
    files = tasks.open_files.options(limits={"files": 20}).submit(50)
    with pytest.raises(bursar.JobFailed, match="open files where its limit is 20") as caught:
        files.result(PATIENCE)
    assert caught.value.type == "FilesExceeded"
    busy = tasks.loop_for_ever.options(limits={"cpu_time": "50ms"}).submit(f"{tmp_path}/began")
    with pytest.raises(bursar.JobFailed, match="where its limit is 50ms") as caught:
        busy.result(PATIENCE)
    assert caught.value.type == "CpuTimeExceeded"
    assert tasks.add.submit(1).result(PATIENCE) == 2
