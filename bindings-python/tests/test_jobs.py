from __future__ import annotations

import pickle
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import timezone

import pytest
from conftest import PATIENCE, Gate

import bursar
from bursar import Engine, current_job, task


@task
def add(left: int, right: int = 2) -> int:
    """Adds."""
    return left + right


@task
async def aadd(left: int, right: int = 2) -> int:
    return left + right


def test_a_plain_call_stays_a_plain_call() -> None:
    assert add(1) == 3
    assert add.name == "test_jobs.add"
    assert add.__name__ == "add"
    assert add.__doc__ == "Adds."


@pytest.mark.parametrize("function", [add, aadd], ids=["thread", "async"])
def test_a_job_gives_its_result(engine: Engine, function: bursar.Task[..., int]) -> None:
    job = function.submit(1, right=5)
    assert job.result(PATIENCE) == 6
    assert job.done()
    assert job.state == "completed"
    assert job.exception() is None
    assert engine.job(job.id) == job
    assert {engine.job(job.id), job} == {job}


def test_a_snapshot_has_the_fields_of_every_language(engine: Engine, gate: Gate) -> None:
    @task(name="snap", memory="1MB", priority="high", retries=4, timeout="1h", unique="the-key", tokens=None)
    def snap(path: str, *, width: int) -> str:
        current_job().progress(50, "half")
        gate.wait()
        return path

    job = snap.submit("a.png", width=3)
    gate.until(1)
    info = job.info()
    assert (info.id, info.task, info.state, info.priority) == (job.id, "snap", "running", "high")
    assert (info.args, info.kwargs, info.unique, info.retries) == (("a.png",), {"width": 3}, "the-key", 4)
    assert info.demand.memory == 1_000_000
    assert info.progress == bursar.Progress(50.0, "half") == job.progress
    assert info.created.tzinfo is timezone.utc
    assert info.started is not None
    assert info.started >= info.created
    assert info.attempts[0].number == info.attempt == 1
    assert (info.finished, info.result, info.error, info.waiting_on, info.daemon) == (
        None,
        None,
        None,
        (),
        False,
    )
    gate.open()
    assert job.result(PATIENCE) == "a.png"
    done = job.info()
    assert (done.state, done.outcome, done.result) == ("completed", "completed", "a.png")
    assert done.finished is not None
    assert done.attempts[0].outcome == "completed"


def test_live_objects_pass_as_they_are(engine: Engine) -> None:
    @task
    def same(given: object) -> object:
        return given

    thing = object()
    assert same.submit(thing).result(PATIENCE) is thing
    assert same.submit((1, 2)).result(PATIENCE) == (1, 2)
    assert same.submit(None).result(PATIENCE) is None


def test_retries_run_once_more_than_they_count(engine: Engine) -> None:
    runs: list[int] = []

    @task(retries=3, retry_delay="1ms")
    def fails() -> None:
        runs.append(current_job().attempt)
        raise ValueError("no")

    job = fails.submit()
    with pytest.raises(bursar.JobFailed):
        job.result(PATIENCE)
    assert runs == [1, 2, 3, 4]
    assert [attempt.outcome for attempt in job.info().attempts] == ["failed"] * 4


@pytest.mark.parametrize("kind", ["thread", "async"])
def test_a_failure_has_type_message_and_stack(engine: Engine, kind: str) -> None:
    class OddError(RuntimeError):
        pass

    def raises() -> None:
        raise OddError("strange")

    async def araises() -> None:
        raises()

    job = engine.submit(raises if kind == "thread" else araises)
    with pytest.raises(bursar.JobFailed) as caught:
        job.result(PATIENCE)
    failed = caught.value
    assert (failed.type.rsplit(".", 1)[-1], failed.message) == ("OddError", "strange")
    assert isinstance(failed.__cause__, OddError)
    assert failed.traceback is not None
    assert "in raises" in failed.traceback
    assert "bursar/_" not in failed.traceback
    assert failed.info.state == "failed"
    assert failed.info.error is not None
    assert "in raises" in (failed.info.error.traceback or "")
    assert isinstance(job.exception(), bursar.JobFailed)


