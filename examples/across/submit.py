"""Submits jobs that other languages run, and ends: submit.py URL."""

from __future__ import annotations

import sys

from bursar import Engine

NUMBERS = [7, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]


def main() -> None:
    with Engine(sys.argv[1], run=False) as engine:
        for number in NUMBERS:
            # Only the workers know these tasks.
            engine.submit("across.node", number)
            engine.submit("across.rust", number)
        print(f"submitted {engine.count(state='queued')} jobs")


if __name__ == "__main__":
    main()
