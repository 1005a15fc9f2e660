"""Jobs that are submitted by the name of a task."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path  # noqa: TC003

import pytest
from conftest import PATIENCE

import bursar
from bursar import Engine, task


@task(name="names.shout", memory="1MB", retries=2, unique="shout {text}")
def shout(text: str, times: int = 1) -> str:
    return text.upper() * times


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'jobs.db'}"


def program(code: str, url: str) -> str:
    """Runs a program that knows no task of this file; returns what it printed."""
    ended = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


SUBMITS = """
import sys
from bursar import Engine

with Engine(sys.argv[1], run=False) as engine:
    jobs = [engine.submit("names.shout", "a", 2), engine.submit("names.shout", "b", times=3)]
    jobs += engine.submit_many("names.shout", [("c",), ("d", 1)])
    for job in jobs:
        print(job.id, job.state)
    print(jobs[0].why())
"""


def test_a_program_submits_what_only_another_one_knows(url: str) -> None:
    *jobs, why = program(SUBMITS, url).splitlines()
    assert [job.split()[1] for job in jobs] == ["queued"] * 4
    assert 'no task "names.shout"' in why
    with Engine(url) as engine:
        results = [engine.job(job.split()[0]).result(PATIENCE) for job in jobs]
    assert results == ["AA", "BBB", "C", "D"]


WORKS = """
import sys
from bursar import Engine, task

@task(name="names.far")
async def far(number: int) -> dict[str, int]:
    return {"twice": 2 * number}

with Engine(sys.argv[1]) as engine:
    assert engine.drain(60)
"""


def test_its_result_is_what_json_has(url: str) -> None:
    with Engine(url) as engine:
        job = engine.submit("names.far", 2**62)
        why = job.why()
        assert [reason.kind for reason in why.reasons] == ["not_here"]
        program(WORKS, url)
        assert job.result(PATIENCE) == {"twice": 2**63}
        assert engine.drain(PATIENCE)


def test_a_coroutine_submits_by_name(url: str) -> None:
    async def main() -> None:
        async with Engine(url) as engine:
            job = await engine.asubmit("names.alater", 20)
            assert job.state == "queued"

            @task(name="names.alater")
            async def alater(number: int) -> int:
                return number + 1

            assert await job == 21
            assert await (await engine.asubmit(alater, 1)) == 2

    asyncio.run(main())


def test_a_job_waits_until_its_task_is_defined_here(url: str) -> None:
    with Engine(url) as engine:
        job = engine.submit("names.later", 1)
        assert not job.wait(0.01)

        @task(name="names.later")
        def later(number: int) -> int:
            return number + 1

        assert job.result(PATIENCE) == 2
        assert later.name == "names.later"


@pytest.mark.parametrize("durable", [False, True])
def test_a_declared_task_brings_its_options(url: str, durable: bool) -> None:
    with Engine(url if durable else "memory:", memory="64MB") as engine:
        job = engine.submit("names.shout", "a")
        info = job.info()
        assert (info.demand.memory, info.retries, info.unique) == (1_000_000, 2, "shout a")
        assert job.result(PATIENCE) == "A"
        (many,) = engine.submit_many("names.shout", [("b", 2)])
        assert many.result(PATIENCE) == "BB"


def test_in_memory_nobody_else_can_run_it() -> None:
    with Engine("memory:") as engine:
        engine.submit(shout, "a").result(PATIENCE)
        with pytest.raises(bursar.NotFound) as caught:
            engine.submit("names.shuot", "a")
        for part in ('no task "names.shuot"', 'did you mean "names.shout"?', "sqlite:jobs.db"):
            assert part in str(caught.value)
        with pytest.raises(bursar.NotFound):
            engine.submit_many("names.nowhere", [(1,)])


def test_arguments_are_what_json_has(url: str) -> None:
    with Engine(url, run=False) as engine:
        with pytest.raises(bursar.Invalid, match=r"args\[1\].*datetime"):
            engine.submit("names.far", 1, datetime.now(timezone.utc))
        with pytest.raises(bursar.Invalid, match="is not a task name"):
            engine.submit("", 1)
        assert engine.count() == 0