def test_a_task_ends_an_attempt_early(engine: Engine) -> None:
    seen: list[int] = []

    @task(retries=5)
    def moody(what: str) -> str:
        seen.append(current_job().attempt)
        if what == "retry" and current_job().attempt == 1:
            raise bursar.Retry(delay="1ms")
        if what == "fail":
            raise bursar.Fail("hopeless")
        if what == "cancel":
            raise bursar.Cancel("not needed")
        return what

    assert moody.submit("retry").result(PATIENCE) == "retry"
    assert seen == [1, 2]
    with pytest.raises(bursar.JobFailed, match="hopeless"):
        moody.submit("fail").result(PATIENCE)
    with pytest.raises(bursar.JobCancelled, match="not needed"):
        moody.submit("cancel").result(PATIENCE)
    assert len(seen) == 4


def test_an_interrupt_in_a_job_does_not_end_its_thread(engine: Engine) -> None:
    def leave(error: type[BaseException]) -> None:
        raise error("bye")

    for error in (KeyboardInterrupt, SystemExit, GeneratorExit):
        with pytest.raises(bursar.JobFailed) as caught:
            engine.submit(leave, error).result(PATIENCE)
        assert caught.value.type == error.__name__
    assert add.submit(1).result(PATIENCE) == 3


def test_a_wait_that_runs_out_runs_nothing_again(engine: Engine, gate: Gate) -> None:
    runs: list[int] = []

    def slow() -> str:
        runs.append(1)
        gate.wait()
        return "done"

    job = engine.submit(slow)
    gate.until(1)
    for timeout in (0, 0.001, "1ms"):
        with pytest.raises(TimeoutError, match=job.id):
            job.result(timeout)
    assert not job.wait(0)
    assert job.state == "running"
    gate.open()
    assert job.result(PATIENCE) == "done"
    assert runs == [1]


def test_parents_that_wait_for_children_finish(engine: Engine) -> None:
    with Engine("memory:", concurrency={"thread": 3}) as small:
        started = threading.Barrier(3)

        def child(number: int) -> int:
            return number * 2

        def parent(number: int) -> int:
            started.wait(PATIENCE)
            return small.submit(child, number).result(PATIENCE)

        jobs = [small.submit(parent, number) for number in range(3)]
        assert [job.result(PATIENCE) for job in jobs] == [0, 2, 4]


def test_waiting_that_would_never_end_is_refused() -> None:
    with Engine("memory:", memory="100MB"):

        @task(memory="60MB")
        def child() -> int:
            return 1

        @task(memory="60MB")
        def parent() -> str:
            with pytest.raises(bursar.Conflict, match="never end"):
                child.submit().result(PATIENCE)
            return "refused"

        assert parent.submit().result(PATIENCE) == "refused"


def test_a_hundred_callers_each_get_their_own_result(engine: Engine) -> None:
    with ThreadPoolExecutor(100) as callers:
        together = threading.Barrier(100)

        def call(number: int) -> int:
            together.wait(PATIENCE)
            return add.submit(number, number).result(PATIENCE)

        assert list(callers.map(call, range(100))) == [2 * number for number in range(100)]


def test_many_are_submitted_at_once(engine: Engine) -> None:
    jobs = add.submit_many([(1, 1), (2, 2), (3, 3)])
    assert [job.result(PATIENCE) for job in jobs] == [2, 4, 6]
    assert add.submit_many([]) == []
    with pytest.raises(bursar.Invalid, match="tuples of arguments"):
        add.submit_many([5])  # type: ignore[list-item]
    assert engine.count() == 3


def test_callbacks_are_called_with_the_job(engine: Engine, gate: Gate) -> None:
    called: list[object] = []
    came = threading.Event()
    job = engine.submit(gate.wait)
    job.add_done_callback(called.append)
    job.add_done_callback(lambda _: 1 / 0)
    job.add_done_callback(lambda _: came.set())
    gate.open()
    assert came.wait(PATIENCE)
    assert called == [job]
    job.add_done_callback(called.append)
    assert called == [job, job]


def test_logs_and_events(engine: Engine, gate: Gate) -> None:
    @task
    def talks() -> None:
        gate.wait()
        current_job().progress(10)
        current_job().log("one")
        current_job().log("two", level="warning")

    job = talks.submit()
    gate.until(1)
    mine, all_ = job.events(), engine.events()
    gate.open()
    told = list(mine)
    assert [event.state or event.progress or event.log for event in told][-1] == "completed"
    assert [(line.message, line.level, line.attempt) for line in job.logs()] == [
        ("one", "info", 1),
        ("two", "warning", 1),
    ]
    assert [event.log.message for event in told if event.log] == ["one", "two"]
    assert [event.progress.percent for event in told if event.progress] == [10.0]
    assert next(all_).job == job.id


