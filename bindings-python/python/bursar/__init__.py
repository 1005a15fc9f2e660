"""Background jobs inside your program, within a budget.

Decorate a function with `task`, open an `Engine`, and submit calls: they run when their priority comes
and the budget can carry them.
"""

from importlib.metadata import PackageNotFoundError, version

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
    LogLine,
    Progress,
    Reason,
    Share,
    Stats,
    Why,
)
from bursar._native import Job
from bursar._task import Task, task

try:
    __version__ = version("bursar")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0"

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
    "LogLine",
    "MemoryExceeded",
    "NotFound",
    "Page",
    "Progress",
    "Reason",
    "Retry",
    "Share",
    "Stats",
    "Task",
    "Unavailable",
    "Why",
    "current_job",
    "task",
]
