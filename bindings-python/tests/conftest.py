"""What the tests share. They wait for events and conditions, never for time."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path  # noqa: TC003

import pytest

from bursar import Engine

PATIENCE = 30.0


class Gate:
    """Jobs that wait here are let go together."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._changed = threading.Condition()
        self.inside = 0
        self.passed = 0

    def wait(self) -> int:
        with self._changed:
            self.inside += 1
            self._changed.notify_all()
        assert self._open.wait(PATIENCE), "the gate was never opened"
        with self._changed:
            self.inside -= 1
            self.passed += 1
            self._changed.notify_all()
            return self.passed

    def until(self, count: int) -> None:
        """Waits until `count` jobs wait here."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.inside >= count, PATIENCE), (
                f"{self.inside} of {count} came"
            )

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine("memory:") as engine:
        yield engine


Script = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Runs a program of its own; the prelude imports what most need."""

    def run(body: str, timeout: float = PATIENCE) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "program.py"
        path.write_text(PRELUDE + textwrap.dedent(body))
        command = [sys.executable, "-X", "faulthandler", str(path)]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)

    return run


PRELUDE = """\
import asyncio, os, signal, sys, threading, time
import bursar
from bursar import Engine, task, current_job
"""
