"""The engine: the handle that a program owns."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from bursar import _current, _defined, _exit, _native, _notices
from bursar._command import program
from bursar._errors import Conflict
from bursar._executor import JobExecutor
from bursar._info import JobInfo
from bursar._loops import wait_for
from bursar._task import Accepted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from bursar._command import Argv, CommandOutput
    from bursar._native import Job
    from bursar._options import Duration, EngineOptions, PriorityName, StateName, SubmitOptions
    from bursar._task import Task

import asyncio

P = ParamSpec("P")
T = TypeVar("T")


class Page(list[JobInfo]):
    """A page of a listing.

    Attributes:
        cursor: where the next page begins; None where this is the last one.
    """

    def __init__(self, jobs: Iterable[JobInfo], cursor: str | None) -> None:
        super().__init__(jobs)
        self.cursor = cursor


class Engine(_native.EngineBase):
    """Runs jobs within a budget.

    Args:
        url: where jobs are kept: `memory:` lives and ends with the process, `sqlite:jobs.db` is a file.
            Default: the environment variable `BURSAR_URL`, else `memory:`.
        **options: `memory` to share out (default: 75 % of what this process may use), `cpu` (cores),
            `tokens` (`{"gpu": 2}`), `concurrency` (a number, or one for each of `async` (100), `thread`
            (cpus + 4, at most 32), `process` (cpus) and `command` (cpus)), `default_memory` of a job whose
            task doesn't say, where `memory` is set (32MB), `default_timeout` (none), `default_sandbox` of a
            job that doesn't say and has processes of its own (`off`), `grace` for a job that is asked to
            stop (5 s), `shutdown_grace` (25 s), `strict` (encode arguments and results in memory too),
            `run` (False: only submit), `name` of this worker, `max_results` that are kept in memory
            (10,000), `durability` on disk (`full`: an acknowledged job survives power loss; `process`: the
            end of the process), `max_jobs_per_child` and `max_memory_per_child`, after which a process is
            replaced (default: never), `seed`, and `clock` (see `bursar.testing`).

    Raises:
        Invalid: for a URL of no known kind, an unknown option or a value out of range.
    """

    if TYPE_CHECKING:

        def __init__(self, url: str | None = None, **options: Unpack[EngineOptions]) -> None: ...

    def __new__(cls, url: str | None = None, **options: Any) -> Self:
        _notices.start_notifier()
        engine = super().__new__(cls, url, **options)
        if engine.durable:
            _defined.attend(engine)
        _exit.remember(engine)
        return engine

    @overload
    def asubmit(self, function: Task[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Accepted[Job[T]]: ...
    @overload
    def asubmit(
        self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Accepted[Job[T]]: ...
    @overload
    def asubmit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Accepted[Job[T]]: ...
    @overload
    def asubmit(self, function: str, /, *args: Any, **kwargs: Any) -> Accepted[Job[Any]]: ...
    def asubmit(self, function: Any, /, *args: Any, **kwargs: Any) -> Accepted[Job[Any]]:
        """Submits a call from asynchronous code, as `submit` does: `job = await engine.asubmit(...)`."""
        return Accepted(self.submit(function, *args, **kwargs))

    def command(
        self,
        argv: Argv,
        /,
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        stdin: str | bytes | None = None,
        **options: Unpack[SubmitOptions],
    ) -> Job[CommandOutput]:
        """Runs a program as a job: its arguments as they are, never a shell.

        What it writes is its log, line by line as it comes (levels `stdout` and `stderr`), and its result.
        It runs in a session of its own; whatever it starts ends with it, and with this process. An exit
        code other than 0 is a failure: `JobFailed` with `exit_code`; a signal a `JobCrashed` with `signal`.

        Args:
            argv: the program, as a path or a name that is looked up in `PATH`, and its arguments.
            cwd: the folder it runs in (default: the worker's own).
            env: variables besides `PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL`, `LANG`, `LC_*`, `TZ` and
                `TMPDIR`, which alone it has otherwise: with a value, or None for the worker's own.
            stdin: what it reads from its standard input (default: nothing).
            **options: those of a submit, such as `memory` and `timeout`.

        Raises:
            Invalid: for no program, a NUL in an argument, a wrong option; in memory, where it is this
                process that runs it, also for a program or a folder that isn't there.
            BudgetExceeded: where the job could never run.
            Closed: once the engine is closed.
        """
        return self._command(program(argv, cwd, env, stdin), options)

    def acommand(
        self,
        argv: Argv,
        /,
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        stdin: str | bytes | None = None,
        **options: Unpack[SubmitOptions],
    ) -> Accepted[Job[CommandOutput]]:
        """Runs a program from asynchronous code, as `command` does: `job = await engine.acommand(...)`."""
        return Accepted(self._command(program(argv, cwd, env, stdin), options))

    def jobs(
        self,
        *,
        state: StateName | Iterable[StateName] = (),
        task: str | None = None,
        priority: PriorityName | None = None,
        unique: str | None = None,
        order: str = "newest",
        limit: int = 100,
        offset: int = 0,
        cursor: str | None = None,
    ) -> Page:
        """Lists jobs.

        Args:
            state: only jobs in this state, or one of these.
            task: only jobs of the task with this name.
            priority: only jobs of this priority.
            unique: only jobs with this unique key.
            order: by submission, `newest` or `oldest` first.
            limit: how many at most.
            offset: how many to leave out first.
            cursor: `Page.cursor` of the page before.
        """
        found, following = self._list(_filter(state, task, priority, unique), order, limit, offset, cursor)
        return Page(found, following)

    def count(
        self,
        *,
        state: StateName | Iterable[StateName] = (),
        task: str | None = None,
        priority: PriorityName | None = None,
        unique: str | None = None,
    ) -> int:
        """Counts jobs; the arguments are those of `jobs`."""
        return self._count(_filter(state, task, priority, unique))

    def executor(self, **options: Unpack[SubmitOptions]) -> JobExecutor:
        """Returns a `concurrent.futures.Executor` whose calls are jobs with these options.

        Raises:
            Invalid: for an unknown option or a value out of range; where the store is not in memory,
                or `strict`.
        """
        return JobExecutor(self, options)

    def shutdown(self, grace: Duration | None = None, *, wait: bool = True) -> None:
        """Shuts down: nothing more starts, what runs has `grace` to end and is then asked to stop.

        Args:
            grace: how long what runs may go on (default: the option `shutdown_grace`); 0 asks at once.
            wait: whether to return only once everything has ended or was given up on.
        """
        _exit.forget(self)
        self._shutdown(grace, wait)

    async def ashutdown(self, grace: Duration | None = None) -> None:
        """Shuts down as `shutdown` does, without blocking the event loop."""
        _exit.forget(self)
        await wait_for(lambda tell: self._when_closed(tell, grace))

    async def adrain(self) -> None:
        """Waits until every job that it accepted has ended."""
        await wait_for(self._when_drained)

    def __enter__(self) -> Self:
        """Makes it the engine that tasks submit to."""
        self._enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits for its jobs, if no exception came and they end with the process; then shuts down."""
        self._leave()
        if error is None and not self.durable and not self.closed:
            self._drain_or_shut()
        self.shutdown(0 if error is not None else None)

    def _drain_or_shut(self) -> None:
        try:
            self.drain()
        except BaseException:
            self.shutdown(0)
            raise

    async def __aenter__(self) -> Self:
        """Makes it the engine that tasks submit to, and this loop the one that runs its coroutines."""
        self._loops.bind(asyncio.get_running_loop())
        self._enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Does what the end of a `with` block does, without blocking the event loop."""
        self._leave()
        if error is None and not self.durable and not self.closed:
            try:
                await self.adrain()
            except BaseException:
                await self.ashutdown(0)
                raise
        await self.ashutdown(0 if error is not None else None)


def _filter(
    state: str | Iterable[str], task: str | None, priority: str | None, unique: str | None
) -> dict[str, Any]:
    states = [state] if isinstance(state, str) else list(state)
    return {"states": states, "task": task, "priority": priority, "unique": unique}


def default_engine() -> Engine:
    """Returns the engine that tasks submit to outside of any `with` block, made when first asked for."""
    global _default  # noqa: PLW0603
    if _current.in_child:
        raise Conflict(
            "this job runs in a process of its own, which has no engine: open an Engine on a shared store "
            "such as sqlite:jobs.db here, or submit from what the job returns"
        )
    with _default_lock:
        if _default is None or _default.closed:
            _default = Engine()
        return _default


def forget_default() -> None:
    """Lets go of the default engine, in a forked child."""
    global _default, _default_lock
    _default, _default_lock = None, threading.Lock()


_default: Engine | None = None
_default_lock = threading.Lock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_default)
