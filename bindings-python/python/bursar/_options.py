"""The options of tasks and engines, for type checkers. What they mean is the engine's to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

Size: TypeAlias = "int | str"
"""Bytes, or text such as `"64MB"` or `"64MiB"`."""
Duration: TypeAlias = "float | str | timedelta"
"""Seconds, or text such as `"500ms"`, `"10s"`, `"5m"`, `"2h"`."""
PriorityName = Literal["critical", "high", "normal", "low"]
StateName = Literal[
    "scheduled", "blocked", "queued", "running", "retrying", "completed", "failed", "cancelled"
]
ExecutorName = Literal["async", "thread", "process", "command"]
UniqueKey: TypeAlias = "str | Callable[..., str]"
"""A key, a template over the arguments such as `"resize:{path}"`, or a function of the arguments."""


class LimitOptions(TypedDict, total=False):
    """What the attempts of a job may use, with everything that they start. `None` is no limit; 0 is 0."""

    memory: Size | None
    cpu: float | str | None
    cpu_action: Literal["warn", "throttle", "stop"]
    cpu_time: Duration | None
    files: int | None
    connections: int | None


SandboxLevel = Literal["off", "best_effort", "required"]


class _SandboxMore(TypedDict, total=False):
    write: Sequence[str | os.PathLike[str]]
    """Files and folders that it may write to: whole paths."""
    network: bool
    """Whether it may make sockets; default no."""


class SandboxOptions(_SandboxMore):
    """What the attempts of a job are kept to, with everything that they start."""

    level: SandboxLevel


class SubmitOptions(TypedDict, total=False):
    """What one submit may change."""

    priority: PriorityName
    memory: Size
    cpu: float | str
    tokens: Mapping[str, int]
    limits: LimitOptions
    sandbox: SandboxLevel | SandboxOptions
    timeout: Duration
    retries: int
    retry_delay: Duration
    backoff: Literal["exponential", "fixed"]
    executor: ExecutorName
    unique: UniqueKey
    expires: Duration
    result_ttl: Duration
    delay: Duration


class TaskOptions(SubmitOptions, total=False):
    """What a task may declare."""

    name: str


class EngineOptions(TypedDict, total=False):
    """What an engine may be opened with."""

    memory: Size
    cpu: float | str
    tokens: Mapping[str, int]
    concurrency: int | Mapping[ExecutorName, int]
    default_memory: Size
    default_timeout: Duration
    default_sandbox: SandboxLevel | SandboxOptions
    grace: Duration
    shutdown_grace: Duration
    strict: bool
    run: bool
    name: str
    max_results: int
    durability: Literal["full", "process"]
    max_jobs_per_child: int
    max_memory_per_child: Size
    seed: int
    clock: Any
