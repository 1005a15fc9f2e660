"""Bad input: the error names the value and the way out, and nothing half-done stays behind."""

from __future__ import annotations

import functools
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE, Gate

import bursar
from bursar import Engine, task


def nothing(*args: object, **kwargs: object) -> None: ...


@pytest.mark.parametrize(
    ("options", "shown", "way_out"),
    [
        ({"memry": "1MB"}, '"memry"', "did you mean memory?"),
        ({"zebra": 1}, '"zebra"', "the options are priority, memory"),
        ({"memory": "64QB"}, "64QB", "MB"),
        ({"memory": -1}, "memory=-1", '"64MB"'),
        ({"memory": 0}, "memory=0", "at least 1"),
        ({"memory": "1e30 GB"}, "1e30 GB", "memory"),
        ({"memory": math.nan}, "NaN", "a size such as"),
        ({"priority": "urgent"}, '"urgent"', "critical, high, normal or low"),
        ({"priority": 1}, "priority=1", "text"),
        ({"timeout": 0}, "timeout=0", "10s"),
        ({"timeout": "5 fortnights"}, "5 fortnights", "ms, s, m, h"),
        ({"timeout": -1.5}, "timeout=-1.5", "10s"),
        ({"retries": 1.5}, "retries=1.5", "whole number"),
        ({"retries": 10**40}, "retries=1000", "whole number"),
        ({"executor": "gpu"}, '"gpu"', "async, thread, process or command"),
        ({"backoff": "wild"}, '"wild"', "exponential or fixed"),
        ({"tokens": {"gpu": -2}}, "tokens.gpu=-2", "whole number"),
        ({"tokens": ["gpu"]}, '["gpu"]', "mapping"),
        ({"unique": ""}, 'unique=""', "1 to 1,000 bytes"),
        ({"name": ""}, '""', "1 to 200 bytes"),
        ({"name": "a\x1b[31m"}, "a\\u{1b}", "control characters"),
        ({"name": "n" * 1_000_000}, "nnnn", "1000000 given"),
    ],
)
def test_bad_task_options(engine: Engine, options: dict[str, Any], shown: str, way_out: str) -> None:
    with pytest.raises(bursar.Invalid) as caught:
        task(**options)(nothing).submit()
    message = str(caught.value)
    assert shown in message
    assert way_out in message
    assert len(message) < 600
    assert isinstance(caught.value, ValueError)
    assert engine.count() == 0


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"memory": "lots"}, "lots"),
        ({"concurrency": 0}, "concurrency=0"),
        ({"concurrency": {"gpu": 1}}, "gpu"),
        ({"strict": "yes"}, 'strict="yes"'),
        ({"colour": "red"}, "colour"),
        ({"cpu": -1}, "cpu=-1"),
        ({"grace": object()}, "grace=<object object"),
    ],
)
def test_bad_engine_options(options: dict[str, Any], shown: str) -> None:
    with pytest.raises(bursar.Invalid) as caught:
        Engine("memory:", **options)
    assert shown in str(caught.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (Path("jobs.db"), "Path('jobs.db') was given; the URL of a file is"),
        ({"memory": "64MB"}, "{'memory': '64MB'} was given; options are keyword arguments"),
        (3, "3 was given"),
        (b"memory:", "b'memory:' was given"),
    ],
)
def test_what_is_no_url_is_named(url: Any, said: str) -> None:
    with pytest.raises(bursar.Invalid) as caught:
        Engine(url)
    assert str(caught.value).startswith('url must be text such as "sqlite:jobs.db": ')
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("timeout", "said"),
    [
        (-1, "timeout=-1: expected 0 or more seconds"),
        (math.nan, "timeout=nan: expected 0 or more seconds"),
        (timedelta(seconds=-1), "timeout=datetime.timedelta(days=-1"),
        (True, "timeout=True: expected"),
        ("soon", 'timeout: unknown unit "soon"'),
        ("-1s", 'timeout: duration "-1s" is out of range'),
    ],
)
def test_a_bad_timeout_of_a_wait_is_named(engine: Engine, gate: Gate, timeout: Any, said: str) -> None:
    ended, runs = engine.submit(len, "a"), engine.submit(gate.wait)
    assert ended.result(PATIENCE) == 1
    waits = [wait for job in (ended, runs) for wait in (job.result, job.wait, job.exception, job.open_result)]
    for wait in [*waits, engine.drain]:
        with pytest.raises(bursar.Invalid) as caught:
            wait(timeout)
        assert said in str(caught.value)
    with pytest.raises(bursar.Invalid, match=r"^grace"):
        engine.shutdown(timeout)
    gate.open()
    assert runs.result(PATIENCE) == 1


