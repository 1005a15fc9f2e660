"""What engines tell about jobs: the same fields in every language."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def time(micros: int) -> datetime:
    """Returns the time `micros` microseconds after the epoch."""
    return _EPOCH + timedelta(microseconds=micros)


@dataclass(frozen=True)
class Demand:
    """What a job needs while it runs."""

    memory: int
    """Bytes."""
    cpu: float
    """Cores."""
    tokens: Mapping[str, int]


@dataclass(frozen=True)
class Limits:
    """What an attempt may use, where it runs in processes of its own. `None` is no limit."""

    memory: int | None
    """Bytes."""
    cpu: float | None
    """Cores."""
    cpu_action: str
    """What happens above `cpu`: `warn`, `throttle` or `stop`."""
    cpu_time: float | None
    """Seconds."""
    files: int | None
    connections: int | None


@dataclass(frozen=True)
class Sandbox:
    """What an attempt is kept to, where it runs in processes of its own."""

    level: str
    """`off`, `best_effort` or `required`."""
    write: tuple[str, ...]
    """What it may write to, besides the folder of its command and a temporary one of its own."""
    network: bool


@dataclass(frozen=True)
class SandboxParts:
    """What of a sandbox an attempt had."""

    no_new_privs: bool
    """No rights of a superuser, and no program that gives any."""
    landlock: int | None
    """The version of Landlock that kept it to its files; none: it could write wherever its user may."""
    seccomp: bool
    """None of the system calls that no job needs, and no sockets."""


@dataclass(frozen=True)
class LimitNotice:
    """An attempt nears a limit, or is above it."""

    resource: str
    """`memory`, `cpu`, `cpu_time`, `files` or `connections`."""
    used: int
    """Bytes, thousandths of a core, microseconds, or how many."""
    limit: int
    """What it may use, in the same unit."""
    kind: str
    """`near`: it has reached 90 %; `over`: it is above it and goes on; `slowed`: and is slowed down."""


@dataclass(frozen=True)
class Progress:
    """How far a job says it has come."""

    percent: float
    """From 0 to 100."""
    message: str | None = None


@dataclass(frozen=True)
class JobError:
    """What went wrong in an attempt."""

    type: str
    """The type of the exception, such as `ValueError`."""
    message: str
    traceback: str | None = field(default=None, repr=False)
    exit_code: int | None = None
    """What its process ended with, where it ran in one of its own that returned a code."""
    signal: int | None = None
    """The number of the signal that ended its process, where one did."""


@dataclass(frozen=True)
class LogLine:
    """One line that a job logged."""

    at: datetime
    attempt: int
    level: str
    message: str


@dataclass(frozen=True)
class AttemptInfo:
    """One execution of a job."""

    number: int
    """From 1."""
    worker: str
    started: datetime
    finished: datetime | None
    outcome: str | None
    """`completed`, `failed`, `timed_out`, `crashed`, `memory_exceeded`, `lost`, `cancelled`, `released`
    or `snoozed`."""
    error: JobError | None
    peak_memory: int | None
    """Bytes, where the attempt was isolated; of a warm process, by how much it grew."""
    cpu_time: float | None
    """Seconds, where the attempt was isolated."""
    isolation: str | None
    """How its limits were enforced, once it has ended: `cgroup`, `rlimit` or `sampling`."""
    sandbox: SandboxParts | None
    """What of its sandbox it had, once it has ended, where it was to have one."""


@dataclass(frozen=True)
class Spilled:
    """A result over 10 MB: it is in a file, and read by `job.result()` or `job.open_result()`."""

    size: int
    """Bytes of JSON text."""
    sha256: str
    """Their checksum, as 64 hexadecimal digits."""
    preview: str = field(repr=False)
    """How the text begins: its first 1,024 bytes."""


@dataclass(frozen=True)
class JobInfo:
    """One snapshot of a job."""

    id: str
    task: str
    state: str
    priority: str
    demand: Demand
    limits: Limits
    sandbox: Sandbox | None
    """What it is to be kept to; none where neither its submit nor its task said."""
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    attempt: int
    """The number of the newest attempt; 0 before the first."""
    retries: int
    """How many attempts may follow a failed one."""
    created: datetime
    scheduled: datetime | None
    """When it may run, for a delayed or retrying job."""
    started: datetime | None
    finished: datetime | None
    progress: Progress | None
    result: Any
    """What it returned; a `Spilled` where that is over 10 MB of JSON."""
    error: JobError | None
    outcome: str | None
    worker: str | None
    waiting_on: tuple[str, ...]
    unique: str | None
    daemon: bool
    retry_of: str | None
    """The dead letter that this job is a retry of."""
    attempts: tuple[AttemptInfo, ...]


@dataclass(frozen=True)
class Reason:
    """One thing that a job waits for."""

    kind: str
    """`running`, `ended`, `time`, `paused`, `not_here`, `budget` or `behind`."""
    message: str
    until: datetime | None = None
    """Its time, for `time`."""
    dimension: str | None = None
    """For `budget`: `memory`, `cpu`, `token NAME`, `concurrency of EXECUTOR`; the next four go with it."""
    needs: int | None = None
    free: int | None = None
    total: int | None = None
    held_by: Sequence[str] = ()
    """The ids of jobs that hold it; at most eight."""
    jobs: int | None = None
    """How many jobs are before it, for `behind`."""
    escrow: bool = False
    """Whether what is free is held for the first of them."""


@dataclass(frozen=True)
class Why:
    """Why a job isn't running. As text: the reasons in words."""

    state: str
    message: str
    reasons: tuple[Reason, ...]

    def __str__(self) -> str:
        """Says it in words."""
        return self.message


