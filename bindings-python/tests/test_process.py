"""Tasks in processes of their own: what they are given, give back, and can say."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import os
import subprocess
import threading
from collections.abc import Iterator  # noqa: TC003
from pathlib import Path
from typing import Any

import process_tasks as tasks
import pytest
from conftest import PATIENCE, Script

import bursar
from bursar import Engine, task

STORES = ["memory:", "strict", "sqlite"]


@pytest.fixture(params=STORES)
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The same code on every store."""
    urls = {"memory:": "memory:", "strict": "memory:", "sqlite": f"sqlite:{tmp_path}/jobs.db"}
    with Engine(urls[request.param], strict=request.param == "strict") as engine:
        yield engine


def test_a_call_runs_elsewhere_and_its_result_comes_back(anywhere: Engine) -> None:
    assert tasks.add.submit(1, two=2).result(PATIENCE) == 3
    assert tasks.add.submit(1).result(PATIENCE) == 2
    assert tasks.pid.submit().result(PATIENCE) != os.getpid()
    assert tasks.add(1, 2) == 3


def test_a_process_runs_one_job_after_the_other() -> None:
    with Engine("memory:", concurrency={"process": 1}) as engine:
        jobs = [engine.submit(tasks.calls) for _ in range(5)]
        assert [job.result(PATIENCE) for job in jobs] == [1, 2, 3, 4, 5]
        assert tasks.state["calls"] == 0


def test_objects_travel_as_copies(anywhere: Engine) -> None:
    point = tasks.Point(1, 2)
    assert tasks.moved.submit(point).result(PATIENCE) == tasks.Point(2, 2)
    assert point == tasks.Point(1, 2)


@pytest.mark.parametrize("count", [0, 1, 65_000, 66_000, 5_000_000])
def test_results_of_any_size_come_whole(engine: Engine, count: int) -> None:
    assert tasks.many_bytes.submit(count).result(PATIENCE) == "x" * count
    assert tasks.echo.submit(b"y" * count).result(PATIENCE) == b"y" * count


def test_an_unpicklable_argument_is_refused_at_submit(engine: Engine) -> None:
    with pytest.raises(bursar.Invalid, match=r"argument 'two' can't be sent.*pickle"):
        tasks.add.submit(1, lambda: 2)  # type: ignore[arg-type]
    with pytest.raises(bursar.Invalid, match="argument 'value'"):
        tasks.echo.submit(value=threading.Lock())
    with pytest.raises(bursar.Invalid, match=r"args\.two"), Engine("memory:", strict=True) as strict:
        strict.submit(tasks.add, 1, two=object())  # type: ignore[arg-type]


def test_an_unpicklable_result_is_a_failure_and_its_process_lives_on() -> None:
    with Engine("memory:", concurrency={"process": 1}) as engine:
        before = engine.submit(tasks.pid).result(PATIENCE)
        with pytest.raises(bursar.JobFailed, match=r"result can't be sent.*lock"):
            engine.submit(tasks.unpicklable).result(PATIENCE)
        assert engine.submit(tasks.pid).result(PATIENCE) == before


def test_a_result_that_json_cant_carry_is_a_failure(tmp_path: Path) -> None:
    with Engine(f"sqlite:{tmp_path}/jobs.db") as engine:
        with pytest.raises(bursar.JobFailed, match="result"):
            engine.submit(tasks.unpicklable).result(PATIENCE)
        assert engine.submit(tasks.add, 1).result(PATIENCE) == 2


def test_an_exception_comes_back_with_its_traceback(engine: Engine) -> None:
    job = tasks.fail.submit("too bad")
    with pytest.raises(bursar.JobFailed, match="ValueError: too bad") as caught:
        job.result(PATIENCE)
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.traceback is not None
    lines = caught.value.traceback.splitlines()
    assert lines[1].strip().startswith(f'File "{tasks.__file__}"'), lines
    assert lines[-1] == "ValueError: too bad"


def test_an_exception_that_cant_be_read_back_is_told_in_words(engine: Engine) -> None:
    with pytest.raises(bursar.JobFailed, match="Unreadable: 1 and 2") as caught:
        tasks.fail_unreadably.submit().result(PATIENCE)
    assert caught.value.__cause__ is None
    assert caught.value.type == "Unreadable"


