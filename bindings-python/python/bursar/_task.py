"""Tasks: functions with a stable name and options."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, cast, overload

from bursar import _defined, _native
from bursar._unique import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterable

    from typing_extensions import Self, Unpack

    from bursar._native import Job
    from bursar._options import SubmitOptions, TaskOptions

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Accepted(Generic[T]):
    """What is there already, for whoever awaits it."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, Any, T]:
        """Gives the value at once."""
        return self._value
        yield


class Task(_native.TaskBase, Generic[P, R]):
    """A function that can be submitted as a job. A plain call stays a plain call.

    Attributes:
        name: what its jobs are stored under.
        is_async: whether it is an `async def`.
    """

    __wrapped__: Callable[P, Any]

    def __new__(cls, function: Callable[P, Any], options: TaskOptions) -> Self:
        given = cast("dict[str, Any]", dict(options))
        name = given.pop("name", None)
        task = cls._made(function, name, given)
        _defined.define(task)
        return task

    @classmethod
    def _made(cls, base: Callable[P, Any], name: str | None, given: dict[str, Any]) -> Self:
        function = cast("Callable[..., Any]", getattr(base, "__wrapped__", base) if _is_task(base) else base)
        key = key_of(function, given.get("unique"))
        if key is not None:
            del given["unique"]
        task = super().__new__(cls, base, name, given, key)
        functools.update_wrapper(task, function, updated=())
        return task

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls the function, here and now."""
        return self.__wrapped__(*args, **kwargs)

    if TYPE_CHECKING:

        def submit(self, *args: P.args, **kwargs: P.kwargs) -> Job[R]:
            """Submits a call to the current engine: acknowledged by its store on return.

            That is the engine of the job that this runs in, else that of the innermost `with` block that
            is entered, else a default one: made when it is first needed, on `BURSAR_URL` or in memory.
            """
            ...

        def submit_many(self, calls: Iterable[tuple[Any, ...]]) -> list[Job[R]]:
            """Submits one call for each tuple of arguments, all of them or none, in one round trip."""
            ...

    def asubmit(self, *args: P.args, **kwargs: P.kwargs) -> Accepted[Job[R]]:
        """Submits a call from asynchronous code: `job = await resize.asubmit(...)`."""
        return Accepted(self.submit(*args, **kwargs))

    def options(self, **options: Unpack[SubmitOptions]) -> Self:
        """Returns this task with other options, for what is submitted through it."""
        return self._made(self, None, cast("dict[str, Any]", options))

    def __repr__(self) -> str:
        """Shows its name."""
        return f"<Task {self.name}>"


class AsyncTask(Task[P, R]):
    """A task of an `async def`: a plain call gives a coroutine."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:  # type: ignore[override]
        """Calls the function, here and now."""
        return self.__wrapped__(*args, **kwargs)


class Decorator(Protocol):
    """What `task(...)` with options gives."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncTask[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(function: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncTask[P, R]: ...
@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(**options: Unpack[TaskOptions]) -> Decorator: ...
def task(function: Callable[..., Any] | None = None, /, **options: Unpack[TaskOptions]) -> Any:
    """Makes a function a task, which can be submitted as a job.

    Args:
        function: what a job calls. An `async def` runs on the event loop, any other on a thread.
        **options: `name` (default: module and qualified name, in a script `__main__.NAME`: give one to a
            task whose jobs are kept in a file), `priority` (`critical`, `high`, `normal`, `low`), `memory`
            (`"64MB"`, bytes), `cpu` (cores), `tokens` (`{"gpu": 1}`), `limits` (what each attempt may use
            that has a process of its own: `memory`, `cpu`, `cpu_action`, `cpu_time`, `files`,
            `connections`; default: what is reserved), `sandbox` (what such an attempt is kept to: `off`,
            `best_effort`, `required`, or `{"level": "required", "write": [...], "network": True}`; default:
            the engine's `default_sandbox`), `timeout` of one attempt, `retries` after the first attempt
            (default 0), `retry_delay` (1 s), `backoff` (`exponential`, `fixed`), `executor` (`async`,
            `thread`, `process`), `unique` (a key, a template over the arguments such as `"resize:{path}"`,
            or a function of them), `expires`, `delay`, `result_ttl` (1 h in memory, 7 days on disk).

    With `executor="process"` a job runs in a process of its own, one of a few that are kept warm: it can be
    killed, and crash, without harm to others. The process imports the function from its module, so it stands
    at the top of one that can be imported, not in `__main__`. Arguments and results are copies: pickled where
    the store is in memory, JSON where it is durable or `strict`. Objects, module globals and the environment
    are those of that process, and last from one of its jobs to the next; nothing that a job changes there is
    seen here. An `async def` runs on an event loop of that process.

    Raises:
        Invalid: for an unknown option or a value out of range; for an executor that can't run the function:
            `async` a plain one, `thread` an `async def`. Limits and a sandbox that its executor can't hold
            are refused when a call is submitted.
    """
    if function is None:

        def decorate(function: Callable[..., Any]) -> Task[..., Any]:
            return Task[..., Any](function, options)

        return decorate
    return Task[..., Any](function, options)


def _is_task(function: object) -> bool:
    return isinstance(function, _native.TaskBase)
