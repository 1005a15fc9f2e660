"""The running job, as its own code sees it in a child."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bursar._child import frames

if TYPE_CHECKING:
    from datetime import datetime

    from bursar._child.dispatch import Dispatcher
    from bursar._child.frames import Start


class ChildJob:
    """What `bursar.current_job()` returns in a child: the same as `bursar.CurrentJob`."""

    def __init__(self, dispatcher: Dispatcher, key: int, start: Start) -> None:
        self._dispatcher = dispatcher
        self._key = key
        self._start = start
        self._saved = start.checkpoint

    @property
    def id(self) -> str:
        """The id of the job: the idempotency key to pass on."""
        text = self._start.id.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    @property
    def attempt(self) -> int:
        """The number of the attempt, from 1."""
        return self._start.number

    @property
    def task(self) -> str:
        """The name of the task."""
        return self._start.task

    @property
    def memory(self) -> int:
        """The bytes of memory that are reserved for it."""
        return self._start.memory

    @property
    def deadline(self) -> datetime | None:
        """When its timeout is over; None where it has none."""
        from bursar._info import time  # noqa: PLC0415 few jobs ask

        return None if self._start.deadline is None else time(self._start.deadline)

    @property
    def cancelled(self) -> bool:
        """Whether it is asked to stop."""
        return self.stopped() is not None

    @property
    def daemon(self) -> bool:
        """Whether it is a daemon."""
        return self._start.daemon

    def stopped(self) -> str | None:
        """Returns why it is asked to stop, if it is."""
        return self._dispatcher.stopped(self._key)

    def raise_if_cancelled(self) -> None:
        """Raises `bursar.Cancel` if the job is asked to stop."""
        reason = self.stopped()
        if reason is not None:
            from bursar._errors import Cancel  # noqa: PLC0415

            raise Cancel(reason)

    def progress(self, percent: float, message: str | None = None) -> None:
        """Says how far it has come, in percent."""
        self._say(frames.PROGRESS, *frames.progress(percent, message))

    def log(self, message: str, level: str = "info") -> None:
        """Logs a line."""
        self._say(frames.LOG, frames.text(level), frames.text(message))

    def checkpoint(self, *state: Any) -> Any:
        """Without an argument: the last checkpoint of the job, None if there is none. With one: saves it."""
        from bursar._codec import PLAIN  # noqa: PLC0415

        if not state:
            return None if self._saved is None else PLAIN.decode_result(self._saved)
        (new,) = state
        text = PLAIN.encode_state(new)
        self._say(frames.CHECKPOINT, text)
        self._saved = text
        return None

    def _say(self, kind: int, *body: bytes) -> None:
        """Tells the engine, and waits for its answer: it is recorded then, as on threads."""
        answer = self._dispatcher.ask(kind, self._key, body)
        if answer is None:
            raise EngineGone
        refused = frames.reply(answer)
        if refused is not None:
            from bursar._errors import BY_KIND, Error  # noqa: PLC0415

            raise BY_KIND.get(refused[0], Error)(refused[1])

    def __repr__(self) -> str:
        """Shows what runs."""
        return f"<CurrentJob {self.id} {self.task!r} attempt {self.attempt}>"


class EngineGone(BaseException):
    """The engine has gone while it was asked something: this process is about to end."""
