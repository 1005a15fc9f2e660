"""Watches programs with nothing to do from outside: how often they wake up, and what they compute.

benches/idle/observe.py [python|node]    Linux only: it reads /proc

Each language's program runs twice side by side, with an engine and bare, so that what the language
itself does (a garbage collector, say) can be told apart. Rust watches itself, in the bin `throughput`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
PYTHON = HERE.parent.parent / ".cache" / "venv" / "bin" / "python"
SUBJECTS = {
    "python": [str(PYTHON), str(HERE / "subject.py")],
    "node": ["node", str(HERE / "subject.mjs")],
}
# Long enough after the last job for what comes once: V8 collects garbage 8 s after a burst of work.
SETTLED_SECONDS = 15
WATCHED_SECONDS = 10
MOST_WAKE_UPS = 1
# "No processor time", as finely as it is worth telling: a thousandth of a core.
MOST_PROCESSOR = 1.0


@dataclass(frozen=True)
class Sample:
    """Of all threads of a process so far."""

    wake_ups: int
    nanoseconds: int


def main() -> None:
    languages = sys.argv[1:] or list(SUBJECTS)
    with ExitStack() as stack:
        programs = {
            (language, kind): stack.enter_context(program([*SUBJECTS[language], kind]))
            for language in languages
            for kind in ("engine", "bare")
        }
        time.sleep(SETTLED_SECONDS)
        before = {key: sample(pid) for key, pid in programs.items()}
        start = time.monotonic()
        time.sleep(WATCHED_SECONDS)
        seconds = time.monotonic() - start
        after = {key: sample(pid) for key, pid in programs.items()}
    for language in languages:
        rates = [rate(before[language, kind], after[language, kind], seconds) for kind in ("engine", "bare")]
        report(language, *rates)


@contextmanager
def program(command: list[str]) -> Iterator[int]:
    """A program that has said it is ready; it ends with the block."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if not process.stdout or process.stdout.readline().strip() != "ready":
            sys.exit(f"{' '.join(command)} was never ready")
        yield process.pid
    finally:
        process.communicate(timeout=30)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} failed with exit code {process.returncode}")


def sample(pid: int) -> Sample:
    """A thread that ends in between takes its counts along; an idle program has none."""
    threads = list(Path(f"/proc/{pid}/task").iterdir())
    return Sample(sum(map(_wake_ups, threads)), sum(map(_nanoseconds, threads)))


def rate(before: Sample, after: Sample, seconds: float) -> tuple[float, float]:
    """Wake-ups a second, and thousandths of a core."""
    wake_ups = (after.wake_ups - before.wake_ups) / seconds
    return wake_ups, (after.nanoseconds - before.nanoseconds) / 1e6 / seconds


def report(language: str, engine: tuple[float, float], bare: tuple[float, float]) -> None:
    name = f"{language}/idle engine"
    line(f"{name}, wake-ups per second", engine[0], "1/s", f"< {MOST_WAKE_UPS} 1/s")
    line(f"{name}, processor", engine[1], "ms/s", f"<= {MOST_PROCESSOR} ms/s")
    line(f"{language}/idle without an engine, wake-ups per second", bare[0], "1/s", None)
    line(f"{language}/idle without an engine, processor", bare[1], "ms/s", None)


def line(name: str, value: float, unit: str, bar: str | None) -> None:
    print(json.dumps({"name": name, "value": round(value, 4), "unit": unit, "bar": bar}), flush=True)


def _wake_ups(thread: Path) -> int:
    for text in (thread / "status").read_text("utf-8").splitlines():
        if text.startswith("voluntary_ctxt_switches:"):
            return int(text.split()[1])
    sys.exit(f"{thread}/status tells no voluntary_ctxt_switches")


def _nanoseconds(thread: Path) -> int:
    """The first field of schedstat is the time on a processor; stat would round it to hundredths."""
    return int((thread / "schedstat").read_text("utf-8").split()[0])


if __name__ == "__main__":
    main()