@dataclass(frozen=True)
class Event:
    """Something that happened to a job: one of `state`, `progress`, `log`, `limit` and `missed` is set."""

    at: datetime
    job: str
    task: str
    state: str | None = None
    """The state that it is in now."""
    progress: Progress | None = None
    log: LogLine | None = None
    limit: LimitNotice | None = None
    missed: int | None = None
    """How many events a listener that was too slow has missed."""


@dataclass(frozen=True)
class Share:
    """One part of a budget: bytes of memory, cores, or tokens."""

    total: float
    reserved: float
    used: float
    """What is really used, where that is measured; what is reserved elsewhere."""


@dataclass(frozen=True)
class Budget:
    """What an engine shares out."""

    memory: Share
    """Bytes."""
    cpu: Share
    """Cores."""
    tokens: Mapping[str, Share]
    concurrency: Mapping[str, Share]
    """Attempts at once, by executor."""


@dataclass(frozen=True)
class Stats:
    """An engine at one moment."""

    jobs: Mapping[str, int]
    """How many jobs are in each state."""
    budget: Budget
    paused: str | None
    """Why nothing is started for now, if so."""


def job_info(**fields: Any) -> JobInfo:
    """Makes a snapshot of its raw fields."""
    fields["demand"] = Demand(**fields["demand"])
    fields["limits"] = Limits(**fields["limits"])
    fields["sandbox"] = Sandbox(**fields["sandbox"]) if fields["sandbox"] else None
    fields["kwargs"] = fields["kwargs"] or {}
    fields["error"] = _error(fields["error"])
    fields["waiting_on"] = tuple(fields["waiting_on"])
    fields["attempts"] = tuple(_attempt(attempt) for attempt in fields["attempts"])
    return JobInfo(**fields)


def _attempt(fields: dict[str, Any]) -> AttemptInfo:
    fields["error"] = _error(fields["error"])
    fields["sandbox"] = SandboxParts(**fields["sandbox"]) if fields["sandbox"] else None
    return AttemptInfo(**fields)


def _error(fields: dict[str, Any] | None) -> JobError | None:
    return JobError(**fields) if fields else None


def why(state: str, message: str, reasons: list[dict[str, Any]]) -> Why:
    """Makes the reasons of their raw fields."""
    return Why(state, message, tuple(Reason(**fields) for fields in reasons))


def event(**fields: Any) -> Event:
    """Makes an event of its raw fields."""
    if limit := fields.get("limit"):
        fields["limit"] = LimitNotice(**limit)
    return Event(**fields)


def progress(percent: float, message: str | None) -> Progress:
    """Makes a progress."""
    return Progress(percent, message)


def log_line(at: datetime, attempt: int, level: str, message: str) -> LogLine:
    """Makes a log line."""
    return LogLine(at, attempt, level, message)


def stats(
    jobs: dict[str, int],
    budget: dict[str, Any],
    tokens: dict[str, Any],
    concurrency: dict[str, Any],
    paused: str | None,
) -> Stats:
    """Makes the numbers of an engine of their raw fields."""
    memory = Share(*(int(amount) for amount in budget["memory"]))
    shares = Budget(memory, Share(*budget["cpu"]), _shares(tokens), _shares(concurrency))
    return Stats(jobs, shares, paused)


def _shares(raw: dict[str, Any]) -> dict[str, Share]:
    amounts = cast("dict[str, tuple[float, float, float]]", raw)
    return {name: Share(*(int(amount) for amount in each)) for name, each in amounts.items()}
