"""Background jobs inside your program, within a budget.

Decorate a function with `task`, open an `Engine`, and submit calls: they run when their priority comes
and the budget can carry them.
"""

from typing import TYPE_CHECKING

from bursar._command import CommandOutput
from bursar._current import CurrentJob, current_job
from bursar._engine import Engine, Page
from bursar._errors import (
    BudgetExceeded,
    Cancel,
    Closed,
    Conflict,
    Error,
    Fail,
    Internal,
    Invalid,
    JobCancelled,
    JobCrashed,
    JobFailed,
    JobTimedOut,
    MemoryExceeded,
    NotFound,
    Retry,
    Unavailable,
)
from bursar._executor import JobExecutor
from bursar._info import (
    AttemptInfo,
    Budget,
    Demand,
    Event,
    JobError,
    JobInfo,
    LimitNotice,
    Limits,
    LogLine,
    Progress,
    Reason,
    Sandbox,
    SandboxParts,
    Share,
    Spilled,
    Stats,
    Why,
)
from bursar._native import Job
from bursar._task import Task, task

if TYPE_CHECKING:
    __version__: str

__all__ = [
    "AttemptInfo",
    "Budget",
    "BudgetExceeded",
    "Cancel",
    "Closed",
    "CommandOutput",
    "Conflict",
    "CurrentJob",
    "Demand",
    "Engine",
    "Error",
    "Event",
    "Fail",
    "Internal",
    "Invalid",
    "Job",
    "JobCancelled",
    "JobCrashed",
    "JobError",
    "JobExecutor",
    "JobFailed",
    "JobInfo",
    "JobTimedOut",
    "LimitNotice",
    "Limits",
    "LogLine",
    "MemoryExceeded",
    "NotFound",
    "Page",
    "Progress",
    "Reason",
    "Retry",
    "Sandbox",
    "SandboxParts",
    "Share",
    "Spilled",
    "Stats",
    "Task",
    "Unavailable",
    "Why",
    "current_job",
    "task",
]


def __getattr__(name: str) -> str:
    """Looks the version up when it is asked for: that takes as long as importing all the rest."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        found = version("bursar")
    except PackageNotFoundError:  # run from a source tree that was never installed
        found = "0"
    globals()[name] = found
    return found
