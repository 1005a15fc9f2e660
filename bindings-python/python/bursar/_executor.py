"""An engine as a `concurrent.futures.Executor`."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from bursar._errors import Cancel, Invalid, JobCancelled, JobFailed
from bursar._functions import check_address, check_executor, is_async, name_of
from bursar._processes import check_call
from bursar._task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from bursar._native import EngineBase, Job
    from bursar._options import SubmitOptions

P = ParamSpec("P")
T = TypeVar("T")


class JobFuture(Future[T]):
    """The future of a job.

    Attributes:
        job: the handle of the job.
    """

    job: Job[T]

    def __init__(self) -> None:
        super().__init__()
        self._begun = False
        self._value: Any = None

    def cancel(self) -> bool:
        """Cancels the job if it waits; False if it runs or has ended."""
        cancelled = super().cancel()
        if cancelled and not self.job.done():
            self.job.cancel("its future was cancelled")
        return cancelled

    def begin(self) -> bool:
        """Notes that the job runs; False if it was cancelled. Attempts after the first change nothing."""
        if self._begun:
            return not self.cancelled()
        self._begun = True
        return self.set_running_or_notify_cancel()

    def settle(self, job: Job[T]) -> None:
        """Takes over the end of the job."""
        error = job.exception(0)
        if not self._begun and error is not None:
            super().cancel()
        if not self.begin():
            return
        if error is None:
            value, self._value = self._value, None
            self.set_result(value)
        else:
            own = error.__cause__ if type(error) is JobFailed else None
            self.set_exception(own or error)

    def run(self, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
        """Runs the call. Its result goes into the future only: the engine would keep it for longer."""
        if not self.begin():
            raise Cancel("its future was cancelled")
        self._value = function(*args, **kwargs)

    async def arun(self, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
        """Runs the call of an `async def`."""
        self.run(function, args, kwargs)
        self._value = await self._value


class RemoteFuture(JobFuture[T]):
    """The future of a job that runs in a process of its own, where it can't be told that it begins."""

    def settle(self, job: Job[T]) -> None:
        """Takes over the end of the job."""
        error = job.exception(0)
        if isinstance(error, JobCancelled):
            super(JobFuture, self).cancel()
        if not self.begin():
            return
        if error is None:
            self.set_result(job.result(0))
        else:
            self.set_exception((error.__cause__ if type(error) is JobFailed else None) or error)
        job.delete()


def _call(future: JobFuture[Any], function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    future.run(function, args, kwargs)


async def _acall(future: JobFuture[Any], function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    await future.arun(function, args, kwargs)


def _call_there(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    return function(*args, **kwargs)


async def _acall_there(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    return await function(*args, **kwargs)


_SYNC: Task[..., Any] = Task(_call, {"name": "bursar.executor"})
_ASYNC: Task[..., Any] = Task(_acall, {"name": "bursar.executor.async"})
_SYNC_THERE: Task[..., Any] = Task(_call_there, {"name": "bursar.executor.process"})
_ASYNC_THERE: Task[..., Any] = Task(_acall_there, {"name": "bursar.executor.process.async"})


class JobExecutor(Executor):
    """Runs calls as jobs of an engine.

    Futures and calls are live objects, so the store must be in memory. With `executor="process"` functions,
    arguments and results are pickled, as by `ProcessPoolExecutor`. The end of the interpreter waits for
    `shutdown` or the end of a `with` block only, not for calls that nobody waits for.
    """

    def __init__(self, engine: EngineBase, options: SubmitOptions) -> None:
        if not engine._live:  # noqa: SLF001
            raise Invalid(
                "an executor passes functions and futures on as they are, which needs an engine in memory "
                'that is not strict, such as Engine("memory:"); elsewhere submit to the engine itself'
            )
        self._engine = engine
        self._kind = options.get("executor")
        self._there = self._kind == "process"
        sync, asynchronous = (_SYNC_THERE, _ASYNC_THERE) if self._there else (_SYNC, _ASYNC)
        # Neither of these two runs both kinds: there both names stand for the one that it runs.
        self._sync = (asynchronous if self._kind == "async" else sync).options(**options)
        self._async = (sync if self._kind == "thread" else asynchronous).options(**options)
        self._pending: set[JobFuture[Any]] = set()
        self._changed = threading.Condition()
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> JobFuture[T]:
        """Submits a call: `fn(*args, **kwargs)` runs as a job.

        Raises:
            RuntimeError: after `shutdown`.
            Invalid: for a function that its executor can't run, or a process can't find; for arguments that
                can't be pickled, where they must.
        """
        self._check(fn)
        future: JobFuture[T] = RemoteFuture() if self._there else JobFuture()
        task = self._async if is_async(fn) else self._sync
        with self._changed:
            if self._closed or self._engine.closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            future.job = self._submit(task, future, fn, args, kwargs)
            self._pending.add(future)
        future.job.add_done_callback(lambda job: self._settle(future, job))
        return future

    def _check(self, function: Callable[..., Any]) -> None:
        if self._there:
            check_address(function, name_of(function))
        elif self._kind is not None:
            check_executor(function, name_of(function), self._kind)

    def _submit(
        self,
        task: Task[..., Any],
        future: JobFuture[Any],
        function: Callable[..., Any],
        args: Any,
        kwargs: Any,
    ) -> Job[Any]:
        if not self._there:
            return self._engine.submit(task, future, function, args, kwargs)
        try:
            return self._engine.submit(task, function, args, kwargs)
        except Invalid:
            # It knows of the call inside of the call only: this names what the caller has given.
            check_call(function, args, kwargs)
            raise

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more calls; the engine itself goes on.

        Args:
            wait: whether to return only once all calls have ended.
            cancel_futures: whether to cancel those that have not begun.
        """
        with self._changed:
            self._closed = True
            pending = list(self._pending)
        if cancel_futures:
            for future in pending:
                future.cancel()
        if wait:
            with self._changed:
                self._changed.wait_for(lambda: not self._pending)

    def _settle(self, future: JobFuture[T], job: Job[T]) -> None:
        try:
            future.settle(job)
        finally:
            with self._changed:
                self._pending.discard(future)
                self._changed.notify_all()
