from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from conftest import PATIENCE

import bursar
from bursar import (
    CommandOutput,
    Engine,
    JobCancelled,
    JobCrashed,
    JobFailed,
    JobTimedOut,
    MemoryExceeded,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="commands run on Linux")


def test_a_command_gives_what_it_wrote(engine: Engine) -> None:
    job = engine.command(["sh", "-c", "echo out; echo err >&2"])
    assert job.result(PATIENCE) == CommandOutput(0, "out\n", "err\n", [])
    assert [(line.level, line.message) for line in job.logs()] == [("stdout", "out"), ("stderr", "err")]


def test_a_command_is_awaited() -> None:
    async def main() -> str:
        async with Engine() as engine:
            job = await engine.acommand(["cat"], stdin=b"bytes", timeout="20s")
            return (await job).stdout

    assert asyncio.run(main()) == "bytes"


def test_it_has_what_it_is_given(engine: Engine, tmp_path: Path) -> None:
    os.environ["BURSAR_TEST_SECRET"] = "s3cret"
    script = "pwd; echo $GREETING-$BURSAR_TEST_SECRET; cat"
    job = engine.command(["sh", "-c", script], cwd=tmp_path, env={"GREETING": "hi"}, stdin="text")
    assert job.result(PATIENCE).stdout == f"{tmp_path}\nhi-\ntext"
    own = engine.command(["sh", "-c", "echo $BURSAR_TEST_SECRET"], env={"BURSAR_TEST_SECRET": None})
    assert own.result(PATIENCE).stdout == "s3cret\n"


def test_how_it_ended_is_told_exactly(engine: Engine) -> None:
    with pytest.raises(JobFailed, match="ended with exit code 3: why") as failed:
        engine.command(["sh", "-c", "echo why >&2; exit 3"]).result(PATIENCE)
    assert (failed.value.type, failed.value.exit_code, failed.value.signal) == ("CommandFailed", 3, None)
    error = failed.value.info.error
    assert error is not None
    assert error.exit_code == 3
    with pytest.raises(JobCrashed, match="SIGSEGV") as crashed:
        engine.command(["sh", "-c", "kill -SEGV $$"]).result(PATIENCE)
    assert (crashed.value.exit_code, crashed.value.signal) == (None, 11)


def test_a_timeout_and_a_cancel_end_it() -> None:
    with Engine(grace="100ms") as engine:
        with pytest.raises(JobTimedOut, match="100ms"):
            engine.command(["sleep", "1000"], timeout="100ms").result(PATIENCE)
        job = engine.command(["sh", "-c", "trap '' TERM; sleep 1000"])
        job.cancel()
        with pytest.raises(JobCancelled):
            job.result(PATIENCE)


@pytest.mark.parametrize(
    ("argv", "options", "said"),
    [
        ("ls -l", {}, "'ls -l' is one text"),
        ([], {}, "needs a program"),
        (["no-such-program"], {}, '"no-such-program" in PATH'),
        (["/etc/passwd"], {}, "not executable"),
        (["/etc"], {}, "is a folder"),
        (["ls", "a\0b"], {}, "argument 1 of the command has a NUL"),
        (["ls", "\ud800"], {}, "can't be written as UTF-8"),
        (["ls", 5], {}, "argument 1 of the command is 5"),
        (["ls"], {"cwd": "/no/such"}, "/no/such"),
        (["ls"], {"env": {"A=B": "x"}}, "A=B"),
        (["ls"], {"env": {"A": 5}}, "variable A is 5"),
        (["ls"], {"stdin": 5}, "stdin is text or bytes, not 5"),
        (["ls"], {"memory": "64QB"}, "64QB"),
        (["ls"], {"executor": "thread"}, "can't run a program"),
        (["ls"], {"nice": 5}, "nice"),
    ],
)
def test_what_cannot_run_is_refused(engine: Engine, argv: Any, options: Any, said: str) -> None:
    with pytest.raises(bursar.Invalid) as refused:
        engine.command(argv, **options)
    assert said in str(refused.value)


def test_a_function_is_no_command(engine: Engine) -> None:
    @bursar.task(executor="command")
    def function() -> None: ...

    with pytest.raises(bursar.Invalid, match=r"engine\.command"):
        engine.submit(function)


