"""Processes that end in the middle of a job, are ended, or are replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable  # noqa: TC003
from pathlib import Path

import process_tasks as tasks
import pytest
from conftest import PATIENCE, Script

import bursar
from bursar import Engine


def until(condition: Callable[[], bool]) -> None:
    """Waits for something that nobody tells."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.005)


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


@pytest.fixture
def began(tmp_path: Path) -> Path:
    return tmp_path / "began"


def at_rest(engine: Engine) -> None:
    """Everything that jobs had reserved is given back."""
    budget = engine.stats().budget
    assert budget.memory.reserved == 0
    assert budget.cpu.reserved == 0


@pytest.mark.parametrize(
    ("job", "args", "reason"),
    [
        (tasks.segfault, (), r"signal 11 \(SIGSEGV\)"),
        (tasks.end_at_once, (3,), "exit code 3"),
        (tasks.end_at_once, (0,), "exit code 0"),
        (tasks.kill_itself, (signal.SIGKILL,), r"signal 9 \(SIGKILL\)"),
        (tasks.kill_itself, (signal.SIGTERM,), r"signal 15 \(SIGTERM\)"),
        (tasks.kill_itself, (signal.SIGABRT,), r"signal 6 \(SIGABRT\)"),
    ],
)
def test_a_process_that_ends_is_a_crash_and_all_else_goes_on(
    engine: Engine, job: bursar.Task[..., None], args: tuple[int, ...], reason: str
) -> None:
    others = [tasks.add.submit(n) for n in range(10)]
    crashed = job.submit(*args)
    with pytest.raises(bursar.JobCrashed, match=reason):
        crashed.result(PATIENCE)
    assert [other.result(PATIENCE) for other in others] == list(range(1, 11))
    assert [attempt.outcome for attempt in crashed.info().attempts] == ["crashed"]
    assert tasks.add.submit(1).result(PATIENCE) == 2
    at_rest(engine)


@pytest.mark.parametrize(
    ("job", "args", "kind"),
    [(tasks.end_politely, (3,), "SystemExit"), (tasks.out_of_memory, (), "MemoryError")],
)
def test_an_exception_of_any_kind_is_a_failure_and_its_process_lives_on(
    job: bursar.Task[..., None], args: tuple[int, ...], kind: str
) -> None:
    with Engine("memory:", concurrency={"process": 1}) as engine:
        before = engine.submit(tasks.pid).result(PATIENCE)
        error = engine.submit(job, *args).exception(PATIENCE)
        assert isinstance(error, bursar.JobFailed)
        assert error.type == kind
        assert engine.submit(tasks.pid).result(PATIENCE) == before


def test_a_job_whose_process_crashed_is_tried_again(engine: Engine) -> None:
    job = tasks.crash_until.submit(3)
    assert job.result(PATIENCE) == 3
    assert [attempt.outcome for attempt in job.info().attempts] == ["crashed", "crashed", "completed"]


@pytest.mark.parametrize("job", [tasks.loop_for_ever, tasks.sleep_for_ever])
def test_a_timeout_ends_what_doesnt_look(began: Path, job: bursar.Task[..., None]) -> None:
    with Engine("memory:", grace=0.05) as engine:
        tasks.add.submit(1).result(PATIENCE)
        late = job.options(timeout=0.5).submit(str(began))
        with pytest.raises(bursar.JobTimedOut, match="500ms"):
            late.result(PATIENCE)
        assert not lives(int(began.read_text() or 0))
        assert tasks.add.submit(1).result(PATIENCE) == 2
        at_rest(engine)


def test_a_cancelled_job_has_ended_with_all_that_it_started(began: Path) -> None:
    with Engine("memory:", grace=0.05) as engine:
        job = tasks.with_family.submit(str(began))
        until(lambda: began.exists() and len(began.read_text().split()) == 3)
        family = [int(pid) for pid in began.read_text().split()]
        assert all(lives(pid) for pid in family)
        assert job.cancel("enough")
        with pytest.raises(bursar.JobCancelled, match="enough"):
            job.result(PATIENCE)
        assert not [pid for pid in family if lives(pid)]
        at_rest(engine)


def test_a_job_that_looks_ends_by_itself_and_its_process_lives_on(began: Path) -> None:
    with Engine("memory:", concurrency={"process": 1}) as engine:
        before = engine.submit(tasks.pid).result(PATIENCE)
        job = tasks.polite.submit(str(began))
        until(began.exists)
        job.cancel("please")
        with pytest.raises(bursar.JobCancelled, match="please"):
            job.result(PATIENCE)
        assert engine.submit(tasks.pid).result(PATIENCE) == before


@pytest.mark.parametrize("asleep", [tasks.asleep, tasks.asleep_after_a_note])
def test_a_coroutine_is_cancelled_there(began: Path, asleep: bursar.Task[[str], object]) -> None:
    with Engine("memory:", concurrency={"process": 1}) as engine:
        before = engine.submit(tasks.pid).result(PATIENCE)
        job = asleep.submit(str(began))
        until(began.exists)
        job.cancel("wake up")
        with pytest.raises(bursar.JobCancelled, match="wake up"):
            job.result(PATIENCE)
        assert engine.submit(tasks.double, 2).result(PATIENCE) == 4
        assert engine.submit(tasks.pid).result(PATIENCE) == before


