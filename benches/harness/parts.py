"""The parts of a run: what each needs, runs and must print."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import divan, rows
from harness.process import ROOT, BenchError, capture, require, shown
from harness.rows import Row, RowError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BENCHES = ROOT / "benches"
VENV_PYTHON = ROOT / ".cache" / "venv" / "bin" / "python"


@dataclass(frozen=True)
class Part:
    """One program, and what is made of its output."""

    name: str
    title: str
    command: Sequence[str]
    # What is built and installed for it: keys of SET_UP.
    needs: Sequence[str]
    # How many rows hold a bar of the agreement; fewer means that something was left out.
    bars: int = 0
    read: Callable[[str], list[Row]] = rows.of_output

    def run(self) -> list[Row]:
        """Measures: minutes. What it can't make a row of is an error that names the program."""
        output = capture(self.command, rows.brief)
        try:
            found = self.read(output)
        except RowError as error:
            raise BenchError(f"{shown(self.command)} broke the contract of its output: {error}") from error
        held = sum(row.bar is not None for row in found)
        if not found or held < self.bars:
            printed = f"{len(found)} rows, {held} with a bar; {self.bars} bars are agreed"
            raise BenchError(f"{shown(self.command)} printed {printed}")
        return found


def _cargo(kind: str, name: str, *arguments: str) -> list[str]:
    run = ["bench"] if kind == "bench" else ["run", "--release"]
    return ["cargo", *run, "--quiet", "-p", "bursar-benches", f"--{kind}", name, "--", *arguments]


def _python() -> list[str]:
    return [str(VENV_PYTHON), str(BENCHES / "python" / "throughput.py")]


def _node() -> list[str]:
    return ["node", str(BENCHES / "node" / "throughput.mjs")]


def _idle() -> list[str]:
    return [sys.executable, str(BENCHES / "idle" / "observe.py")]


_ALL = (
    Part("micro", "what the parts of a job cost", _cargo("bench", "micro"), ["rust"], read=divan.rows),
    Part("scheduler", "the scheduler alone", _cargo("bin", "scheduler", "--json"), ["rust"], bars=3),
    Part("rust", "whole jobs in Rust", _cargo("bin", "throughput", "--json"), ["rust"], bars=2),
    Part("python", "whole jobs in Python", _python(), ["python"], bars=3),
    Part("node", "whole jobs in Node", _node(), ["node"], bars=2),
    Part("idle", "engines with nothing to do", _idle(), ["rust", "python", "node"], bars=6),
)
PARTS = {part.name: part for part in _ALL}

SET_UP = {
    "rust": [
        ["cargo", "build", "--release", "-p", "bursar-benches", "--bins"],
        ["cargo", "bench", "--no-run", "-p", "bursar-benches", "--bench", "micro"],
    ],
    "python": [["scripts/setup-python", "bench"]],
    "node": [
        ["scripts/setup-node"],
        ["npm", "ci", "--prefix", "benches/node", "--no-audit", "--no-fund", "--loglevel=error"],
    ],
}


def set_up(parts: Sequence[Part]) -> None:
    """Builds and installs what these parts need, and nothing more."""
    needs = [need for need in SET_UP if any(need in part.needs for part in parts)]
    for need in needs:
        print(f"setting up: {need}", flush=True)
        for command in SET_UP[need]:
            require(command)
