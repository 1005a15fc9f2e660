"""The parts of a run: what each needs, runs and must print."""

from __future__ import annotations

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
    """Programs that run one after the other, and what is made of their output."""

    name: str
    title: str
    commands: Sequence[Sequence[str]]
    # What is built and installed for it: keys of SET_UP.
    needs: Sequence[str]
    # How many rows hold a bar of the agreement; fewer means that something was left out.
    bars: int = 0
    read: Callable[[str], list[Row]] = rows.of_output

    def run(self) -> list[Row]:
        """Measures: minutes. What it can't make a row of is an error that names the program."""
        found = [row for command in self.commands for row in self._rows(command)]
        held = sum(row.bar is not None for row in found)
        if held < self.bars:
            printed = f"{held} rows with a bar; {self.bars} are agreed"
            raise BenchError(f"{self.shown} printed {printed}")
        return found

    @property
    def shown(self) -> str:
        """The commands as a person would type them."""
        return " && ".join(map(shown, self.commands))

    def _rows(self, command: Sequence[str]) -> list[Row]:
        try:
            found = self.read(capture(command, rows.brief))
        except RowError as error:
            raise BenchError(f"{shown(command)} broke the contract of its output: {error}") from error
        if not found:
            raise BenchError(f"{shown(command)} printed no row")
        return found


def _cargo(kind: str, name: str, *arguments: str) -> list[str]:
    run = ["bench"] if kind == "bench" else ["run", "--release"]
    return ["cargo", *run, "--quiet", "-p", "bursar-benches", f"--{kind}", name, "--", *arguments]


def _python(script: str) -> list[str]:
    return [str(VENV_PYTHON), str(BENCHES / script)]


def _node(script: str) -> list[str]:
    return ["node", str(BENCHES / script)]


_ALL = (
    Part("micro", "what the parts of a job cost", [_cargo("bench", "micro")], ["rust"], read=divan.rows),
    Part("scheduler", "the scheduler alone", [_cargo("bin", "scheduler", "--json")], ["rust"], bars=3),
    Part("rust", "whole jobs in Rust", [_cargo("bin", "throughput", "--json")], ["rust"], bars=3),
    Part(
        "python",
        "whole jobs in Python",
        [_python("python/throughput.py"), _python("python/peers.py")],
        ["python"],
        bars=3,
    ),
    Part(
        "processes",
        "jobs in processes of their own, in Python",
        [_python("python/processes.py")],
        ["python"],
        bars=6,
    ),
    Part(
        "node",
        "whole jobs in Node",
        [
            _node("node/throughput.mjs"),
            _node("node/threads.mjs"),
            _node("node/processes.mjs"),
            _node("node/peers.mjs"),
        ],
        ["node"],
        bars=3,
    ),
    Part(
        "durable",
        "whole jobs on a file",
        [
            _cargo("bin", "durable", "--json"),
            _python("python/durable.py"),
            _python("python/durable_peers.py"),
            _node("node/durable.mjs"),
        ],
        ["rust", "python", "node"],
        bars=13,
    ),
    Part("commands", "programs as jobs", [_cargo("bin", "commands", "--json")], ["rust"], bars=1),
    Part(
        "limits",
        "what jobs use, and what they may",
        [_cargo("bin", "limits", "--json")],
        ["rust"],
        bars=2,
    ),
    Part(
        "matrices",
        "how soon what must end has ended",
        [_cargo("bin", "matrices", "--json")],
        ["rust"],
    ),
    Part(
        "idle", "Python and Node with nothing to do", [_python("idle/observe.py")], ["python", "node"], bars=4
    ),
)
PARTS = {part.name: part for part in _ALL}

SET_UP = {
    "rust": [
        ["cargo", "build", "--release", "-p", "bursar-benches", "--bins"],
        ["cargo", "bench", "--no-run", "-p", "bursar-benches", "--bench", "micro"],
    ],
    "python": [["scripts/setup-python", "bench"]],
    "node": [["scripts/setup-node", "bench"]],
}


def set_up(parts: Sequence[Part]) -> None:
    """Builds and installs what these parts need, and nothing more."""
    needs = [need for need in SET_UP if any(need in part.needs for part in parts)]
    for need in needs:
        print(f"setting up: {need}", flush=True)
        for command in SET_UP[need]:
            require(command)
