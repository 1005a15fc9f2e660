"""Who goes first, and why a job waits."""

from __future__ import annotations

import asyncio

from bursar import Engine, Job, task

gate = asyncio.Event()


@task(name="hold", memory="64MB")
async def hold() -> None:
    """Takes the whole budget until the gate is opened."""
    await gate.wait()


@task(name="greet", memory="64MB")
async def greet(name: str) -> None:
    print(f"{name} runs")


async def main() -> None:
    async with Engine("memory:", memory="64MB"):
        holder = await hold.asubmit()
        jobs: dict[str, Job[None]] = {}
        for name in ("low", "normal", "high", "critical"):
            jobs[name] = await greet.options(priority=name).asubmit(name)
        print(f"critical: {jobs['critical'].why()}")
        print(f"low: {jobs['low'].why()}")
        gate.set()
        await asyncio.gather(holder, *jobs.values())


if __name__ == "__main__":
    asyncio.run(main())
