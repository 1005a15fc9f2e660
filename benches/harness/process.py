"""Runs one bench program, shows what it prints, and ends it where it takes too long."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
# All programs together are to end within a quarter of an hour; one alone within this.
LONGEST_SECONDS = 300


class BenchError(Exception):
    """A bench could not be run, or didn't print what it must."""


def shown(command: Sequence[str]) -> str:
    """A command as a person would type it, from the root of the checkout."""
    return " ".join(command).replace(f"{ROOT}/", "")


def capture(command: Sequence[str], brief: Callable[[str], str]) -> str:
    """What the command prints; each line is shown, as `brief` puts it, when it comes.

    Its stderr passes through. It has a session of its own, so that it ends with all that it started.
    """
    missing = [word for word in command if word.startswith(str(ROOT)) and not Path(word).exists()]
    if missing:
        raise BenchError(f"there is no {shown(missing)}")
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    late = threading.Event()
    alarm = threading.Timer(LONGEST_SECONDS, _end, [process, late])
    alarm.start()
    try:
        output = _show(process, brief)
    except BaseException:
        _end(process, late)
        raise
    finally:
        alarm.cancel()
    if late.is_set():
        raise BenchError(f"{shown(command)} took longer than {LONGEST_SECONDS} s and was ended")
    if process.returncode != 0:
        raise BenchError(f"{shown(command)} failed with exit code {process.returncode}")
    return output


def require(command: Sequence[str]) -> None:
    """Runs a command of the set-up."""
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise BenchError(f"{shown(command)} failed")


def answer(command: Sequence[str]) -> str:
    """The first line that a command prints; empty where it can't be run."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip().partition("\n")[0]


def _show(process: subprocess.Popen[str], brief: Callable[[str], str]) -> str:
    lines: list[str] = []
    for line in process.stdout or ():
        lines.append(line)
        print(f"    {brief(line.rstrip())}", flush=True)
    process.wait()
    return "".join(lines)


def _end(process: subprocess.Popen[str], late: threading.Event) -> None:
    if process.poll() is None:
        late.set()
        os.killpg(process.pid, signal.SIGKILL)
