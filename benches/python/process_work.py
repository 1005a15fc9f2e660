"""What `processes.py` has run in processes of their own, which import it from here."""

from __future__ import annotations

import os
import time

import bursar

ROUNDS = 150_000


def plain() -> None:
    pass


def count(rounds: int = ROUNDS) -> int:
    """Holds the interpreter all the time."""
    total = 0
    for number in range(rounds):
        total += number % 7
    return total


@bursar.task(executor="process")
def noop() -> None:
    pass


@bursar.task(executor="process")
def clock() -> float:
    """The system's monotonic clock, which is the same in every process."""
    return time.monotonic()


@bursar.task(executor="process")
def pid() -> int:
    time.sleep(0.01)
    return os.getpid()


@bursar.task(executor="process")
def count_there(rounds: int = ROUNDS) -> int:
    return count(rounds)


@bursar.task
def count_here(rounds: int = ROUNDS) -> int:
    return count(rounds)
