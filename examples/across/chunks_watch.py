"""Watches until all chunks are hashed, and checks what came of them: chunks_watch.py URL FOLDER.

It runs nothing itself. Exit code 1 where a job did not complete, or a digest is wrong.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from chunks_submit import CHUNKS, content, path_of

from bursar import Engine

if TYPE_CHECKING:
    from bursar import JobInfo

STATES = ("queued", "running", "retrying", "completed")
LANGUAGES = ("Node", "Rust")
WIDTH = 30
LATE = CHUNKS - 1
PATIENCE = 120
# Redrawn in place on a terminal; a line a second elsewhere.
LIVE = sys.stdout.isatty()
START, END, EVERY = ("\r", "", 0.1) if LIVE else ("", "\n", 1.0)


def share(jobs: list[JobInfo]) -> float:
    """How much is done, from 0 to 1: jobs that run count for as far as they say they are."""
    running = sum(job.progress.percent for job in jobs if job.state == "running" and job.progress)
    return (sum(job.state == "completed" for job in jobs) + running / 100) / CHUNKS


def line(jobs: list[JobInfo], seconds: float) -> str:
    states = Counter(job.state for job in jobs)
    done = Counter(job.worker for job in jobs if job.state == "completed")
    bar = "#" * round(WIDTH * share(jobs))
    counts = "  ".join(f"{state} {states[state]:>3}" for state in STATES)
    languages = "  ".join(f"{language} {done[language]:>3}" for language in LANGUAGES)
    return f"{seconds:5.1f} s [{bar:<{WIDTH}}] {counts}  |  by {languages}"


def watch(engine: Engine, folder: Path) -> list[JobInfo]:
    """Shows how it goes until all have ended, and writes the chunk that is late once it was missed."""
    began = time.monotonic()
    shown = 0.0
    while True:
        jobs = engine.jobs(limit=CHUNKS + 1, order="oldest")
        seconds = time.monotonic() - began
        ended = all(job.finished for job in jobs)
        if ended or seconds - shown >= EVERY:
            print(f"{START}  {line(jobs, seconds)}", end=END, flush=True)
            shown = seconds
        if any(job.state == "retrying" for job in jobs):
            path_of(folder, LATE).write_bytes(content(LATE))
        if ended or seconds > PATIENCE:
            print(end="\n" if LIVE else "")
            return jobs
        time.sleep(0.05)


def faults(jobs: list[JobInfo]) -> list[str]:
    """What is wrong with how it ended, if anything."""
    wrong = [f"{job.args[0]}: {job.state} {job.error or ''}" for job in jobs if job.state != "completed"]
    wrong += [
        f"{job.args[0]} completed more than once"
        for job in jobs
        if sum(attempt.outcome == "completed" for attempt in job.attempts) > 1
    ]
    digests = {Path(job.args[0]).stem: job.result["sha256"] for job in jobs if job.state == "completed"}
    wrong += [
        f"chunk {number:03} has another digest, or none"
        for number in range(CHUNKS)
        if digests.get(f"{number:03}") != hashlib.sha256(content(number)).hexdigest()
    ]
    if len(jobs) != CHUNKS:
        wrong.append(f"{len(jobs)} jobs for {CHUNKS} chunks")
    idle = set(LANGUAGES) - {job.result["language"] for job in jobs if job.state == "completed"}
    return wrong + [f"{language} ran none" for language in sorted(idle)]


def tell(jobs: list[JobInfo]) -> None:
    """The jobs that were tried again, with what was wrong at first."""
    for job in jobs:
        if job.attempt > 1:
            print(f"\n{Path(job.args[0]).name} came late:")
        for attempt in job.attempts if job.attempt > 1 else ():
            said = f", {attempt.error.message}" if attempt.error else ""
            print(f"  attempt {attempt.number} in {attempt.worker}: {attempt.outcome}{said}")


def main() -> int:
    with Engine(sys.argv[1], run=False) as engine:
        jobs = watch(engine, Path(sys.argv[2]))
    tell(jobs)
    wrong = faults(jobs)
    if wrong:
        print("\nWRONG:\n  " + "\n  ".join(wrong))
        return 1
    print(f"\nPython read {len(jobs)} results: all completed, each once, and every digest is right.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