def test_checkpoints_survive_attempts(engine: Engine) -> None:
    seen: list[object] = []

    @task(retries=1, retry_delay="1ms")
    def counts() -> None:
        seen.append(current_job().checkpoint())
        current_job().checkpoint({"at": [1, 2.5, None]})
        if current_job().attempt == 1:
            raise ValueError
        with pytest.raises(bursar.Invalid, match="checkpoint of 1048578 bytes is too large"):
            current_job().checkpoint("x" * (1 << 20))
        with pytest.raises(bursar.Invalid, match="state"):
            current_job().checkpoint(object())

    counts.submit().result(PATIENCE)
    assert seen == [None, {"at": [1, 2.5, None]}]


def test_dead_letters_are_listed_retried_and_deleted(engine: Engine) -> None:
    broken = [True]

    @task(name="mend")
    def mend(word: str) -> str:
        if broken[0]:
            raise ValueError(word)
        return word

    job = mend.submit("x")
    assert isinstance(job.exception(PATIENCE), bursar.JobFailed)
    (letter,) = engine.jobs(state="failed")
    assert (letter.id, letter.error and letter.error.message) == (job.id, "x")
    broken[0] = False
    again = job.retry()
    assert again.result(PATIENCE) == "x"
    assert again.info().retry_of == job.id
    job.delete()
    with pytest.raises(bursar.NotFound):
        engine.job(job.id)


def test_lists_are_paged(engine: Engine) -> None:
    ids = [job.id for job in add.submit_many([(number,) for number in range(5)])]
    engine.drain()
    first = engine.jobs(order="oldest", limit=2)
    rest = engine.jobs(order="oldest", limit=10, cursor=first.cursor)
    assert [info.id for info in [*first, *rest]] == ids
    assert rest.cursor is None
    assert [info.id for info in engine.jobs(offset=4)] == ids[:1]
    assert engine.count(task=add.name, state=["completed", "failed"], priority="normal") == 5
    assert engine.count(state="failed") == 0
    assert engine.stats().jobs["completed"] == 5


def test_one_task_serves_several_engines() -> None:
    with Engine("memory:", name="one") as one:
        first = add.submit(1)
        with Engine("memory:", name="two") as two:
            second = add.submit(2)
            assert add.submit(3).result(PATIENCE) == 5
        third = add.submit(4)
        assert (first.result(PATIENCE), second.result(PATIENCE), third.result(PATIENCE)) == (3, 4, 6)
        assert (one.count(), first.info().worker, one.closed, two.closed) == (2, "one", False, True)


def test_inside_a_job_its_own_engine_is_the_current_one() -> None:
    with Engine("memory:", name="outer") as outer, Engine("memory:", name="inner"):
        job = outer.submit(lambda: add.submit(1).info().id)
        assert outer.job(job.result(PATIENCE)).result(PATIENCE) == 3


def test_errors_are_shown_under_the_name_that_programs_import() -> None:
    named = [each for each in vars(bursar).values() if isinstance(each, type) and issubclass(each, Exception)]
    assert len(named) > 15
    for kind in named:
        assert f"{kind.__module__}.{kind.__qualname__}" == f"bursar.{kind.__name__}"
        assert pickle.loads(pickle.dumps(kind)) is kind


def test_a_failure_says_its_type_once(engine: Engine) -> None:
    job = engine.submit(len, "a")
    same = bursar.MemoryExceeded("MemoryExceeded", "too much", job, "the traceback")
    shown = traceback.format_exception_only(same)
    assert shown == ["bursar.MemoryExceeded: too much\n"]
    other = bursar.JobCrashed("SegFault", "it broke", job, "the traceback")
    unnamed = bursar.JobFailed("", "it failed", job, "the traceback")
    for failed, said in [(same, "too much"), (other, "SegFault: it broke"), (unnamed, "it failed")]:
        again = pickle.loads(pickle.dumps(failed))
        assert [str(failed), str(again), type(again)] == [said, said, type(failed)]
        assert [again.type, again.message, again.traceback] == [failed.type, failed.message, "the traceback"]


def test_a_retry_in_the_past_is_a_mistake(engine: Engine) -> None:
    def snooze() -> None:
        raise bursar.Retry(delay=-1)

    with pytest.raises(bursar.JobFailed, match=r"Invalid: delay=-1: expected 0 or more seconds"):
        engine.submit(snooze).result(PATIENCE)
