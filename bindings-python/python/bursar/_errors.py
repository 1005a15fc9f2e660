"""What can go wrong: errors of the call, and outcomes of jobs."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import timedelta

    from bursar._info import JobInfo
    from bursar._native import Job


class Error(Exception):
    """A call that could not be carried out. Its subclasses tell what the caller can do."""


class Invalid(Error, ValueError):  # noqa: N818
    """The call itself is wrong: change it."""


class NotFound(Error, LookupError):  # noqa: N818
    """What the call names does not exist."""


class Conflict(Error):  # noqa: N818
    """The call does not fit the present state."""


class BudgetExceeded(Error, ValueError):  # noqa: N818
    """The call could never fit the budget of the engine."""


class Unavailable(Error):  # noqa: N818
    """The store can't be reached or refuses work for now: try again later."""


class Closed(Error, RuntimeError):  # noqa: N818
    """The engine is closed."""


class Internal(Error):  # noqa: N818
    """A fault of Bursar's own: please report it."""


BY_KIND: dict[str, type[Error]] = {
    kind.__name__: kind
    for kind in (Invalid, NotFound, Conflict, BudgetExceeded, Unavailable, Closed, Internal)
}


class JobFailed(Exception):  # noqa: N818 the outcome of a job, not an error of the call
    """A job did not complete. The original exception, where it is at hand, is the `__cause__`.

    Attributes:
        type: the type of what its code raised, such as `ValueError`.
        message: what that said.
        job: the handle of the job.
        exit_code: what its process ended with, where it ran in one of its own that returned a code.
        signal: the number of the signal that ended its process, where one did.
    """

    exit_code: int | None = None
    signal: int | None = None

    def __init__(self, type: str, message: str, job: Job[Any], written: str | None = None) -> None:
        super().__init__(_said(self.__class__, type, message))
        self.type = type
        self.message = message
        self.job = job
        self._written = written

    @property
    def traceback(self) -> str | None:
        """Where it came from, as text; None where nothing was raised."""
        return self._written if self._written is not None else self.job._traceback()  # noqa: SLF001

    @property
    def info(self) -> JobInfo:
        """A snapshot of the job."""
        return self.job.info()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles as text: the handle stays where its engine is."""
        return (_unpickled, (self.__class__, self.type, self.message, self.traceback))


class JobTimedOut(JobFailed):
    """The last attempt ran longer than its timeout."""


class JobCancelled(JobFailed):
    """The job was cancelled."""


class JobCrashed(JobFailed):
    """What ran the last attempt broke."""


class MemoryExceeded(JobFailed):
    """The last attempt used more memory than it had asked for."""


_BY_OUTCOME: dict[str, type[JobFailed]] = {
    "timed_out": JobTimedOut,
    "cancelled": JobCancelled,
    "released": JobCancelled,
    "crashed": JobCrashed,
    "lost": JobCrashed,
    "memory_exceeded": MemoryExceeded,
}


def failure(  # noqa: PLR0917 called by position from the native half
    outcome: str,
    type: str,
    message: str,
    written: str | None,
    cause: BaseException | None,
    job: Job[Any],
    exit: tuple[int | None, int | None],
) -> JobFailed:
    """Returns the exception of a job that ended with `outcome`."""
    failed = _BY_OUTCOME.get(outcome, JobFailed)(type, message, job, written)
    failed.exit_code, failed.signal = exit
    failed.__cause__ = cause
    return failed


def _said(kind: type[JobFailed], type: str, message: str) -> str:
    """Returns the text of a failure, with its type unless the class says the same."""
    return message if type in {"", kind.__name__} else f"{type}: {message}"


def _unpickled(kind: type[JobFailed], type: str, message: str, written: str | None) -> JobFailed:
    failed = kind.__new__(kind)
    Exception.__init__(failed, _said(kind, type, message))
    failed.__dict__.update(type=type, message=message, job=None, _written=written)
    return failed


def format_traceback(error: BaseException) -> str:
    """Returns the traceback of `error` as the interpreter would print it."""
    return "".join(traceback.format_exception(error))


class Retry(Exception):  # noqa: N818 raised by tasks to say what is to happen
    """Raised by a task: run this job again, after `delay` (default: the task's `retry_delay`).

    It spends no retry.
    """

    def __init__(self, reason: str = "", *, delay: float | str | timedelta | None = None) -> None:
        super().__init__(reason)
        self.delay = delay


class Fail(Exception):  # noqa: N818
    """Raised by a task: this job has failed, and no retry will help."""


class Cancel(Exception):  # noqa: N818
    """Raised by a task: end this job as cancelled. `raise_if_cancelled` raises it, too."""


# Where programs import them from: a traceback is no place for the name of a private module.
for _public in (*BY_KIND.values(), Error, JobFailed, *_BY_OUTCOME.values(), Retry, Fail, Cancel):
    _public.__module__ = "bursar"
