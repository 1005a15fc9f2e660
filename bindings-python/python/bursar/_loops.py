"""The event loop that runs asynchronous functions.

Many jobs are driven inside of one asyncio task. The first step of each is taken directly, in the job's
own context; a job that suspends keeps the task it is in, and another one goes on with the rest. So a task
is made for each job that really waits, and `asyncio.current_task()`, `asyncio.timeout()` and the like are
the real ones.
"""

from __future__ import annotations

import asyncio
import threading
import types
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from bursar._info import Event
    from bursar._native import Events, Job, Seat, Seats

GROUP = 64
"""After so many jobs the loop gets its turn."""


class Loops:
    """The event loop of one engine: the one it was entered on, or one of its own."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._own: threading.Thread | None = None
        self._runner: asyncio.Task[None] | None = None
        self._owned: dict[int, asyncio.Task[None]] = {}
        self._lock = threading.Lock()
        self.only_bound = False
        """Whether to wait for a loop to be bound, rather than to start one; for tests."""

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Takes the running loop `loop`, unless there is one already."""
        with self._lock:
            if self._loop is None or self._loop.is_closed():
                self._loop, self._thread = loop, threading.get_ident()
                self._runner = None

    def runs_here(self) -> bool:
        """Tells whether this thread is that of the loop."""
        return self._thread == threading.get_ident() and self._loop is not None and not self._loop.is_closed()

    def wake(self) -> None:
        """Has the loop look for jobs."""
        loop = self._loop
        if loop is None or loop.is_closed():
            if self.only_bound:
                return
            loop = self._find()
        if self._thread == threading.get_ident():
            self._start_runner()
        else:
            loop.call_soon_threadsafe(self._start_runner)

    def close(self) -> None:
        """Ends the own loop, if there is one."""
        with self._lock:
            own, loop = self._own, self._loop
            self._own = None
        if own is not None and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(loop.stop)

    def stop(self, key: int, reason: str | None) -> None:
        """Cancels the task that runs the attempt with the number `key`."""
        task = self._owned.get(key)
        if task is not None:
            task.cancel(reason)

    def _find(self) -> asyncio.AbstractEventLoop:
        try:
            self.bind(asyncio.get_running_loop())
        except RuntimeError:
            self._start_own()
        assert self._loop is not None  # noqa: S101 for type checkers
        return self._loop

    def _start_own(self) -> None:
        with self._lock:
            if self._loop is not None and not self._loop.is_closed():
                return
            self._loop = loop = asyncio.new_event_loop()
            ready = threading.Event()
            self._own = threading.Thread(
                target=self._run_own, args=(loop, ready), name="bursar-loop", daemon=True
            )
            self._own.start()
        ready.wait()

    def _run_own(self, loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        self._thread = threading.get_ident()
        ready.set()
        try:
            loop.run_forever()
        finally:
            loop.close()

    def _start_runner(self) -> None:
        if self._loop is not None and (self._runner is None or self._runner.done()):
            seat = self._seats.take()
            self._runner = self._loop.create_task(self._run(seat))

    async def _run(self, seat: Seat) -> None:
        await self._drive(seat)

    @types.coroutine
    def _drive(self, seat: Seat) -> Generator[Any, Any, None]:
        step, failed = seat.step, seat.failed
        next_call, count = step(None), 0
        while next_call is not None:
            run, function, args, kwargs = next_call
            try:
                if run is None:
                    function(*args)
                    next_call = step(None)
                    continue
                job = run(function, *args) if kwargs is None else run(function, *args, **kwargs)
                waits_for = run(job.send, None)
            except StopIteration as done:
                next_call = step(done.value)
            except BaseException as error:  # noqa: BLE001 a job must not end the loop
                next_call = failed(error.with_traceback(_inner(error)))
            else:
                yield from self._own_job(seat, run, job, waits_for)
                return
            count += 1
            if count % GROUP == 0:
                yield

    def _own_job(
        self, seat: Seat, run: Callable[..., Any], job: Any, waits_for: Any
    ) -> Generator[Any, Any, None]:
        """Goes on with a job that has suspended; another task goes on with the others."""
        key, task = seat.key, asyncio.current_task()
        assert key is not None and task is not None  # noqa: S101, PT018
        self._owned[key] = task
        self._runner = None
        self._start_runner()
        try:
            value = yield from _forward(run, job, waits_for)
        except BaseException as error:  # noqa: BLE001
            del self._owned[key]
            seat.end_failed(error.with_traceback(_inner(error)))
        else:
            del self._owned[key]
            seat.end(value)


def _forward(run: Callable[..., Any], job: Any, waits_for: Any) -> Generator[Any, Any, Any]:
    """Does what `yield from job` would do, with each step in the job's own context."""
    while True:
        try:
            sent = yield waits_for
        except BaseException as error:  # noqa: BLE001
            method, argument = job.throw, error
        else:
            method, argument = job.send, sent
        try:
            waits_for = run(method, argument)
        except StopIteration as done:
            return done.value


def _inner(error: BaseException) -> types.TracebackType | None:
    """Returns the part of the traceback that is the user's."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


class _Waiter:
    """Someone who awaits something of an engine. Those of one loop are told in one go."""

    __slots__ = ("future", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self.loop.create_future()

    def __call__(self, _: object) -> None:
        """Tells it, from any thread."""
        with _mailbox_lock:
            box = _mailboxes.get(self.loop)
            if box is not None:
                box.append(self)
                return
            _mailboxes[self.loop] = [self]
        try:
            self.loop.call_soon_threadsafe(_open, self.loop)
        except RuntimeError:  # the loop is closed, and with it whoever waited there
            with _mailbox_lock:
                _mailboxes.pop(self.loop, None)


_mailboxes: dict[asyncio.AbstractEventLoop, list[_Waiter]] = {}
_mailbox_lock = threading.Lock()


def _open(loop: asyncio.AbstractEventLoop) -> None:
    with _mailbox_lock:
        box = _mailboxes.pop(loop, [])
    for waiter in box:
        if not waiter.future.done():
            waiter.future.set_result(None)


def wait_for_job(job: Job[Any], loops: Loops) -> Generator[Any, Any, Any]:
    """Waits for the end of `job` and gives its result; what `await job` does."""
    waiter = _Waiter()
    loops.bind(waiter.loop)
    job.add_done_callback(waiter)
    with job._pause() or nullcontext():  # noqa: SLF001
        yield from waiter.future
    return job.result(0)


async def next_event(events: Events) -> Event:
    """Waits for the next event."""
    while True:
        waiter = _Waiter()
        found = events._poll(waiter)  # noqa: SLF001
        if found:
            return found[0]
        await waiter.future


async def wait_for(register: Callable[[Callable[[Any], object]], object]) -> None:
    """Waits until what `register` registers is called."""
    waiter = _Waiter()
    register(waiter)
    await waiter.future