def test_who_need_not_wait_doesnt(engine: Engine, gate: Gate) -> None:
    ended, runs = engine.submit(len, "a"), engine.submit(gate.wait)
    assert ended.result(PATIENCE) == 1
    for timeout in (0, 0.0, "0s", timedelta()):
        assert ended.result(timeout) == 1
        assert not runs.wait(timeout)
        with pytest.raises(TimeoutError, match=runs.id):
            runs.result(timeout)
    gate.open()


async def waits(value: int) -> int:
    return value


@functools.wraps(waits)
def wraps(value: int) -> Any:
    return waits(value)


def test_a_function_that_its_executor_cant_run_is_refused_when_declared(engine: Engine) -> None:
    plain = r"'test_input.nothing' is a plain function.*executor=\"async\".*make it an async def, or leave"
    awaited = r"'test_input.waits' is an async def.*executor=\"thread\".*leave the executor out"
    part = functools.partial(waits, 1)
    refused: list[tuple[str, Any, str]] = [
        ("async", nothing, plain),
        ("thread", waits, awaited),
        ("thread", part, awaited),
    ]
    for executor, function, said in refused:
        with pytest.raises(bursar.Invalid, match=said):
            task(executor=executor)(function)  # type: ignore[arg-type]
        with pytest.raises(bursar.Invalid, match=said):
            task(function).options(executor=executor)  # type: ignore[arg-type]
        pool = engine.executor(executor=executor)  # type: ignore[arg-type]
        with pytest.raises(bursar.Invalid, match=said):
            pool.submit(function)
    assert engine.count() == 0


def test_an_executor_of_an_engine_that_encodes_calls_is_refused(tmp_path: Path) -> None:
    strict: dict[str, Any] = {"strict": True}
    for url, options in [("memory:", strict), (f"sqlite:{tmp_path / 'jobs.db'}", {})]:
        with Engine(url, **options) as engine:
            for kind in ({}, {"executor": "process"}):
                with pytest.raises(bursar.Invalid, match="needs an engine in memory that is not strict"):
                    engine.executor(**kind)  # type: ignore[arg-type]


def test_what_gives_a_coroutine_runs_on_the_loop(engine: Engine) -> None:
    assert engine.submit(task(executor="async")(wraps), 3).result(PATIENCE) == 3
    with engine.executor(executor="async") as pool:
        assert [pool.submit(function, 4).result(PATIENCE) for function in (waits, wraps)] == [4, 4]
    with engine.executor(executor="thread") as pool:
        assert pool.submit(len, "four").result(PATIENCE) == 4


def test_an_unknown_url() -> None:
    with pytest.raises(bursar.Invalid, match=r"redis://localhost.*memory:"):
        Engine("redis://localhost")


def test_the_url_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURSAR_URL", "nowhere:")
    with pytest.raises(bursar.Invalid, match="nowhere:"):
        Engine()


