# ruff: noqa: PYI021 editors show these docstrings
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterable, Iterator
from datetime import datetime, timedelta
from io import BufferedReader
from os import PathLike
from types import TracebackType
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar, final, overload

from typing_extensions import Self

from bursar._command import CommandOutput, Program
from bursar._info import Event, JobInfo, LogLine, Progress, Stats, Why
from bursar._loops import Loops
from bursar._options import Duration, SubmitOptions
from bursar._task import Task

_R_co = TypeVar("_R_co", covariant=True)
_T = TypeVar("_T")
_P = ParamSpec("_P")

def forked() -> None: ...
def begin_end() -> None: ...
def be_a_root() -> None: ...

@final
class Mirror:
    def __new__(cls) -> Mirror: ...
    def left(self, reaped: int) -> bytes: ...

def show_title(text: bytes) -> None: ...
def attend_engines() -> list[tuple[Callable[[Any], object], Any]]: ...

@final
class Job(Awaitable[_R_co], Generic[_R_co]):
    """A submitted call of a task. `await job` gives what it returned, as `result()` does."""

    @property
    def id(self) -> str:
        """The id: a UUIDv7 as text, sortable by the time of submission."""
    @property
    def state(self) -> str:
        """Its state now: `queued`, `running`, `completed` and so on."""
    @property
    def progress(self) -> Progress | None:
        """How far it says it has come."""
    @property
    def deduplicated(self) -> bool:
        """Whether the submit found this earlier, unfinished job with the same unique key."""
    def info(self) -> JobInfo:
        """Returns a snapshot of everything that is known of it."""
    def result(self, timeout: Duration | None = None) -> _R_co:
        """Waits for its end and returns what it returned. A `timeout` of 0 doesn't wait.

        Raises:
            Invalid: for a `timeout` that is no duration, or less than 0; so for every wait.
            JobFailed: or a subclass, where it did not complete.
            TimeoutError: where `timeout` is over before; the job goes on.
            Conflict: inside a job, where waiting would never end.
            NotFound: where it is over 10 MB and its file is gone; Unavailable where that is damaged.
        """
    def open_result(self, timeout: Duration | None = None) -> BufferedReader:
        """Waits for its end and opens what it returned as a binary file of JSON text, read a piece at a time.

        It needs no more memory however large the result is: `with job.open_result() as file: ...`. What is
        over 10 MB is in a file that is there as long as the job; its checksum is looked at with the
        last byte. Reading blocks: not for code that runs on an event loop.

        Raises:
            JobFailed: or a subclass, where it did not complete.
            TimeoutError: where `timeout` is over before; the job goes on.
            NotFound: where the file is gone. Reading raises Unavailable where it is damaged.
        """
    def open_output(self, name: str) -> BufferedReader:
        """Opens what its command has written as `stdout` or `stderr` as a binary file.

        It is read a piece at a time and needs no more memory however much that is. Of several attempts, it is
        that of the newest one which wrote something.

        Raises:
            NotFound: where the job is no command or has not ended, for another name, or where the file is
                gone. Reading raises Unavailable where it is damaged.
        """
    def wait(self, timeout: Duration | None = None) -> bool:
        """Waits for its end; False where `timeout` is over before."""
    def done(self) -> bool:
        """Tells whether it has ended."""
    def exception(self, timeout: Duration | None = None) -> BaseException | None:
        """Waits for its end and returns the exception that `result` would raise, or None."""
    def cancel(self, reason: str = "") -> bool:
        """Cancels it: at once where it waits, by asking where it runs. False if it had ended."""
    def kill(self, reason: str = "") -> bool:
        """Cancels it, and ends its process at once, without `grace`, where it has one here.

        False if it had ended. What runs on a thread or a loop is asked, as `cancel` asks it.
        """
    def pause(self) -> bool:
        """Freezes it, where it runs here in a process of its own; False where it was paused already.

        It keeps what it reserved, and the time until `resume` doesn't count to its timeout.

        Raises:
            Conflict: where it doesn't run in this process's engine.
            Invalid: where it runs on a thread or a loop.
        """
    def resume(self) -> bool:
        """Lets it go on; False where it wasn't paused.

        Raises:
            Conflict: where it doesn't run in this process's engine.
        """
    def retry(self) -> Job[_R_co]:
        """Submits this dead letter again, as a new job linked to this one."""
    def delete(self) -> None:
        """Deletes it; it must have ended."""
    def logs(self) -> list[LogLine]:
        """Returns the lines that it logged, oldest first; the newest 1,000 are kept."""
    def why(self) -> Why:
        """Tells why it isn't running, in words and as data."""
    def events(self) -> Events:
        """Listens to what happens to it from now on, until it ends."""
    def add_done_callback(self, function: Callable[[Job[Any]], object], /) -> None:
        """Calls `function(job)` once it has ended, on some thread; at once if it has."""
    def __await__(self) -> Generator[Any, Any, _R_co]: ...
    def _traceback(self) -> str | None: ...
    def _pause(self) -> Pause | None: ...