def test_what_a_job_leaves_behind_does_the_next_one_no_harm() -> None:
    with Engine("memory:", concurrency={"process": 1}) as engine:
        before = engine.submit(tasks.pid).result(PATIENCE)
        engine.submit(tasks.leave_a_thread).result(PATIENCE)
        job = engine.submit(tasks.let_it_note)
        assert job.result(PATIENCE) == "Conflict"
        assert [line.message for line in job.logs()] == ["in time"]
        left = engine.submit(tasks.leave_on_the_loop)
        left.result(PATIENCE)
        logged = list(left.logs())
        assert [engine.submit(tasks.double, n).result(PATIENCE) for n in range(10)] == list(range(0, 20, 2))
        assert list(left.logs()) == logged
        assert engine.submit(tasks.pid).result(PATIENCE) == before


def test_a_job_that_is_cancelled_before_its_process_is_born_never_runs(began: Path) -> None:
    with Engine("memory:") as engine:
        job = tasks.loop_for_ever.submit(str(began))
        job.cancel("never mind")
        with pytest.raises(bursar.JobCancelled, match="never mind"):
            job.result(PATIENCE)
        assert engine.submit(tasks.add, 1).result(PATIENCE) == 2
        assert not began.exists()


@pytest.mark.parametrize("url", ["memory:", "sqlite"])
def test_a_shutdown_ends_what_runs(url: str, began: Path, tmp_path: Path) -> None:
    store = url if url == "memory:" else f"sqlite:{tmp_path}/jobs.db"
    engine = Engine(store, grace=0.05)
    job = engine.submit(tasks.loop_for_ever, str(began))
    until(lambda: began.exists() and began.read_text() != "")
    pid = int(began.read_text())
    idle = [engine.submit(tasks.pid).result(PATIENCE) for _ in range(2)]
    engine.shutdown(0)
    assert not lives(pid)
    until(lambda: not any(map(lives, idle)))
    assert isinstance(job.exception(PATIENCE), bursar.JobFailed)


@pytest.mark.parametrize(
    "end",
    [
        "pass",
        "raise RuntimeError",
        "sys.exit(3)",
        "os._exit(0)",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "os.kill(os.getpid(), signal.SIGKILL)",
    ],
)
def test_nothing_outlives_the_program_however_that_ends(end: str, tmp_path: Path) -> None:
    began = tmp_path / "began"
    program = f"""
import os, signal, sys, time
sys.path.insert(0, {str(Path(tasks.__file__).parent)!r})
import process_tasks as tasks
from bursar import Engine
engine = Engine("memory:", grace=0.05)
job = engine.submit(tasks.with_family, {str(began)!r})
while not os.path.exists({str(began)!r}) or len(open({str(began)!r}).read().split()) < 3:
    time.sleep(0.005)
{end}
"""
    subprocess.run([sys.executable, "-c", program], timeout=PATIENCE, stderr=subprocess.DEVNULL, check=False)
    family = [int(pid) for pid in began.read_text().split()]
    until(lambda: not any(map(lives, family)))


def test_a_keyboard_interrupt_of_the_program_is_not_that_of_its_jobs(script: Script, tmp_path: Path) -> None:
    ran = script(f"""
        # Who is started in the background is started with Ctrl-C ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.path.insert(0, {str(Path(tasks.__file__).parent)!r})
        import process_tasks as tasks
        os.setpgid(0, 0)
        with Engine("memory:"):
            job = tasks.polite.submit({str(tmp_path / "began")!r})
            while not os.path.exists({str(tmp_path / "began")!r}):
                assert not job.done(), job.exception()
            try:
                os.killpg(0, signal.SIGINT)
                job.result()
            except KeyboardInterrupt:
                print(job.state)
            job.cancel()
    """)
    assert ran.stdout == "running\n", ran


def test_a_process_is_replaced_after_so_many_jobs() -> None:
    with Engine("memory:", concurrency={"process": 1}, max_jobs_per_child=3) as engine:
        pids = [engine.submit(tasks.pid).result(PATIENCE) for _ in range(7)]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3, 1]


def test_a_process_that_has_grown_is_replaced() -> None:
    with Engine("memory:", concurrency={"process": 1}, max_memory_per_child="100MB") as engine:
        small = [engine.submit(tasks.grow, 1).result(PATIENCE) for _ in range(2)]
        assert len({*small}) == 1
        large = engine.submit(tasks.grow, 150).result(PATIENCE)
        assert large in small
        assert engine.submit(tasks.pid).result(PATIENCE) not in small


@pytest.mark.parametrize("value", [0, -1, "many"])
def test_a_wrong_number_of_jobs_is_refused(value: object) -> None:
    with pytest.raises(bursar.Invalid, match="max_jobs_per_child"):
        Engine("memory:", max_jobs_per_child=value)


def test_a_forked_program_leaves_the_processes_of_the_first_alone(engine: Engine) -> None:
    before = tasks.pid.submit().result(PATIENCE)
    pid = os.fork()
    if pid == 0:
        try:
            engine.shutdown(0)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert lives(before)
    assert tasks.add.submit(1).result(PATIENCE) == 2


def test_a_paused_job_stands_still_with_all_that_it_started(engine: Engine, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    job = tasks.count_in_a_child.submit(str(counter))
    until(lambda: counter.exists() and counter.stat().st_size > 0)
    assert job.pause()
    children = [int(pid) for pid in tmp_path.joinpath("pids").read_text().split()]
    until(lambda: all(state_of(pid) == "T" for pid in children))
    stood = counter.stat().st_size
    assert tasks.add.submit(1).result(PATIENCE) == 2
    assert counter.stat().st_size == stood
    assert job.resume()
    until(lambda: counter.stat().st_size > stood)
    assert job.cancel()
    with pytest.raises(bursar.JobCancelled):
        job.result(PATIENCE)
    assert not lives(children[1])


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