def test_unknown_tasks_and_ids(engine: Engine) -> None:
    named = task(name="resize.image")(nothing)
    named.submit().result(PATIENCE)
    assert engine.submit("resize.image", 1, width=2).result(PATIENCE) is None
    with pytest.raises(bursar.NotFound, match=r'"resize.imag".*did you mean "resize.image"'):
        engine.submit("resize.imag")
    with pytest.raises(bursar.NotFound, match="declare the task here first"):
        engine.submit("q")
    with pytest.raises(bursar.NotFound, match="019e9c1a-7b1c-7000-8000-00000a1b2c3d"):
        engine.job("019e9c1a-7b1c-7000-8000-00000a1b2c3d")
    with pytest.raises(bursar.Invalid, match=r"nonsense\\0"):
        engine.job("nonsense\0")
    with pytest.raises(bursar.Invalid, match="5 can't be submitted"):
        engine.submit(5)  # type: ignore[call-overload]
    with pytest.raises(bursar.Invalid, match="broken"):
        engine.jobs(state="broken")  # type: ignore[arg-type]
    with pytest.raises(bursar.Invalid, match="sideways"):
        engine.jobs(order="sideways")
    with pytest.raises(bursar.Invalid, match="urgent"):
        engine.count(priority="urgent")  # type: ignore[arg-type]


def test_one_name_is_one_task(engine: Engine) -> None:
    task(name="taken")(nothing).submit().result(PATIENCE)
    with pytest.raises(bursar.Conflict, match='"taken"'):
        task(name="taken")(lambda: None).submit()


def test_wrong_arguments_fail_the_job_as_they_fail_a_call(engine: Engine) -> None:
    @task
    def one(value: int) -> int:
        return value

    with pytest.raises(bursar.JobFailed, match="argument"):
        one.submit().result(PATIENCE)  # type: ignore[call-arg]


@pytest.mark.parametrize("timeout", ["soon", math.nan, object(), [1]])
def test_bad_timeouts_of_a_wait(engine: Engine, timeout: Any) -> None:
    job = engine.submit(nothing)
    job.result(PATIENCE)
    gate = engine.submit(nothing)
    with pytest.raises(bursar.Invalid):
        engine.drain(timeout)
    gate.result(PATIENCE)


def test_progress_is_a_percentage(engine: Engine) -> None:
    def says(percent: float) -> None:
        bursar.current_job().progress(percent)

    for percent in (-1, 101, math.nan):
        with pytest.raises(bursar.JobFailed, match="percentage") as caught:
            engine.submit(says, percent).result(PATIENCE)
        assert caught.value.type == "Invalid"


def test_a_closed_engine_says_so() -> None:
    engine = Engine("memory:")
    job = engine.submit(nothing)
    job.result(PATIENCE)
    engine.shutdown()
    engine.shutdown()
    with pytest.raises(bursar.Closed, match="open a new one"):
        engine.submit(nothing)
    with pytest.raises(bursar.Closed):
        engine.stats()
    assert job.result() is None
    assert job.state == "completed"


def test_an_engine_that_only_submits_says_why(gate: Any) -> None:
    engine = Engine("memory:", run=False)
    job = engine.submit(nothing)
    assert "only submits" in str(job.why())
    engine.shutdown(0)
    with pytest.raises(bursar.JobCancelled, match="closed"):
        job.result(PATIENCE)


HOSTILE = ["\0", "\x1b[31mred", "../../etc/passwd", "x" * 1_000_000, "\U0001f600", "\u202e"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_goes_through_unharmed(engine: Engine, text: str) -> None:
    def echo(given: str) -> str:
        bursar.current_job().log(given)
        bursar.current_job().progress(1, given)
        return given

    job = engine.submit(echo, text)
    assert job.result(PATIENCE) == text
    assert text.startswith(job.logs()[0].message)
    assert repr(job).isprintable()


def test_lone_surrogates_are_refused_where_text_is_kept(engine: Engine) -> None:
    with pytest.raises((bursar.Invalid, UnicodeEncodeError)):
        task(name="\ud800")(nothing)
    with pytest.raises(bursar.Invalid, match="unique"):
        task(unique="\ud800")(nothing)

    def raises() -> None:
        raise ValueError("\ud800 broken")

    with pytest.raises(bursar.JobFailed, match="broken"):
        engine.submit(raises).result(PATIENCE)


def test_exceptions_that_cannot_be_shown(engine: Engine) -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("not even that")

        __repr__ = __str__

    def raises() -> None:
        raise MuteError

    with pytest.raises(bursar.JobFailed, match="can't be shown"):
        engine.submit(raises).result(PATIENCE)
