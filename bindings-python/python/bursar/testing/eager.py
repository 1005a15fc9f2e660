"""Jobs that run at once in their submitter."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bursar._engine import Engine
from bursar._errors import Conflict
from bursar._native import ManualClock
from bursar._threads import drain

if TYPE_CHECKING:
    from typing_extensions import Self

    from bursar._native import Job


class EagerEngine(Engine):
    """An engine without threads: a submit returns once the job has ended.

    Arguments and results are encoded as a durable store would. Time stands still; where a job waits for
    its time or its next attempt, the clock is moved there at once.

    Attributes:
        clock: its clock.
    """

    clock: ManualClock

    def __new__(cls, url: str | None = None, **options: Any) -> Self:  # noqa: D102
        clock = options.pop("clock", None) or ManualClock()
        engine = super().__new__(cls, url, **{"strict": True, **options}, clock=clock, in_caller=True)
        engine.clock = clock
        engine._be_eager(engine._run)
        engine._loops.only_bound = True
        return engine

    def _run(self, id: str, is_async: bool) -> None:
        job = self.job(id)
        if is_async:
            self._run_async(job)
        else:
            self._run_sync(job)

    def _run_sync(self, job: Job[Any]) -> None:
        seat = self._seat()
        drain(seat)
        while not job.done():
            self._go_on(job)
            seat.wait()
            drain(seat)
        seat.leave()

    def _run_async(self, job: Job[Any]) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(self._drive(job))
            return
        # A loop can't run inside of another one on the same thread.
        thread = threading.Thread(target=asyncio.run, args=(self._drive(job),))
        thread.start()
        thread.join()

    async def _drive(self, job: Job[Any]) -> None:
        self._loops.bind(asyncio.get_running_loop())
        self._loops.wake()
        while await self._pauses(job):
            self._go_on(job)

    async def _pauses(self, job: Job[Any]) -> bool:
        """Waits until the job has ended or waits for its time; tells whether it is the latter."""
        events = job.events()
        if job.state in _TIMED:
            return True
        async for event in events:
            if event.state in _TIMED:
                return True
        return False

    def _go_on(self, job: Job[Any]) -> None:
        """Moves the clock to where the job is due, and waits until it runs."""
        events, info = job.events(), job.info()
        if info.state not in _TIMED or info.scheduled is None:
            raise Conflict(f"the job can't run at once: {job.why()}")
        self.clock.advance(max(info.scheduled - self.clock.now(), _LEAST))
        for event in events:
            if event.state == "running":
                return


_LEAST = timedelta(microseconds=1)
_TIMED = ("scheduled", "retrying")


eager = EagerEngine
"""Opens an engine whose jobs run at once in their submitter: `with eager(): resize.submit(...)`."""
