"""Thumbnails of a folder of pictures, one of which is hostile: a program with a memory limit for each.

Usage: python examples/python/thumbnails.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bursar import CommandOutput, Engine, Job, JobFailed, MemoryExceeded

PROGRAM = str(Path(__file__).parent.parent / "programs" / "thumbnail.py")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Engine(memory="256MB") as engine:
        samples = ["python3", "-I", PROGRAM, "--samples", folder]
        engine.command(samples, memory="256MB", limits={"memory": None}).result()
        jobs = {
            picture.name: engine.command(
                ["python3", "-I", PROGRAM, picture, picture.with_suffix(".small.png")],
                memory="64MB",
                timeout="30s",
            )
            for picture in sorted(Path(folder).glob("*.png"))
        }
        for name, job in jobs.items():
            print(f"{name}: {what_became_of(job)}")


def what_became_of(job: Job[CommandOutput]) -> str:
    try:
        return job.result().stdout.strip()
    except MemoryExceeded:
        return "stopped, it wanted more than its 64MB"
    except JobFailed as failed:
        return f"exit code {failed.exit_code}: {job.logs()[-1].message}"


if __name__ == "__main__":
    main()
