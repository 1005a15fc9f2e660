"""A child of the referee in Python: it plays the part that its arguments say, as `src/child` does in Rust."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import bursar

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("ok", "ok", "ok", "flaky", "fail", "note", "give-up", "note")
MEMORY = (1, 1, 2, 3, 5, 8)
PRIORITIES = ("critical", "high", "normal", "low")
PATIENCE = 5.0


class Witness:
    """Lines in a file of its own, each on the disk before the next step."""

    def __init__(self, path: str) -> None:
        self.file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self.lock = threading.Lock()

    def note(self, line: str) -> None:
        with self.lock:
            os.write(self.file, f"{time.monotonic_ns() // 1000} {line}\n".encode())
        os.fsync(self.file)


class FailsError(Exception):
    """As planned."""


PART: Mapping[str, str] = dict(argument.split("=", 1) for argument in sys.argv[1:])
WITNESS = Witness(PART["witness"])


@bursar.task(name="torture.work", memory="1MB", retries=2, retry_delay="10ms", backoff="fixed")
def work(micros: int, kind: str) -> int:
    job = bursar.current_job()
    number, memory = job.attempt, job.memory
    WITNESS.note(f"begin {job.id} {number} {memory}")
    threading.Event().wait(micros / 1e6)
    if kind == "note":
        leave_notes(job)
    WITNESS.note(f"effect {job.id} {number}")
    WITNESS.note(f"end {job.id} {number} {memory}")
    if kind == "fail" or (kind == "flaky" and number == 1):
        raise FailsError
    if kind == "give-up":
        raise bursar.Fail("as planned")
    return number


def leave_notes(job: Any) -> None:
    before = job.checkpoint()
    if before is not None and before >= job.attempt:
        WITNESS.note(f"error attempt {job.attempt} found the checkpoint of attempt {before}")
    try:
        job.checkpoint(job.attempt)
        job.progress(50.0, "half")
        job.log("half of it")
    except bursar.Conflict:
        pass  # The attempt is over: that is not its fault.


def submit(engine: bursar.Engine, chance: random.Random) -> None:
    options: dict[str, Any] = {
        "memory": f"{chance.choice(MEMORY)}MB",
        "priority": chance.choice(PRIORITIES),
    }
    key = f"k{chance.randrange(4)}" if chance.randrange(4) == 0 else "-"
    if key != "-":
        options["unique"] = key
    if chance.randrange(5) == 0:
        options["delay"] = f"{chance.randrange(1, 40)}ms"
    job = engine.submit(work.options(**options), chance.randrange(6_000), chance.choice(KINDS))
    WITNESS.note(f"ack {job.id} {key} {int(job.deduplicated)}")
    if chance.randrange(20) == 0:
        WITNESS.note(f"cancel {job.id}")
        WITNESS.note(f"cancelled {job.id} {int(job.cancel('as planned'))}")


def call(engine: bursar.Engine) -> None:
    job = engine.submit(work, 0, "ok")
    WITNESS.note(f"ack {job.id} - 0")
    job.result(timeout=PATIENCE)


def obey(engine: bursar.Engine) -> None:
    """Waits for the word to stop. Without anybody to say it, it ends as if it were killed."""
    line = sys.stdin.readline()
    if not line:
        os._exit(0)
    engine.shutdown(grace=f"{max(int(line.split()[1]), 1)}ms")
    print("stopped", flush=True)


def main() -> None:
    role = PART["role"]
    engine = bursar.Engine(
        f"sqlite:{PART['store']}",
        memory="8MB",
        concurrency=6,
        grace="200ms",
        name=PART["name"],
        run=role == "worker",
        durability=PART["durability"],
    )
    print("ready", flush=True)
    chance = random.Random(int(PART["seed"]))
    for _ in range(int(PART["jobs"])):
        if role == "submitter":
            submit(engine, chance)
        elif role == "caller":
            call(engine)
    if role != "worker":
        print("submitted", flush=True)
    obey(engine)


if __name__ == "__main__":
    main()
