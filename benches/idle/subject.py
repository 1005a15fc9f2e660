"""A Python program that has nothing to do: with an engine whose jobs have all ended, or without.

Says `ready`, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import sys

from bursar import Engine, task

JOBS = 100


@task(memory="1MB")
def on_a_thread() -> None:
    pass


@task(memory="1MB")
async def on_a_loop() -> None:
    pass


def idle() -> None:
    print("ready", flush=True)
    sys.stdin.read()


async def work(engine: Engine) -> None:
    """Every executor is woken once, so that what is watched is a used engine, not a new one."""
    for job in [engine.submit(kind) for _ in range(JOBS) for kind in (on_a_thread, on_a_loop)]:
        await job


def main() -> None:
    with Engine("memory:", memory="256MB") as engine:
        asyncio.run(work(engine))
        idle()


if __name__ == "__main__":
    idle() if sys.argv[1:] == ["bare"] else main()
