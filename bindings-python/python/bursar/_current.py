"""The job that runs here."""

from __future__ import annotations

from contextvars import ContextVar

from bursar._errors import Conflict
from bursar._native import CurrentJob

__all__ = ["CurrentJob", "current_job", "get_current", "set_current"]

in_child = False
"""Whether this is a process that an engine has started to run jobs in."""

_current: ContextVar[CurrentJob] = ContextVar("bursar.current_job")

get_current = _current.get
set_current = _current.set


def current_job() -> CurrentJob:
    """Returns the job that this code runs in, also in the tasks and threads that it has started.

    Raises:
        Conflict: outside of a job.
    """
    job = _current.get(None)
    if job is None:
        raise Conflict("there is no current job: this code does not run inside one")
    return job
