"""Whole jobs on a file in Python, beside FlexiQ and DBOS on theirs. No bar is about these.

One JSON line a row. The contenders take turns, each in a process of its own, and each round has a file of its
own; a ratio is the median of the rounds' own ratios. A peer's round begins once one job has been through, and
ends when all are on record.

benches/python/durable_peers.py [JOBS [ROUNDS]]    default 20,000 and 5
"""

from __future__ import annotations

import contextlib
import json
import logging
import multiprocessing
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from countdown import Countdown
from durable import PATIENCE, SUBMITTERS, Ours, fresh, many, one_by_one
from durable_contenders import Dbos, FlexiQ, Peer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Durability = Literal["full", "process"]
WAYS = {"one": (f"one by one from {SUBMITTERS} threads", one_by_one), "many": ("by submit_many", many)}


@dataclass(frozen=True)
class Theirs:
    """A peer, and what its rounds are."""

    name: str
    start: Callable[[Path, Countdown, int], Peer]
    # To what its commits are synced.
    level: str
    # It commits each step of each job by itself: its rounds have this part of our jobs.
    fewer: int
    beside: tuple[Durability, ...]

    def jobs(self, ours: int) -> int:
        return max(1, ours // self.fewer)


# Jobs that a peer runs at once. Of 8, 32 and more, 32 was the best of both or near it.
WORKERS = 32
PEERS = (
    Theirs("FlexiQ", FlexiQ, "synchronous=NORMAL", 20, ("full", "process")),
    Theirs("DBOS", Dbos, "synchronous=FULL", 200, ("full",)),
)


def our_rate(durability: Durability, way: str, path: Path, jobs: int) -> float:
    return Ours(*WAYS[way], durability=durability).rate(path, jobs)


def their_rate(theirs: Theirs, way: str, path: Path, jobs: int) -> float:
    ran = Countdown()
    peer = theirs.start(path, ran, WORKERS)
    ran.begin(1)
    peer.submit()
    through(peer, ran, 1)
    ran.begin(theirs.jobs(jobs))
    start = time.perf_counter()
    submit(peer, way, theirs.jobs(jobs))
    through(peer, ran, 1 + theirs.jobs(jobs))
    rate = theirs.jobs(jobs) / (time.perf_counter() - start)
    peer.close()
    return rate


def submit(peer: Peer, way: str, jobs: int) -> None:
    if way == "many":
        peer.submit_many(jobs)
        return

    def one(_: int) -> None:
        peer.submit()

    with ThreadPoolExecutor(SUBMITTERS) as pool:
        list(pool.map(one, range(jobs)))


def through(peer: Peer, ran: Countdown, jobs: int) -> None:
    """Returns once so many jobs are on record, which isn't asked before the last has run."""
    ran.wait()
    deadline = time.perf_counter() + PATIENCE
    while (recorded := peer.recorded()) < jobs:
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{recorded} of {jobs} jobs are on record")
        time.sleep(0.005)


# Who ("full" and "process" are ours), and how its jobs are submitted.
Contender = tuple[str, str]
Rates = dict[Contender, list[float]]
CONTENDERS: dict[Contender, Callable[[Path, int], float]] = {
    **{(level, way): partial(our_rate, level, way) for level in ("full", "process") for way in WAYS},
    **{(theirs.name, way): partial(their_rate, theirs, way) for theirs in PEERS for way in WAYS},
}


def play(contender: Contender, jobs: int) -> float:
    """One round, in the contender's process."""
    # FlexiQ greets on stdout, and logs when its connections get in each other's way in opening a new file:
    # they try again, before the round begins.
    logging.disable(logging.ERROR)
    with contextlib.redirect_stdout(None):
        return fresh(lambda path: CONTENDERS[contender](path, jobs))


def take_turns(jobs: int, rounds: int) -> Rates:
    rates: Rates = {contender: [] for contender in CONTENDERS}
    with contextlib.ExitStack() as stack:
        context = multiprocessing.get_context("spawn")
        processes = {
            contender: stack.enter_context(ProcessPoolExecutor(1, mp_context=context))
            for contender in CONTENDERS
        }
        for _ in range(rounds):
            for contender, process in processes.items():
                rates[contender].append(process.submit(play, contender, jobs).result())
    return rates


def row(theirs: Theirs, level: Durability, way: str, jobs: int, rates: Rates) -> dict[str, object]:
    own, peer = rates[level, way], rates[theirs.name, way]
    what = f"{jobs:,} no-ops {WAYS[way][0]}, beside {theirs.jobs(jobs):,} of {theirs.name}"
    return {
        "name": f"durable/python, {level}: {what}",
        "value": statistics.median(own),
        "unit": "jobs/s",
        "peer": f"{theirs.name} ({theirs.level})",
        "peer_value": statistics.median(peer),
        "ratio": statistics.median(mine / their for mine, their in zip(own, peer, strict=True)),
    }


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    rates = take_turns(jobs, rounds)
    for theirs in PEERS:
        for level in theirs.beside:
            for way in WAYS:
                print(json.dumps(row(theirs, level, way, jobs, rates)), flush=True)


if __name__ == "__main__":
    main()
