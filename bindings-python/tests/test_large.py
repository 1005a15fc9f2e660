"""Results over 10 MB: in files, read back whole or a piece at a time, and gone with their jobs."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import stat
import sys
from pathlib import Path  # noqa: TC003

import pytest
from conftest import PATIENCE, Script

import bursar
from bursar import Engine, Spilled, task

LARGE = 11_000_000


@task(name="large.letters")
def letters(count: int) -> str:
    return ("bursar " * (count // 7 + 1))[:count]


@task(name="large.aletters")
async def aletters(count: int) -> str:
    return ("bursar " * (count // 7 + 1))[:count]


@task(name="large.breaks")
def breaks() -> str:
    raise ValueError("it broke")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'jobs.db'}"


def only_file(tmp_path: Path) -> Path:
    files = [path for path in (tmp_path / "jobs.db-outputs").iterdir() if path.name != ".lock"]
    assert len(files) == 1
    return files[0]


@pytest.mark.parametrize("function", [letters, aletters])
def test_a_large_result_is_told_by_its_file_and_read_back(
    tmp_path: Path, url: str, function: bursar.Task[[int], str]
) -> None:
    text = json.dumps(letters(LARGE)).encode()
    with Engine(url):
        job = function.submit(LARGE)
        assert job.result(PATIENCE) == letters(LARGE)
        info = job.info().result
    expected = Spilled(len(text), hashlib.sha256(text).hexdigest(), text[:1024].decode())
    assert info == expected
    assert "bursar" not in repr(info)
    path = only_file(tmp_path)
    assert path.read_bytes() == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    # The handle reads the file also when its engine is closed.
    assert job.result(PATIENCE) == letters(LARGE)
    with Engine(url) as engine:
        again = engine.job(job.id)
        assert again.result(PATIENCE) == letters(LARGE)
        assert [info.result for info in engine.jobs()] == [expected]
        again.delete()
        assert not path.exists()
        with pytest.raises(bursar.NotFound, match=r"jobs\.db-outputs"):
            job.result(PATIENCE)
        with pytest.raises(bursar.NotFound, match=r"jobs\.db-outputs"):
            job.open_result(PATIENCE)


def test_a_result_is_a_file_of_json(url: str) -> None:
    with Engine(url):
        job = letters.submit(LARGE)
        with job.open_result(PATIENCE) as file:
            assert isinstance(file, io.BufferedReader)
            assert file.read(8) == b'"bursar '
            digest = hashlib.sha256(b'"bursar ')
            while piece := file.read(70_001):
                digest.update(piece)
        assert file.closed
        info = job.info().result
        assert isinstance(info, Spilled)
        assert digest.hexdigest() == info.sha256
        with job.open_result() as file:
            assert json.load(file) == letters(LARGE)
        with job.open_result() as file:
            assert json.loads(file.read()) == letters(LARGE)
        with pytest.raises(bursar.JobFailed, match="it broke"):
            breaks.submit().open_result(PATIENCE)


@pytest.mark.parametrize("strict", [False, True])
def test_results_in_memory_are_files_too(strict: bool) -> None:
    with Engine("memory:", strict=strict):
        for count in (0, 5, LARGE):
            job = letters.submit(count)
            with job.open_result(PATIENCE) as file:
                assert json.load(file) == letters(count)
            assert job.result(PATIENCE) == letters(count)
            # A live object is never written anywhere.
            assert isinstance(job.info().result, Spilled) == (strict and count == LARGE)
    if strict:
        with pytest.raises(bursar.NotFound, match="bursar-"):
            job.result(PATIENCE)


def test_a_large_result_is_awaited(url: str) -> None:
    async def main() -> None:
        async with Engine(url):
            job = await aletters.asubmit(LARGE)
            assert await job == letters(LARGE)
            assert await job == letters(LARGE)

    asyncio.run(main())


def test_a_damaged_file_is_told_and_named(tmp_path: Path, url: str) -> None:
    with Engine(url):
        job = letters.submit(LARGE)
        job.result(PATIENCE)
        path = only_file(tmp_path)
        whole = path.read_bytes()
        path.write_bytes(whole[:500] + b"?" + whole[501:])
        with pytest.raises(bursar.Unavailable, match=path.name):
            job.result(PATIENCE)
        with job.open_result() as file, pytest.raises(bursar.Unavailable, match="checksum"):
            file.read()
        path.write_bytes(whole[:-1])
        with pytest.raises(bursar.Unavailable, match="damaged"):
            job.open_result()
        path.unlink()
        with pytest.raises(bursar.NotFound, match=path.name):
            job.result(PATIENCE)
        assert isinstance(job.info().result, Spilled)
        job.delete()


def test_a_copy_has_the_files(tmp_path: Path, url: str) -> None:
    with Engine(url) as engine:
        job = letters.submit(LARGE)
        job.result(PATIENCE)
        engine.backup(tmp_path / "copy.db")
        job.delete()
    with Engine(f"sqlite:{tmp_path / 'copy.db'}") as copied:
        assert copied.job(job.id).result(PATIENCE) == letters(LARGE)


def test_a_folder_in_memory_goes_with_its_program(tmp_path: Path, script: Script) -> None:
    done = script(
        f"""
        os.environ["TMPDIR"] = {str(tmp_path)!r}
        @task
        def letters() -> str:
            return "x" * {LARGE}
        engine = Engine("memory:", strict=True)
        job = engine.submit(letters)
        assert len(job.result(30)) == {LARGE}
        folders = [name for name in os.listdir({str(tmp_path)!r}) if name.startswith("bursar-")]
        print(len(folders))
        """
    )
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert not list(tmp_path.glob("bursar-*"))


def test_what_a_killed_program_left_goes_with_the_next_one(tmp_path: Path, script: Script) -> None:
    body = f"""
        os.environ["TMPDIR"] = {str(tmp_path)!r}
        @task
        def letters() -> str:
            return "x" * {LARGE}
        engine = Engine("memory:", strict=True)
        engine.submit(letters).result(30)
        print([name for name in os.listdir({str(tmp_path)!r}) if name.startswith("bursar-")])
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
        """
    for _ in range(2):
        done = script(body)
        assert done.stdout.count("bursar-") == 1, done.stdout + done.stderr
    assert len(list(tmp_path.glob("bursar-*"))) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux tells it")
def test_a_result_is_streamed_in_flat_memory(tmp_path: Path, script: Script) -> None:
    """200 MB are read with less than 60 MB more than the program had when it began to read."""
    program = f"""
        @task
        def much(count: int) -> str:
            return "x" * count
        def peak() -> int:
            with open("/proc/self/status") as status:
                return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
        url = {f"sqlite:{tmp_path / 'jobs.db'}"!r}
        """
    made = script(
        program
        + """
        with Engine(url) as engine:
            job = engine.submit(much, 200_000_000)
            assert job.wait(60)
            print(job.id)
        """,
        timeout=90,
    )
    job = made.stdout.strip()
    assert len(job) == 36, made.stdout + made.stderr
    read = script(
        program
        + f"""
        with Engine(url, run=False) as engine:
            job = engine.job({job!r})
            before, size = peak(), 0
            with job.open_result() as file:
                while piece := file.read(1_000_000):
                    size += len(piece)
            print(size, peak() - before)
        """
    )
    size, kilobytes = read.stdout.split()
    assert size == "200000002", read.stderr
    assert int(kilobytes) < 60_000
