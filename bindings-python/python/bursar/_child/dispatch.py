"""Gives what the engine sends to who waits for it."""

from __future__ import annotations

from threading import Condition, RLock, get_ident
from typing import TYPE_CHECKING

from bursar._child import frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bursar._child.frames import Channel, Frame


class Dispatcher:
    """The frames of a channel, which several threads may wait for.

    One of those who wait reads, and gives each frame to whom it is for.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._asking = RLock()
        self._changed = Condition()
        self._reader: int | None = None
        """The thread that reads."""
        self._gone = False
        self._start: Frame | None = None
        self._stop: tuple[int, str] | None = None
        self._asked = 0
        self._answered = 0
        self._answers: dict[int, memoryview | None] = {}
        """The answers that somebody waits for, by the number of the question: they come in that order."""
        self.on_stop: Callable[[], object] | None = None
        """Called, on any thread, when a job is asked to stop."""

    def next_start(self) -> Frame | None:
        """Waits for a job; None where the engine has gone."""
        self._until(lambda: self._start is not None)
        start, self._start = self._start, None
        return start

    def stopped(self, key: int) -> str | None:
        """Returns why the job is asked to stop, if it is; doesn't wait."""
        if self._stop is None or self._stop[0] != key:
            with self._changed:
                if self._reader is None:
                    self._take_all()
        stop = self._stop
        return None if stop is None or stop[0] != key else stop[1]

    def ask(self, kind: int, key: int, body: Iterable[bytes]) -> memoryview | None:
        """Sends a frame and waits for the answer; None where the engine has gone."""
        with self._asking:
            self._asked += 1
            number = self._asked
            if self._reader == get_ident():
                # A signal has come while this thread reads, which can't wait here for what it is to read.
                self.channel.send(kind, key, body)
                return memoryview(b"")
            self._answers[number] = None
            try:
                self.channel.send(kind, key, body)
                self._until(lambda: self._answers[number] is not None)
                return self._answers[number]
            finally:
                del self._answers[number]

    def send(self, kind: int, key: int, head: bytes, parts: tuple[bytes, ...]) -> None:
        """Sends a frame that has no answer."""
        with self._asking:
            if len(parts) == 1 and len(parts[0]) > frames.CHUNK:
                self.channel.send_large(kind, key, head, parts[0])
            else:
                self.channel.send(kind, key, (head, *parts))

    def _until(self, ready: Callable[[], bool]) -> None:
        with self._changed:
            while not ready() and not self._gone:
                if self._reader is None:
                    self._read()
                else:
                    self._changed.wait()

    def _read(self) -> None:
        """Waits for a frame, while others may look at what has come."""
        self._reader = get_ident()
        self._changed.release()
        try:
            frame = self.channel.receive()
        finally:
            self._changed.acquire()
            self._reader = None
            # Another one goes on, where this one has what it waits for.
            self._changed.notify_all()
        if frame is None:
            self._gone = True
        else:
            self._take(frame)

    def _take_all(self) -> None:
        self._reader = get_ident()
        try:
            while (frame := self.channel.poll()) is not None:
                self._take(frame)
                self._changed.notify_all()
        finally:
            self._reader = None

    def _take(self, frame: Frame) -> None:
        if frame.kind == frames.REPLY:
            self._answered += 1
            if self._answered in self._answers:
                self._answers[self._answered] = frame.body
        elif frame.kind == frames.STOP:
            # One for the job before may come late.
            self._stop = frame.key, str(frame.body, "utf-8", "replace")
            if self.on_stop is not None:
                self.on_stop()
        elif frame.kind in (frames.START, frames.LOST):
            self._start = frame
