"""Runs jobs in a child, one after the other, until the engine has no more for it."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bursar._child import call, frames
from bursar._child.dispatch import Dispatcher
from bursar._child.frames import Channel
from bursar._child.job import ChildJob
from bursar._child.title import show_job
from bursar._child.usage import Usage
from bursar._native import show_title

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Coroutine

    from bursar._child.call import Ended

IDLE = b"bursar:idle"


class Child:
    """This process, as the engine's pool sees it."""

    def __init__(self, sock: socket.socket) -> None:
        self._dispatcher = Dispatcher(Channel(sock))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._usage = Usage()

    def serve(self) -> None:
        """Runs jobs until the engine closes the socket."""
        show_title(IDLE)
        while True:
            frame = self._dispatcher.next_start()
            if frame is None:
                return
            key, ended = frame.key, call.OUT_OF_MEMORY
            with suppress(MemoryError):
                if frame.kind == frames.START:
                    ended = self._run(frame)
            show_title(IDLE)
            # Nothing of the job is held while this waits for the next.
            del frame
            try:
                self._send(key, ended)
            except MemoryError:
                self._send(key, call.OUT_OF_MEMORY)
            del ended

    def _run(self, frame: frames.Frame) -> Ended:
        start = frames.start(frame.body)
        show_job(start.id, start.task, b"running")
        self._usage.begin()
        ended = call.run(ChildJob(self._dispatcher, frame.key, start), start, self._drive)
        _flush()
        return ended

    def _send(self, key: int, ended: Ended) -> None:
        cpu_time, memory, left = self._usage.end(sum(map(len, ended.parts)))
        outcome = ended.outcome | frames.TELLS_WHAT_IS_LEFT if left else ended.outcome
        head = frames.ENDED_HEAD.pack(outcome, ended.content, cpu_time, memory) + left
        self._dispatcher.send(frames.ENDED, key, head, ended.parts)

    def _drive(self, job: ChildJob, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Runs a coroutine; a request to stop cancels it."""
        import asyncio  # noqa: PLC0415 only for those who need it

        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        loop = self._loop
        task = loop.create_task(coroutine)

        channel = self._dispatcher.channel

        def heard() -> None:
            reason = job.stopped()
            if reason is not None and loop.remove_reader(channel):
                task.cancel(reason)

        # Whoever else reads may take the request.
        self._dispatcher.on_stop = lambda: loop.call_soon_threadsafe(heard)
        loop.add_reader(channel, heard)
        loop.call_soon(heard)
        try:
            return loop.run_until_complete(task)
        finally:
            self._dispatcher.on_stop = None
            loop.remove_reader(channel)
            _cancel_others(loop)


def _cancel_others(loop: asyncio.AbstractEventLoop) -> None:
    """Ends what a job has left on the loop, as `asyncio.run` does: it would run on with the next one's."""
    import asyncio  # noqa: PLC0415

    others = asyncio.all_tasks(loop)
    for other in others:
        other.cancel()
    if others:
        loop.run_until_complete(asyncio.gather(*others, return_exceptions=True))


def _flush() -> None:
    # A job may have closed them, or there are none.
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        return
