"""Cancel what waits and what runs, time out, clean up."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bursar import Engine, Job, JobFailed, current_job, task


@task(name="guard")
async def guard() -> None:
    """Sits there until it is stopped: that raises `asyncio.CancelledError` where it awaits."""
    try:
        current_job().progress(0)
        await asyncio.Event().wait()
    finally:
        print("guard: the door is closed")


@task(name="count")
def count() -> None:
    """A thread can't be stopped from outside: it looks now and then whether it should."""
    try:
        current_job().progress(0)
        while True:
            current_job().raise_if_cancelled()
            time.sleep(0.001)
    finally:
        print("count: the door is closed")


def started(job: Job[Any]) -> Job[Any]:
    """Waits until its code runs: until it says how far it is."""
    events = job.events()
    if job.progress is None:
        next(event for event in events if event.progress)
    return job


def say(name: str, job: Job[Any], timeout: str | None = None) -> None:
    try:
        job.result(timeout)
        print(f"{name}: done")
    except TimeoutError:
        print(f"{name}: still at it")
    except JobFailed as failed:
        print(f"{name}: {failed.info.outcome}: {failed.message}")


def main() -> None:
    with Engine("memory:"):
        later = guard.options(delay="1h").submit()
        later.cancel("nobody needs it")
        say("later", later)

        job = started(guard.submit())
        say("guard", job, timeout="20ms")
        job.cancel("the night is over")
        say("guard", job)

        job = started(count.submit())
        job.cancel("enough")
        say("count", job)

        say("guard", guard.options(timeout="500ms").submit())


if __name__ == "__main__":
    main()
