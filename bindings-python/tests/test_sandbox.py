"""Commands and tasks in processes of their own, in a sandbox."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import sandbox_tasks as tasks
from conftest import PATIENCE, Script

import bursar
from bursar import Engine, JobCancelled, JobFailed, JobTimedOut, Sandbox, SandboxParts, task

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a sandbox is Linux's")


def test_a_command_writes_to_its_folder_only(engine: Engine, tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    script = f"echo x > here; echo x > {outside}/there || echo denied"
    job = engine.command(["sh", "-c", script], cwd=inside, sandbox="required")
    assert job.result(PATIENCE).stdout == "denied\n"
    assert [path.name for path in tmp_path.glob("*/*")] == ["here"]
    info = job.info()
    assert info.sandbox == Sandbox("required", (), network=False)
    parts = info.attempts[0].sandbox
    assert parts is not None
    assert parts.landlock is not None
    assert parts.landlock >= 6
    assert parts == SandboxParts(no_new_privs=True, landlock=parts.landlock, seccomp=True)
    job = engine.command(
        ["sh", "-c", script], sandbox={"level": "best_effort", "write": [inside, str(outside)]}
    )
    assert "here" in job.result(PATIENCE).stderr
    assert (outside / "there").exists()
    assert not Path("here").exists()


def test_a_process_computes_and_writes_nowhere(anywhere: Engine, tmp_path: Path) -> None:
    assert tasks.digest.submit(1_000).result(PATIENCE) == tasks.digest(1_000)
    path = str(tmp_path / "file")
    sandboxed = tasks.write.options(sandbox="required")
    assert sandboxed.submit(path).result(PATIENCE) == "PermissionError"
    assert tasks.write_by_a_grandchild.submit(path).result(PATIENCE) == "PermissionError"
    assert not Path(path).exists()
    job = tasks.write.submit(path)
    assert job.result(PATIENCE) == "written"
    assert job.info().attempts[0].sandbox is None
    job = tasks.write.options(sandbox={"level": "required", "write": [tmp_path]}).submit(path)
    assert job.result(PATIENCE) == "written"
    info = job.info()
    assert info.sandbox == Sandbox("required", (str(tmp_path),), network=False)
    parts = info.attempts[0].sandbox
    assert parts is not None
    assert parts.seccomp


@pytest.fixture(params=["memory:", "sqlite"])
def anywhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same code on every store."""
    folder = tmp_path_factory.mktemp("store")
    url = "memory:" if request.param == "memory:" else f"sqlite:{folder}/jobs.db"
    with Engine(url) as engine:
        yield engine