def test_the_current_job_is_known_there(anywhere: Engine) -> None:
    job = tasks.about.submit()
    said = job.result(PATIENCE)
    info = job.info()
    assert info.started is not None
    assert abs(said.pop("deadline") - info.started.timestamp() - 300) < PATIENCE
    assert said == {
        "id": job.id,
        "attempt": 1,
        "task": "process_tasks.about",
        "memory": 64_000_000,
        "cancelled": False,
        "daemon": False,
        "checkpoint": None,
    }
    assert info.progress is not None
    assert (info.progress.percent, info.progress.message) == (40, "nearly")
    assert [(line.level, line.message) for line in job.logs()] == [("info", "first"), ("warning", "second")]


def test_what_is_noted_wrongly_is_refused_there(engine: Engine) -> None:
    said = tasks.wrong_notes.submit().result(PATIENCE)
    assert "progress 101" in said[0]
    assert "too large" in said[1]


def test_a_checkpoint_survives_attempts_that_crash(anywhere: Engine) -> None:
    assert tasks.go_on.submit().result(PATIENCE) == [1, 2, 3]


def test_what_a_task_raises_to_end_its_attempt(anywhere: Engine) -> None:
    again = tasks.says.submit("retry")
    assert again.result(PATIENCE) is None
    assert [attempt.outcome for attempt in again.info().attempts] == ["snoozed", "completed"]
    with pytest.raises(bursar.JobFailed, match="no use"):
        tasks.says.submit("fail").result(PATIENCE)
    with pytest.raises(bursar.JobCancelled, match="enough"):
        tasks.says.submit("cancel").result(PATIENCE)
    with pytest.raises(bursar.JobFailed, match="3 lightyears"):
        tasks.says.submit("wrong delay").result(PATIENCE)


def test_coroutines_run_on_a_loop_there(anywhere: Engine) -> None:
    assert [tasks.double.submit(n).result(PATIENCE) for n in range(3)] == [0, 2, 4]


def test_threads_of_a_coroutine_note_what_they_like(engine: Engine) -> None:
    job = tasks.notes_of_threads.submit(200)
    assert job.result(PATIENCE) == 200
    assert {line.message for line in job.logs()} == {str(n) for n in range(200)}


def test_jobs_are_awaited_as_any_other() -> None:
    async def main() -> list[int]:
        async with Engine("memory:"):
            return list(await asyncio.gather(*[tasks.add.submit(n) for n in range(20)]))

    assert asyncio.run(main()) == list(range(1, 21))


def test_what_a_job_was_seen_to_use_is_recorded(anywhere: Engine) -> None:
    job = tasks.take.submit(10)
    job.result(PATIENCE)
    (attempt,) = job.info().attempts
    assert attempt.peak_memory is not None
    assert attempt.peak_memory >= 10 << 20
    assert attempt.cpu_time is not None
    assert 0 <= attempt.cpu_time < PATIENCE


def test_arguments_and_result_are_in_the_snapshot(anywhere: Engine) -> None:
    job = tasks.add.options(delay=3_600).submit(1, two=2)
    info = job.info()
    assert {*info.args, *(info.kwargs or {}).values()} == {1, 2}
    job.cancel()
    done = tasks.add.submit(1, two=2)
    assert done.result(PATIENCE) == done.info().result == 3


def test_a_function_that_no_process_finds_is_refused_at_submit(engine: Engine) -> None:
    def closure() -> None: ...

    for function, why in [(closure, "inside of another function"), (lambda: None, "a lambda")]:
        local = task(executor="process")(function)
        with pytest.raises(bursar.Invalid, match=f"{why}.*move it to the top of a module"):
            local.submit()
    with pytest.raises(bursar.Invalid, match="inside of another function"):
        task(name="again")(closure).options(executor="process").submit()


def test_a_function_of_the_program_itself_is_refused_at_submit(script: Script) -> None:
    ran = script("""
        @task(executor="process")
        def here(): pass

        with Engine("memory:"):
            here.submit()
    """)
    assert ran.returncode == 1
    assert "defined in __main__" in ran.stderr
    assert "move it to the top of a module" in ran.stderr