def test_a_client_leaves_its_commands_to_a_worker(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'jobs.db'}"
    with Engine(url, run=False) as client:
        job = client.command(["sh", "-c", "echo $0", "done"])
        with Engine(url):
            assert job.result(PATIENCE) == CommandOutput(0, "done\n", "", [])
        found = client.job(job.id)
        assert found.result(PATIENCE) == CommandOutput(0, "done\n", "", [])
        assert found.info().args == ({"argv": ["sh", "-c", "echo $0", "done"]},)


def test_what_a_worker_cannot_start_fails_with_the_reason(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'jobs.db'}"
    with Engine(url) as engine, pytest.raises(JobFailed, match=r'"no-such-program" in PATH') as failed:
        engine.command(["no-such-program"]).result(PATIENCE)
    assert failed.value.type == "CommandNotStarted"


@pytest.mark.parametrize("kind", ["memory:", "sqlite:"])
def test_much_output_is_read_back_whole(kind: str, tmp_path: Path) -> None:
    url = kind if kind == "memory:" else f"sqlite:{tmp_path / 'jobs.db'}"
    with Engine(url) as engine:
        job = engine.command(["sh", "-c", "head -c 11000000 /dev/zero; echo few >&2"], timeout="60s")
        output = job.result(60)
        assert (output.stdout, output.stderr, output.cut) == ("\0" * 1024, "few\n", ["stdout"])
        with job.open_output("stdout") as file:
            assert file.read() == bytes(11_000_000)
        with job.open_output("stderr") as file:
            assert file.read() == b"few\n"


def test_what_a_failed_command_wrote_is_there(engine: Engine) -> None:
    job = engine.command(["sh", "-c", "echo half; exit 1"])
    assert job.wait(PATIENCE)
    assert job.open_output("stdout").read() == b"half\n"
    assert job.open_output("stderr").read() == b""
    with pytest.raises(bursar.NotFound, match='"stdot": use stdout or stderr'):
        job.open_output("stdot")


def test_a_command_is_paused_resumed_and_killed() -> None:
    with Engine(grace="1h") as engine:
        job = engine.command(["sh", "-c", "trap '' TERM; echo ready; sleep 1000"])
        events = job.events()
        while not job.logs():
            next(events)
        assert job.pause()
        assert not job.pause()
        assert [reason.kind for reason in job.why().reasons] == ["frozen"]
        assert job.resume()
        assert job.kill()
        with pytest.raises(JobCancelled):
            job.result(PATIENCE)


def test_limits_are_held_and_told(engine: Engine) -> None:
    job = engine.command(["sleep", "1000"], limits={"memory": 0})
    with pytest.raises(MemoryExceeded, match="where its limit is 0B"):
        job.result(PATIENCE)
    info = job.info()
    assert (info.limits.memory, info.attempts[0].isolation) == (0, "sampling")
    script = ["sh", "-c", "while :; do :; done"]
    busy = engine.command(script, cpu=0.5, limits={"cpu_time": "50ms", "cpu": None})
    with pytest.raises(JobFailed) as failed:
        busy.result(PATIENCE)
    assert failed.value.type == "CpuTimeExceeded"
    limits = busy.info().limits
    assert (limits.cpu, limits.cpu_time, limits.files) == (None, 0.05, None)


def test_who_nears_a_limit_is_told_of(engine: Engine) -> None:
    job = engine.command(["sleep", "1000"], limits={"files": 3})
    for event in job.events():
        if event.limit:
            assert (event.limit.resource, event.limit.used, event.limit.kind) == ("files", 3, "near")
            break
    assert any(line.level == "warning" for line in job.logs())
    job.cancel()


def test_limits_that_are_wrong_or_cannot_be_held_are_refused(engine: Engine) -> None:
    wrong: Any = {"memmory": "1MB"}
    with pytest.raises(bursar.Invalid, match="did you mean memory"):
        engine.command(["true"], limits=wrong)

    @bursar.task(limits={"memory": "1MB"})
    def on_a_thread() -> None: ...

    with pytest.raises(bursar.Invalid, match="executor thread can't enforce memory"):
        engine.submit(on_a_thread)
