"""Cuts noise into chunks, submits a job for each, and ends: chunks_submit.py URL FOLDER.

The last chunk comes late: its job will be tried again until somebody has written it (chunks_watch.py).
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import TypedDict

from bursar import Engine, task

CHUNKS = 400
BYTES = 65_536
SEED = 7


class Hashed(TypedDict):
    sha256: str
    language: str


# What is here of it is its name, its types and its options: this program runs none.
@task(name="chunks.hash", retries=5, retry_delay="1s", backoff="fixed")
async def hash_chunk(path: str) -> Hashed:
    raise NotImplementedError


def path_of(folder: Path, number: int) -> Path:
    return folder / f"{number:03}.bin"


def content(number: int) -> bytes:
    return random.Random(f"{SEED} {number}").randbytes(BYTES)


def main() -> None:
    url, folder = sys.argv[1], Path(sys.argv[2])
    for number in range(CHUNKS - 1):
        path_of(folder, number).write_bytes(content(number))
    # The one that comes late goes first.
    order = [CHUNKS - 1, *range(CHUNKS - 1)]
    with Engine(url, run=False) as engine:
        hash_chunk.submit_many([(str(path_of(folder, number)),) for number in order])
        print(f"Python submitted {engine.count(state='queued')} jobs, and ends")


if __name__ == "__main__":
    main()