@final
class Events(Iterator[Event], AsyncIterator[Event]):
    """What happens from now on: `for event in events`, or `async for event in events`."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Event: ...
    def __aiter__(self) -> Self: ...
    async def __anext__(self) -> Event: ...
    def _poll(self, call: Callable[[Any], object]) -> list[Event]: ...

@final
class CurrentJob:
    """The running job, as its own code sees it."""

    @property
    def id(self) -> str:
        """The id of the job: the idempotency key to pass on."""
    @property
    def attempt(self) -> int:
        """The number of the attempt, from 1."""
    @property
    def task(self) -> str:
        """The name of the task."""
    @property
    def memory(self) -> int:
        """The bytes of memory that are reserved for it."""
    @property
    def deadline(self) -> datetime | None:
        """When its timeout is over; None where it has none."""
    @property
    def cancelled(self) -> bool:
        """Whether it is asked to stop."""
    @property
    def daemon(self) -> bool:
        """Whether it is a daemon."""
    def progress(self, percent: float, message: str | None = None) -> None:
        """Says how far it has come, from 0 to 100."""
    def log(self, message: str, level: str = "info") -> None:
        """Logs a line."""
    def checkpoint(self, *state: Any) -> Any:
        """Without an argument returns the last checkpoint of the job (None: none); with one saves it.

        A checkpoint is what JSON can carry, at most 1 MiB.
        """
    def raise_if_cancelled(self) -> None:
        """Raises `bursar.Cancel` if the job is asked to stop."""

@final
class ResultReader:
    def read(self, size: int) -> bytes: ...
    def close(self) -> None: ...

@final
class Pause:
    def __enter__(self) -> None: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

_Step: TypeAlias = tuple[
    Callable[..., Any] | None, Callable[..., Any], tuple[Any, ...], dict[str, Any] | None
]

@final
class Seat:
    def step(self, value: object) -> _Step | None: ...
    def failed(self, error: BaseException) -> _Step | None: ...
    def end(self, value: object) -> None: ...
    def end_failed(self, error: BaseException) -> None: ...
    def wait(self) -> bool: ...
    def leave(self) -> None: ...
    @property
    def key(self) -> int | None: ...

@final
class Seats:
    def take(self) -> Seat: ...

@final
class ManualClock:
    """A clock that stands still until it is moved.

    Args:
        start: what it shows at first (default: 2026-01-01T00:00:00Z).
    """

    def __new__(cls, start: datetime | None = None) -> Self: ...
    def advance(self, by: float | str | timedelta) -> None:
        """Moves it forward by a duration; whoever waits for a time that has come is woken."""
    def now(self) -> datetime:
        """Returns the time that it shows."""

class TaskBase:
    def __new__(
        cls,
        function: Callable[..., Any],
        name: str | None,
        options: dict[str, Any],
        unique: Callable[..., Any] | None = None,
    ) -> Self: ...
    @property
    def name(self) -> str:
        """The name that its jobs are stored under."""
    @property
    def is_async(self) -> bool:
        """Whether it is an `async def`."""
    @property
    def _isolated(self) -> str | None: ...
    def submit(self, *args: Any, **kwargs: Any) -> Job[Any]: ...
    def submit_many(self, calls: Iterable[tuple[Any, ...]]) -> list[Job[Any]]: ...

class EngineBase:
    def __new__(
        cls,
        url: str | None = None,
        *,
        clock: ManualClock | None = None,
        in_caller: bool = False,
        **options: Any,
    ) -> Self: ...
    @overload
    def submit(self, function: Task[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Job[_T]: ...
    @overload
    def submit(
        self, function: Callable[_P, Coroutine[Any, Any, _T]], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Job[_T]: ...
    @overload
    def submit(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Job[_T]: ...
    @overload
    def submit(self, function: str, /, *args: Any, **kwargs: Any) -> Job[Any]:
        """Submits a call of a task, of any function, or of the task with this name.

        By its name a task can be submitted that only other processes know, in whatever language, where
        the store is one that they share, such as `sqlite:jobs.db`. The job has the default options, its
        arguments are what JSON has, and it waits for a worker that knows the task: `job.why()` says so.
        Declare a task with that name, and the job has the options and the types of that.

        Raises:
            Invalid: for an argument that can't be carried.
            NotFound: in memory, for a name that no task of this process has: no other one can run it.
            BudgetExceeded: where the job could never run.
            Closed: once the engine is closed.
        """
    @overload
    def submit_many(self, function: Task[_P, _T], calls: Iterable[tuple[Any, ...]]) -> list[Job[_T]]: ...
    @overload
    def submit_many(
        self, function: Callable[..., Coroutine[Any, Any, _T]], calls: Iterable[tuple[Any, ...]]
    ) -> list[Job[_T]]: ...
    @overload
    def submit_many(self, function: Callable[..., _T], calls: Iterable[tuple[Any, ...]]) -> list[Job[_T]]: ...
    @overload
    def submit_many(self, function: str, calls: Iterable[tuple[Any, ...]]) -> list[Job[Any]]:
        """Submits one call for each tuple of arguments, all of them or none, in one round trip."""
    def job(self, id: str) -> Job[Any]:
        """Returns the handle on the job with this id."""
    def stats(self) -> Stats:
        """Returns job counts by state, and what of the budget is used."""
    def events(self) -> Events:
        """Listens to what happens to all jobs from now on, until the engine is closed."""
    def backup(self, path: str | PathLike[str]) -> None:
        """Writes a copy of the store to a new file, in one piece, while everything goes on.

        Raises:
            Invalid: where the store ends with the process.
            Conflict: where there is a file already, or a folder of its large results.
            Unavailable: where it can't be written.
        """
    def _command(self, program: Program, options: SubmitOptions) -> Job[CommandOutput]: ...
    def _learn(self, task: Task[..., Any]) -> None: ...
    def drain(self, timeout: Duration | None = None) -> bool:
        """Waits until every job that it accepted has ended; False where `timeout` is over before."""
    @property
    def closed(self) -> bool:
        """Whether it has begun to shut down."""
    @property
    def durable(self) -> bool:
        """Whether its store outlives the process."""
    @property
    def _live(self) -> bool: ...
    @property
    def _loops(self) -> Loops: ...
    def _list(
        self, filter: dict[str, Any], order: str, limit: int, offset: int, cursor: str | None
    ) -> tuple[list[JobInfo], str | None]: ...
    def _count(self, filter: dict[str, Any]) -> int: ...
    def _shutdown(self, grace: Duration | None, wait: bool) -> None: ...
    def _when_drained(self, function: Callable[[Any], object]) -> None: ...
    def _when_closed(self, function: Callable[[Any], object], grace: Duration | None) -> None: ...
    def _be_eager(self, run: Callable[[str, bool], None]) -> None: ...
    def _seat(self) -> Seat: ...
    def _enter(self) -> None: ...
    def _leave(self) -> None: ...
