"""Runs jobs in a child, one after the other, until the engine has no more for it."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from bursar._child import call, frames
from bursar._child.frames import Channel
from bursar._child.job import ChildJob

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable, Coroutine

    from bursar._child.call import Ended
    from bursar._child.title import Title

IDLE = b"bursar:idle"


class Child:
    """This process, as the engine's pool sees it."""

    def __init__(self, sock: socket.socket, title: Title) -> None:
        self._channel = Channel(sock)
        self._title = title
        self._loop: asyncio.AbstractEventLoop | None = None
        self._usage = _usage()

    def serve(self) -> None:
        """Runs jobs until the engine closes the socket."""
        self._title.write(IDLE)
        while True:
            frame = self._channel.receive()
            if frame is None:
                return
            if frame.kind == frames.START:
                self._run(frame)
                # Nothing of the job is held while this waits for the next.
                del frame

    def _run(self, frame: frames.Frame) -> None:
        start = frames.start(frame.body)
        self._title.show(start.id, start.task, b"running")
        _forget_peak()
        began = time.process_time_ns()
        ended = call.run(ChildJob(self._channel, frame.key, start), start, self._drive)
        _flush()
        self._title.write(IDLE)
        self._send(frame.key, ended, time.process_time_ns() - began)

    def _send(self, key: int, ended: Ended, cpu_time: int) -> None:
        head = frames.ENDED_HEAD.pack(ended.outcome, ended.content, cpu_time // 1_000, self._usage())
        if len(ended.parts) == 1 and len(ended.parts[0]) > frames.CHUNK:
            self._channel.send_large(frames.ENDED, key, head, ended.parts[0])
        else:
            self._channel.send(frames.ENDED, key, (head, *ended.parts))

    def _drive(self, job: ChildJob, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Runs a coroutine; a request to stop cancels it."""
        import asyncio  # noqa: PLC0415 only for those who need it

        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        loop = self._loop
        task = loop.create_task(coroutine)

        def heard() -> None:
            reason = job.stopped()
            if reason is not None:
                loop.remove_reader(self._channel)
                task.cancel(reason)

        loop.add_reader(self._channel, heard)
        try:
            return loop.run_until_complete(task)
        finally:
            loop.remove_reader(self._channel)


def _usage() -> Callable[[], int]:
    """Returns what tells the most memory that this process had since `_forget_peak`, in bytes."""
    try:
        import resource  # noqa: PLC0415 not on every platform
    except ImportError:
        return lambda: 0
    unit = 1 if sys.platform == "darwin" else 1_024
    return lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


_peak = -1


def _forget_peak() -> None:
    """Begins to measure the peak anew, where the system can: proc(5), clear_refs."""
    global _peak  # noqa: PLW0603
    if _peak == -1:
        try:
            _peak = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            _peak = -2
    if _peak >= 0:
        os.write(_peak, b"5")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):  # none, or closed by the job
            pass
