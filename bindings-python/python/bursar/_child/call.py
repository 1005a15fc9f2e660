"""Calls the function of a job in a child."""

from __future__ import annotations

import sys
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, NamedTuple

from bursar import _defined
from bursar._child import frames
from bursar._current import set_current
from bursar._errors import Cancel, Fail, NotFound, Retry, format_traceback
from bursar._functions import is_async

if TYPE_CHECKING:
    from collections.abc import Callable

    from bursar._child.frames import Start
    from bursar._child.job import ChildJob
    from bursar._codec import Codec

LARGEST = 256 << 20
"""The largest result, in bytes; the engine takes no more."""


class Function:
    """A function of the application's that jobs are calls of."""

    def __init__(self, callable: Callable[..., Any]) -> None:
        self.callable = callable
        self.is_async = is_async(callable)
        self._codec: Codec | None = None

    @property
    def codec(self) -> Codec:
        """What turns its arguments and results into JSON and back."""
        if self._codec is None:
            from bursar._codec import Codec  # noqa: PLC0415 only where JSON is asked for

            self._codec = Codec(self.callable)
        return self._codec


class Ended(NamedTuple):
    """What came of a call: how it ended, how that is encoded, and the parts of it."""

    outcome: int
    content: int
    parts: tuple[bytes, ...]


OUT_OF_MEMORY = Ended(
    frames.RAISED,
    frames.NOTHING,
    tuple(map(frames.text, ("MemoryError", "there is no memory for its arguments, or for its result", ""))),
)
"""That of a job whose arguments or result have no room here."""

_functions: dict[tuple[str, str], Function] = {}


def find(task: str, address: str) -> Function:
    """Returns the function of a task, from the module that declares it.

    Raises:
        NotFound: where the module has none.
    """
    found = _functions.get((task, address))
    if found is None:
        found = _functions[task, address] = Function(_look_up(task, address))
    return found


def _look_up(task: str, address: str) -> Callable[..., Any]:
    name, _, path = address.partition(":")
    if name not in sys.modules:
        from importlib import import_module  # noqa: PLC0415

        import_module(name)
    declared = _defined.find(task)
    if declared is not None:
        return declared.__wrapped__
    found: Any = sys.modules[name]
    for part in path.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise NotFound(
            f"the module {name!r} declares no task {task!r} when it is imported in a process of its own: "
            "declare it at the top of the module, where no condition keeps it from being declared"
        )
    return found


def run(job: ChildJob, start: Start, drive: Callable[[ChildJob, Any], Any]) -> Ended:
    """Runs a job. `drive` runs a coroutine."""
    try:
        function = find(start.task, start.address)
        args, kwargs = _arguments(function, start)
    except BaseException as error:  # noqa: BLE001 whatever the application's modules raise
        return _gave_up(error, start)
    try:
        context = copy_context()
        context.run(set_current, job)  # type: ignore[arg-type]
        value = context.run(function.callable, *args, **kwargs)
        if function.is_async:
            value = context.run(drive, job, value)
    except BaseException as error:  # noqa: BLE001 a job must not end its process
        return _raised(error, start)
    if value is None:
        return Ended(frames.RETURNED, frames.NOTHING, ())
    try:
        return _returned(function, start, value)
    except BaseException as error:  # noqa: BLE001 whatever the value's own code raises
        return _gave_up(error, start)


def _arguments(function: Function, start: Start) -> tuple[Any, Any]:
    if start.content == frames.PICKLE:
        import pickle  # noqa: PLC0415

        return pickle.loads(start.args)  # noqa: S301 the engine's own process wrote it
    if start.content == frames.NOTHING:
        return (), {}
    return function.codec.decode_call(bytes(start.args))


def _returned(function: Function, start: Start, value: Any) -> Ended:
    if start.encoded:
        content, data = frames.JSON, function.codec.encode_result(value)
    else:
        content, data = frames.PICKLE, _pickled(value)
    if len(data) > LARGEST:
        raise ValueError(
            f"the result has {len(data)} bytes: a process can send at most {LARGEST}; "
            "write it to a file and return its path"
        )
    return Ended(frames.RETURNED, content, (data,))


def _pickled(value: Any) -> bytes:
    import pickle  # noqa: PLC0415

    try:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        raise
    except Exception as error:
        raise TypeError(
            f"the result can't be sent to the engine's process: {type(value).__qualname__} "
            f"can't be pickled ({error})"
        ) from error


def _gave_up(error: BaseException, start: Start) -> Ended:
    # The engine knows by it that a job has used more than it may.
    return failed(frames.RAISED if isinstance(error, MemoryError) else frames.GAVE_UP, error, start)


def _raised(error: BaseException, start: Start) -> Ended:
    if isinstance(error, Retry):
        ended = failed(frames.RETRY, error, start)
        return ended._replace(parts=(frames.delay(error.delay), *ended.parts))
    if isinstance(error, Fail):
        return failed(frames.GAVE_UP, error, start)
    if isinstance(error, Cancel) or _is_cancelled(error):
        return Ended(frames.CANCELLED, frames.NOTHING, (frames.text(_said(error)),))
    return failed(frames.RAISED, error, start)


def _is_cancelled(error: BaseException) -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)


def failed(outcome: int, error: BaseException, start: Start) -> Ended:
    """Returns what an exception says, and the exception itself where that can be sent."""
    error.__traceback__ = _inner(error)
    texts = [type(error).__qualname__, _said(error), _shown(error)]
    parts = [frames.text(text[: 1 << 20]) for text in texts]
    live = None if start.encoded else _sent(error)
    if live is None:
        return Ended(outcome, frames.NOTHING, tuple(parts))
    return Ended(outcome, frames.PICKLE, (*parts, live))


def _sent(error: BaseException) -> bytes | None:
    """Returns the exception as the engine's process can read it; None where it couldn't."""
    import pickle  # noqa: PLC0415

    try:
        data = pickle.dumps(error, pickle.HIGHEST_PROTOCOL)
        pickle.loads(data)  # noqa: S301 some can be written and not read
    except BaseException:  # noqa: BLE001 whatever its own code raises
        return None
    return data if len(data) < 1 << 20 else None


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:  # noqa: BLE001
        return "an exception that can't be shown"


def _shown(error: BaseException) -> str:
    try:
        return format_traceback(error)
    except BaseException:  # noqa: BLE001
        return ""


def _inner(error: BaseException) -> Any:
    """Returns the part of the traceback that is the application's."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_HERE):
        trace = trace.tb_next
    return trace


_HERE = __file__.rpartition("call.py")[0]
