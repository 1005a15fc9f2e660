"""`sqlite:path`: the same code, another URL, and what was accepted is there in the next program."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path  # noqa: TC003

import pytest
from conftest import PATIENCE

import bursar
from bursar import Engine, task


@task(name="durable.double")
def double(number: int) -> int:
    return number * 2


@task(name="durable.adouble")
async def adouble(number: int) -> int:
    return number * 2


@task(name="durable.breaks")
def breaks(text: str) -> None:
    raise ValueError(text)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'jobs.db'}"


@pytest.mark.parametrize("durability", ["full", "process"])
def test_results_and_failures_are_read_by_the_next_engine(url: str, durability: str) -> None:
    with Engine(url, durability=durability):
        good, slow, bad = double.submit(2**62), adouble.submit(3), breaks.submit("it broke")
        assert (good.result(PATIENCE), slow.result(PATIENCE)) == (2**63, 6)
        assert isinstance(bad.exception(PATIENCE), bursar.JobFailed)
    with Engine(url, durability=durability) as engine:
        assert engine.job(good.id).result(PATIENCE) == 2**63
        with pytest.raises(bursar.JobFailed) as caught:
            engine.job(bad.id).result(PATIENCE)
        assert (caught.value.type, caught.value.message) == ("ValueError", "it broke")
        assert engine.count(state="failed") == 1
        again = engine.job(bad.id).retry()
        assert again.info().retry_of == bad.id
        assert again.wait(PATIENCE)


def test_what_one_submits_the_next_one_runs_unasked(url: str) -> None:
    with Engine(url, run=False) as client:
        jobs = [double.submit(1), adouble.submit(2)]
        assert client.stats().jobs["queued"] == 2
    with Engine(url) as engine:
        assert engine.drain(PATIENCE)
        assert [engine.job(job.id).result(PATIENCE) for job in jobs] == [2, 4]


def test_a_task_that_is_defined_later_runs_what_waited_for_it(url: str) -> None:
    def later(number: int) -> int:
        return number + 1

    with Engine(url, run=False):
        # Nobody has the task once it is submitted.
        left = task(name="durable.later")(later).submit(1)
    with Engine(url) as engine:
        found = engine.job(left.id)
        why = found.why()
        assert "durable.later" in str(why), why
        known = task(name="durable.later")(later)
        assert found.result(PATIENCE) == 2
        assert known.name == "durable.later"


KILLED = """
import os, signal, sys
from bursar import Engine, task

@task(name="durable.double")
def double(number: int) -> int:
    return number * 2

engine = Engine(sys.argv[1], run=False)
for number in range(50):
    print(engine.submit(double, number).id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_acknowledged_is_lost_when_its_process_is_killed(url: str) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, url], capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    ids = ended.stdout.split()
    assert len(ids) == 50
    with Engine(url) as engine:
        assert [engine.job(id).result(PATIENCE) for id in ids] == [2 * number for number in range(50)]


def test_a_copy_is_a_store_of_its_own(url: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with Engine(url) as engine:
        job = double.submit(4)
        assert job.result(PATIENCE) == 8
        engine.backup(copy)
        with pytest.raises(bursar.Conflict, match=r"copy\.db"):
            engine.backup(str(copy))
    with Engine(f"sqlite:{copy}") as other:
        assert other.job(job.id).result(PATIENCE) == 8
    with Engine("memory:") as memory, pytest.raises(bursar.Invalid, match="sqlite:"):
        memory.backup(tmp_path / "memory.db")


def test_what_json_cannot_carry_is_refused_at_the_submit(url: str) -> None:
    with Engine(url) as engine:
        with pytest.raises(bursar.Invalid, match="number"):
            double.submit(object())  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        assert engine.count() == 0


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:", "sqlite:jobs.db"),
        ("sqlite::memory:", "memory:"),
        ("sqlite:jobs.db?mode=ro", "takes none"),
        ("sqlite:{}", "a folder"),
        ("sqlite:{}/no/jobs.db", "make it"),
        ("sqlite:{}/notes.txt", "not an SQLite database"),
    ],
)
def test_a_url_that_means_no_store(tmp_path: Path, url: str, says: str) -> None:
    (tmp_path / "notes.txt").write_text("hello " * 1_000)
    with pytest.raises(bursar.Invalid, match=says):
        Engine(url.format(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_unknown_durability_is_shown(url: str) -> None:
    with pytest.raises(bursar.Invalid, match="perhaps"):
        Engine(url, durability="perhaps")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
