"""Submits jobs that other languages run, and ends: submit.py URL."""

from __future__ import annotations

import sys
from typing import TypedDict

from bursar import Engine, task

NUMBERS = [7, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]


class Seen(TypedDict):
    number: int
    text: str


# What is here of them is their names and types: this program runs none.
@task(name="across.node")
def in_node(number: int) -> Seen:
    raise NotImplementedError


@task(name="across.rust")
def in_rust(number: int) -> Seen:
    raise NotImplementedError


def main() -> None:
    with Engine(sys.argv[1], run=False) as engine:
        for number in NUMBERS:
            in_node.submit(number)
            in_rust.submit(number)
        print(f"submitted {engine.count(state='queued')} jobs")


if __name__ == "__main__":
    main()
