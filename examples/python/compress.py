"""Hashes and compresses every file of a folder, as many at a time as the memory pool carries.

    compress.py [FOLDER] [--memory SIZE] [--store URL] [--executor thread|process] [--json]

Each file is a job that asks for three times the file's size; small files go first. With a store
on disk, such as `sqlite:jobs.db`, a run that was killed goes on where it was when it is started again.
In processes, what a job asks for is also all that it gets.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from _report import Report, size
from _work import Compressed, compress

import bursar
from bursar import Engine, Job, Stats

if TYPE_CHECKING:
    from collections.abc import Iterator

Executor = Literal["thread", "process"]

CHECKOUT = Path(__file__).resolve().parents[2]
LEFT_OUT = {".git", ".cache", "target", "node_modules", "__pycache__"}
SMALL = 65_536
# In a process of its own, the first job brings some megabytes of the interpreter along.
LEAST = {"thread": 1_000_000, "process": 8_000_000}


@dataclass(frozen=True)
class File:
    path: str
    name: str
    """Relative to the folder, with `/`."""
    size: int
    modified: int
    """Nanoseconds."""

    @property
    def key(self) -> str:
        """Another one once the file is written anew."""
        return f"{self.path} {self.size} {self.modified}"

    def submit(self, pool: int, executor: Executor) -> Job[Compressed]:
        """Submits the job of this file; nothing may ask for more than the pool."""
        memory = min(max(3 * self.size, LEAST[executor]), pool)
        priority = "high" if self.size <= SMALL else "normal"

        # A function, because text would be a template, and a path may hold braces.
        def unique(_path: str) -> str:
            return self.key

        task = compress.options(executor=executor, memory=memory, priority=priority, unique=unique)
        return task.submit(self.path)


def walk(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.is_symlink() or (entry.name in LEFT_OUT and entry.is_dir()):
            continue
        if entry.is_dir():
            yield from walk(entry)
        elif entry.is_file():
            yield entry


def find(folder: Path) -> list[File]:
    """Returns the files of the folder, sorted by name."""
    files: list[File] = []
    for path in walk(folder):
        try:
            str(path).encode()
        except UnicodeEncodeError:
            print(f"left out, its path is not UTF-8: {path!r}", file=sys.stderr)
            continue
        found = path.stat()
        name = path.relative_to(folder).as_posix()
        files.append(File(str(path), name, found.st_size, found.st_mtime_ns))
    return sorted(files, key=lambda file: file.name.encode())


def known(engine: Engine) -> dict[str, str]:
    """Returns the ids of the jobs that an earlier run left, done or not, by their keys.

    All states are asked for at once: what is left runs meanwhile, and must not slip between two questions.
    """
    ids: dict[str, str] = {}
    cursor = None
    while True:
        page = engine.jobs(task="compress", order="oldest", limit=1_000, cursor=cursor)
        ids |= {job.unique: job.id for job in page if job.unique and job.state not in {"failed", "cancelled"}}
        cursor = page.cursor
        if cursor is None:
            return ids


def watch(engine: Engine, files: int) -> None:
    """Draws how far the jobs are, until all have ended; only where a person can see it."""
    if not sys.stderr.isatty():
        engine.drain()
        return
    while not engine.drain(timeout=0.1):
        print(f"\r\x1b[K{progress(engine.stats(), files)}", end="", file=sys.stderr, flush=True)
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def progress(stats: Stats, files: int) -> str:
    done = sum(stats.jobs[state] for state in ("completed", "failed", "cancelled"))
    bar = "#" * (30 * done // files)
    memory = stats.budget.memory
    return f"[{bar:-<30}] {done:,}/{files:,} files, {size(memory.reserved)} of {size(memory.total)} reserved"


def run(files: list[File], memory: str, store: str, executor: Executor) -> Report:
    with Engine(
        store,
        memory=memory,
        default_memory=memory,  # each job says what it needs; without, it would have the pool to itself
        concurrency=1_000,  # so many threads that only memory bounds what runs at once
        max_results=max(10_000, len(files)),
    ) as engine:
        pool = int(engine.stats().budget.memory.total)
        ids = known(engine)
        jobs: dict[str, Job[Compressed]] = {
            file.name: engine.job(ids[file.key]) if file.key in ids else file.submit(pool, executor)
            for file in files
        }
        watch(engine, len(files))
        failed = {name: error for name, job in jobs.items() if (error := job.exception())}
        if failed:
            sys.exit("\n".join(f"{name}: {error}" for name, error in failed.items()))
        results = {name: job.result() for name, job in jobs.items()}
        return Report.of(results, [job.info() for job in jobs.values()], pool)


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=CHECKOUT)
    parser.add_argument("--memory", default="64MB")
    parser.add_argument("--store", default="memory:", metavar="URL")
    parser.add_argument("--executor", default="thread", choices=["thread", "process"])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.folder.is_dir():
        sys.exit(f"{options.folder} is not a folder")
    try:
        report = run(find(options.folder.absolute()), options.memory, options.store, options.executor)
    except (bursar.Error, OSError) as error:
        sys.exit(str(error))
    print(report.table())
    if options.json:
        print(report.json())


if __name__ == "__main__":
    main()