def test_a_plain_function_runs_there_by_its_name(engine: Engine) -> None:
    assert task(executor="process")(tasks.plain).submit(2).result(PATIENCE) == 20
    part = task(name="partial", executor="process")(functools.partial(tasks.plain))
    assert part.submit(3).result(PATIENCE) == 30


def test_a_task_of_threads_can_be_sent_there(engine: Engine) -> None:
    assert whoami.submit().result(PATIENCE) == os.getpid()
    assert whoami.options(executor="process").submit().result(PATIENCE) != os.getpid()


@task
def whoami() -> int:
    return os.getpid()


def test_a_job_there_has_no_engine_of_its_own(engine: Engine) -> None:
    with pytest.raises(bursar.JobFailed, match="process of its own, which has no engine"):
        tasks.submits.submit().result(PATIENCE)


def test_an_executor_of_the_standard_kind(engine: Engine) -> None:
    with engine.executor(executor="process") as pool:
        assert list(pool.map(tasks.plain, range(5))) == [0, 10, 20, 30, 40]
        assert pool.submit(os.getpid).result(PATIENCE) != os.getpid()
        failing = pool.submit(int, "x")
        assert isinstance(failing.exception(PATIENCE), ValueError)
        done, _ = concurrent.futures.wait([pool.submit(pow, 2, n) for n in range(3)], PATIENCE)
        assert {future.result() for future in done} == {1, 2, 4}


def test_a_standard_executor_refuses_what_no_process_finds(engine: Engine) -> None:
    def closure() -> None: ...

    pool = engine.executor(executor="process")
    for function, why in [(closure, "inside of another function"), (lambda: None, "a lambda")]:
        with pytest.raises(bursar.Invalid, match=f"{why}.*move it to the top of a module"):
            pool.submit(function)
    with pytest.raises(bursar.Invalid, match="argument 'value' can't be sent"):
        pool.submit(tasks.plain, threading.Lock())  # type: ignore[arg-type]
    with pytest.raises(bursar.Invalid, match=r"^the function can't be sent.*partial"):
        pool.submit(functools.partial(tasks.plain, threading.Lock()))  # type: ignore[arg-type]
    assert engine.count() == 0


def test_a_standard_executor_refuses_a_function_of_the_program_itself(script: Script) -> None:
    ran = script("""
        def double(number): return 2 * number

        with Engine("memory:") as engine:
            engine.executor(executor="process").submit(double, 3).result()
    """)
    assert ran.returncode == 1
    assert (
        "bursar.Invalid: '__main__.double' can't run in a process of its own: it is defined in" in ran.stderr
    )
    assert "move it to the top of a module" in ran.stderr


def test_a_process_has_a_session_and_one_thread(engine: Engine) -> None:
    session, group, pid = tasks.session.submit().result(PATIENCE)
    assert session == group == pid
    assert tasks.threads.submit().result(PATIENCE) == 1


def test_titles_say_what_runs(engine: Engine) -> None:
    job = tasks.title.submit()
    title = job.result(PATIENCE).rstrip("\0")
    assert title == f"bursar-{job.id[-8:]}:process_tasks.title:running"
    found = subprocess.run(["pgrep", "-f", "bursar:idle"], capture_output=True, text=True, check=False)
    pid = tasks.pid.submit().result(PATIENCE)
    assert str(pid) in found.stdout.split()


def test_a_test_engine_runs_it_in_the_caller() -> None:
    from bursar.testing import EagerEngine

    with EagerEngine():
        assert tasks.pid.submit().result() == os.getpid()
        assert tasks.moved.submit(tasks.Point(1, 1)).result() == tasks.Point(2, 1)


def test_output_is_that_of_the_program(script: Script, tmp_path: Path) -> None:
    ran = script(f"""
        sys.path.insert(0, {str(Path(tasks.__file__).parent)!r})
        import process_tasks
        with Engine("memory:"):
            process_tasks.speak.submit().result({PATIENCE})
    """)
    assert (ran.returncode, ran.stdout) == (0, "from a process\n"), ran


def run_in(folder: Path, module: str, body: str, script: Script) -> Any:
    """Runs a program that has a module of its own beside it."""
    (folder / "own.py").write_text(module)
    return script(f"import own\n{body}")