def test_a_process_has_no_network_and_no_rights(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert engine.submit(tasks.connect, port).result(PATIENCE) == "PermissionError"
        allowed = tasks.connect.options(sandbox={"level": "required", "network": True})
        assert allowed.submit(port).result(PATIENCE) == "connected"
    status = engine.submit(tasks.rights).result(PATIENCE)
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status


def test_children_with_different_sandboxes_are_not_the_same(tmp_path: Path) -> None:
    with Engine("memory:", concurrency={"process": 1}) as engine:
        kinds: list[Any] = ["off", "required", {"level": "required", "write": [str(tmp_path)]}]
        first = [tasks.pid.options(sandbox=kind).submit().result(PATIENCE) for kind in kinds]
        assert len(set(first)) == 3
        again = [tasks.pid.options(sandbox=kind).submit().result(PATIENCE) for kind in kinds]
        assert first == again
        # More kinds than are kept: the first ones make room, and come again.
        many = [{"level": "required", "write": [f"/usr/{name}"]} for name in ("bin", "lib", "share", "src")]
        for kind in [*many, *kinds, *many]:
            options: Any = {"sandbox": kind}
            assert tasks.pid.options(**options).submit().result(PATIENCE) > 0
        assert engine.submit(tasks.digest, 1).result(PATIENCE) == tasks.digest(1)


def test_temporary_files_go_with_their_processes() -> None:
    with Engine("memory:") as engine:
        name = engine.submit(tasks.temporary).result(PATIENCE)
        assert Path(name).exists()
        assert Path(name).parent.name.startswith("bursar-tmp-")
        status = Path(name).parent.stat()
        assert (status.st_mode & 0o777, status.st_uid) == (0o700, os.getuid())
    script = "import os, sys; os.execlp('sh', 'sh', '-c', 'mktemp')"
    with Engine("memory:") as engine:
        made = engine.command([sys.executable, "-c", script], sandbox="required").result(PATIENCE).stdout
        assert not Path(made.strip()).parent.exists()


def test_what_a_job_says_and_how_it_is_stopped_is_as_ever(engine: Engine) -> None:
    job = engine.submit(tasks.talk)
    job.result(PATIENCE)
    assert job.info().progress == bursar.Progress(50, "half")
    assert [line.message for line in job.logs()] == ["said"]
    with pytest.raises(JobTimedOut):
        tasks.endless.options(timeout="100ms").submit().result(PATIENCE)
    job = engine.submit(tasks.endless)
    events = job.events()
    while not job.logs():
        next(events)
    assert job.pause()
    assert job.resume()
    assert job.kill()
    with pytest.raises(JobCancelled):
        job.result(PATIENCE)
    parts = job.info().attempts[0].sandbox
    assert parts is None or parts.no_new_privs


def test_the_peak_is_that_of_the_job_in_a_sandbox_too() -> None:
    with Engine("memory:", concurrency={"process": 1}) as engine:
        before = engine.submit(tasks.large, 300)
        assert before.result(PATIENCE) == 300 << 20
        after = engine.submit(tasks.large, 1)
        after.result(PATIENCE)
        peaks = [job.info().attempts[0].peak_memory for job in (before, after)]
        assert peaks[0] is not None
        assert peaks[1] is not None
        assert peaks[0] > 300 << 20 > 200 << 20 > peaks[1]


def test_an_engine_may_have_a_default(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    with Engine("memory:", default_sandbox="best_effort") as engine:
        assert engine.submit(tasks.write, path).result(PATIENCE) == "PermissionError"
        assert tasks.write.options(sandbox="off").submit(path).result(PATIENCE) == "written"
        # What runs on a thread has none, and is not refused.
        assert engine.submit(len, "abc").result(PATIENCE) == 3


WRONG: list[tuple[Any, str]] = [
    ("requird", r"sandbox: unknown level \"requird\" \(did you mean required\?\): use off, best_effort or"),
    ("strict", r"unknown level \"strict\": use off, best_effort or required"),
    (True, r"sandbox=true: expected \"off\", \"best_effort\", \"required\", or a mapping"),
    ({}, r"sandbox names no level: add"),
    ({"level": "required", "wirte": []}, "did you mean write"),
    ({"level": "required", "write": "/tmp"}, r"sandbox.write=\"/tmp\": expected a list of whole paths"),
    ({"level": "required", "write": [Path("out")]}, r"sandbox.write: \"out\": it is not a whole path"),
    ({"level": "required", "write": [7]}, r"sandbox.write=7: expected a list"),
    ({"level": "required", "network": "no"}, r"sandbox.network=\"no\": expected true or false"),
]


@pytest.mark.parametrize(("value", "message"), WRONG)
def test_what_is_wrong_is_refused_by_name(engine: Engine, value: Any, message: str) -> None:
    with pytest.raises(bursar.Invalid, match=message):
        engine.command(["true"], sandbox=value)
    with pytest.raises(bursar.Invalid, match="sandbox"):
        Engine("memory:", default_sandbox=value)


def test_what_cant_be_kept_in_is_refused(engine: Engine) -> None:
    @task(sandbox="required")
    def on_a_thread() -> None: ...

    with pytest.raises(bursar.Invalid, match="sandbox=required: executor thread can't"):
        engine.submit(on_a_thread)
    with pytest.raises(bursar.Invalid, match="/no/such"):
        engine.command(["true"], sandbox={"level": "required", "write": ["/no/such"]})
    missing = tasks.pid.options(sandbox={"level": "required", "write": ["/no/such"]}).submit()
    with pytest.raises(JobFailed, match=r"/no/such.*make it first") as failed:
        missing.result(PATIENCE)
    assert failed.value.type == "SandboxUnavailable"


def test_required_starts_nothing_where_a_part_is_missing(script: Script) -> None:
    """In a process whose kernel says that it has no Landlock."""
    ran = script(f"""
        sys.path.insert(0, {str(Path(tasks.__file__).parent)!r})
        import ctypes, struct
        libc = ctypes.CDLL(None, use_errno=True)
        code = [(0x20, 0, 0, 0), (0x35, 0, 2, 444), (0x25, 1, 0, 446), (0x06, 0, 0, 0x50026),
                (0x06, 0, 0, 0x7FFF0000)]
        text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
        rules = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text)))
        assert libc.prctl(38, 1, 0, 0, 0) == 0
        assert libc.prctl(22, 2, rules) == 0

        import sandbox_tasks as tasks
        from bursar import Engine, JobFailed, SandboxParts
        with Engine("memory:") as engine:
            try:
                engine.submit(tasks.digest, 1).result(30)
            except JobFailed as error:
                assert error.type == "SandboxUnavailable", error.type
                assert "no process was started" in error.message, error.message
                assert "Landlock" in error.message, error.message
            else:
                raise AssertionError
            job = tasks.digest.options(sandbox="best_effort").submit(1)
            job.result(30)
            expected = SandboxParts(no_new_privs=True, landlock=None, seccomp=True)
            assert job.info().attempts[0].sandbox == expected, job.info().attempts
    """)
    assert ran.returncode == 0, ran
