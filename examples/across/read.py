"""Reads what became of the jobs: read.py URL."""

from __future__ import annotations

import sys

from bursar import Engine


def main() -> None:
    with Engine(sys.argv[1], run=False) as engine:
        for job in engine.jobs(order="oldest"):
            (number,) = job.args
            kept = "exact" if job.result == {"number": number, "text": str(number)} else "CHANGED"
            print(f"{job.task} {number}: {job.state}, {job.result}, {kept}")


if __name__ == "__main__":
    main()