def test_a_module_that_starts_a_thread_is_imported_by_each_process(script: Script, tmp_path: Path) -> None:
    module = """
import threading, time
from bursar import task
threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()

@task(executor="process")
def count():
    return threading.active_count()
"""
    body = f"""
with Engine("memory:", concurrency=1):
    print([own.count.submit().result({PATIENCE}) for _ in range(3)])
"""
    ran = run_in(tmp_path, module, body, script)
    assert ran.stdout == "[2, 2, 2]\n", ran
    assert ran.stderr.count("starts a thread when it is imported") == 1


def test_the_arguments_of_a_program_may_be_long(script: Script, tmp_path: Path) -> None:
    ran = script(f"""
        sys.path.insert(0, {str(Path(tasks.__file__).parent)!r})
        sys.argv += ["x" * 1_000] * 3_000
        import process_tasks
        with Engine("memory:"):
            print(process_tasks.add.submit(1).result({PATIENCE}))
    """)
    assert ran.stdout == "2\n", ran


def test_a_shutdown_ends_what_is_still_importing(script: Script, tmp_path: Path) -> None:
    module = f"""
import os, time
from bursar import task
if os.environ.get("GUARD") != str(os.getpid()):
    with open({str(tmp_path / "new")!r}, "w") as file:
        file.write(str(os.getpid()))
    os.rename({str(tmp_path / "new")!r}, {str(tmp_path / "pid")!r})
    time.sleep(3600)

@task(executor="process")
def never(): pass
"""
    (tmp_path / "own.py").write_text(module)
    ran = script(f"""
        os.environ["GUARD"] = str(os.getpid())
        import own
        engine = Engine("memory:", grace=0.05)
        job = engine.submit(own.never)
        while not os.path.exists({str(tmp_path / "pid")!r}):
            time.sleep(0.005)
        engine.shutdown(0)
        print(job.state)
        with open({str(tmp_path / "pid")!r}) as file:
            pid = int(file.read())
        while os.path.exists(f"/proc/{{pid}}"):
            time.sleep(0.005)
    """)
    assert ran.stdout == "cancelled\n", ran


def test_a_module_may_set_a_timeout_for_its_sockets(script: Script, tmp_path: Path) -> None:
    module = """
import socket
from bursar import current_job, task
socket.setdefaulttimeout(0.001)

@task(executor="process")
def cancelled():
    return current_job().cancelled
"""
    body = f"""
with Engine("memory:"):
    print(own.cancelled.submit().result({PATIENCE}))
"""
    ran = run_in(tmp_path, module, body, script)
    assert ran.stdout == "False\n", ran


def test_a_module_that_cant_be_imported_there_fails_its_jobs_alone(script: Script, tmp_path: Path) -> None:
    module = """
import os
from bursar import task
if os.environ.get("GUARD") != str(os.getpid()):
    raise ImportError("not in any other process")

@task(executor="process")
def never(): pass
"""
    body = f"""
sys.path.insert(0, {str(Path(tasks.__file__).parent)!r})
import process_tasks
with Engine("memory:"):
    print(repr(own.never.submit().exception({PATIENCE})))
    print(process_tasks.add.submit(1).result({PATIENCE}))
"""
    (tmp_path / "own.py").write_text(module)
    ran = script(f'os.environ["GUARD"] = str(os.getpid())\nimport own\n{body}')
    assert "not in any other process" in ran.stdout, ran
    assert ran.stdout.splitlines()[1] == "2"


def test_a_module_that_ends_its_process_fails_its_jobs_alone(script: Script, tmp_path: Path) -> None:
    module = """
import os
from bursar import task
if os.environ.get("GUARD") != str(os.getpid()):
    os._exit(7)

@task(executor="process")
def never(): pass
"""
    body = f"""
sys.path.insert(0, {str(Path(tasks.__file__).parent)!r})
import process_tasks
with Engine("memory:"):
    print(repr(own.never.submit().exception({PATIENCE})))
    print(repr(own.never.submit().exception({PATIENCE})))
    print(process_tasks.add.submit(1).result({PATIENCE}))
"""
    (tmp_path / "own.py").write_text(module)
    ran = script(f'os.environ["GUARD"] = str(os.getpid())\nimport own\n{body}')
    lines = ran.stdout.splitlines()
    assert "starts others ended with exit code 7" in lines[0], ran
    assert "process of the job ended with exit code 7" in lines[1], ran
    assert lines[2] == "2", ran
