"""Retries, a job that gives up, and dead letters: list, retry, delete."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bursar import Engine, Fail, JobFailed, current_job, task


@task(name="fetch", retries=3, retry_delay="10ms", backoff="fixed")
def fetch(address: str) -> str:
    """A server that answers at the third attempt, and never for an address that is wrong."""
    attempt = current_job().attempt
    if not address.startswith("https:"):
        raise Fail(f"{address} is no https address")
    if attempt < 3:
        raise ConnectionError(f"attempt {attempt}: the server is busy")
    return f"{address}: 200 in attempt {attempt}"


@task(name="report", retries=1, retry_delay="10ms", backoff="fixed")
def report(file: str) -> int:
    """Fails until somebody has mended what it needs."""
    return len(Path(file).read_bytes())


def succeed_at_last() -> None:
    job = fetch.submit("https://example.org")
    print(job.result())
    for attempt in job.info().attempts:
        print(f"  {attempt.number}: {attempt.error.message if attempt.error else 'fine'}")


def give_up() -> None:
    job = fetch.submit("gopher://example.org")
    try:
        job.result()
    except JobFailed as failed:
        print(f"gave up after {failed.info.attempt} attempt: {failed.message}")
    job.delete()


def mend(engine: Engine, file: Path) -> None:
    job = report.submit(str(file))
    job.wait()
    for letter in engine.jobs(state="failed"):
        print(f"dead letter: {letter.task} after {letter.attempt} attempts")
    file.write_text("mended")
    print(f"retried as a new job: {job.retry().result()} bytes")
    job.delete()
    print(f"dead letters left: {engine.count(state='failed')}")


def main() -> None:
    with Engine("memory:") as engine, tempfile.TemporaryDirectory() as folder:
        succeed_at_last()
        give_up()
        mend(engine, Path(folder, "report.txt"))


if __name__ == "__main__":
    main()
