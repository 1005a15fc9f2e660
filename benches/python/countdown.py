"""Tells when the last of so many jobs has run: kinder to a peer than polling for results."""

from __future__ import annotations

import threading

PATIENCE = 60


class Countdown:
    """Each job counts down by one; whoever waits goes on at zero."""

    def __init__(self) -> None:
        self._left = 0
        self._lock = threading.Lock()
        self._zero = threading.Event()

    def begin(self, jobs: int) -> None:
        self._left = jobs
        self._zero.clear()

    def one(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._zero.set()

    def wait(self) -> None:
        if not self._zero.wait(timeout=PATIENCE):
            raise TimeoutError(f"{self._left} jobs never ran")
