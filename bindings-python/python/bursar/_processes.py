"""The engine's side of `executor="process"`: what its processes are started with, and sent."""

from __future__ import annotations

import marshal
import os
import sys
from typing import TYPE_CHECKING, Any

from bursar import _defined
from bursar._errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# What it is to do first is in a file on descriptor 4, however long that is.
BOOT = (
    "import sys, marshal; sys.path[:] = [p for p in sys.path if p]; import socket; "
    "c = socket.socket(fileno=3); s = marshal.load(open(4, 'rb', closefd=False)); sys.path[:] = s['path']; "
    "from bursar._child.zygote import main; main(c, s)"
)


def template(modules: Iterable[str]) -> tuple[str, list[str], list[tuple[str, str]], bytes, bytes]:
    """Returns what a zygote is started with: program, arguments, environment, and what it is to do.

    The last one is that for one that imports none of the application's modules.
    """
    import subprocess  # noqa: PLC0415

    if not sys.executable:
        raise Invalid('executor="process" needs an interpreter to start, and sys.executable names none')
    flags: list[str] = getattr(subprocess, "_args_from_interpreter_flags", list)()
    wanted = {*modules, *(module for module in map(_module, _defined.known()) if module)}
    setup = {
        "path": [path for path in sys.path if isinstance(path, str)],  # pyright: ignore[reportUnnecessaryIsInstance]
        "argv": [str(arg) for arg in sys.argv],
        "modules": sorted(wanted),
    }
    return (
        sys.executable,
        # The last one says whether to import modules; all of them are where titles are written.
        [sys.executable, *flags, "-c", BOOT, "modules"],
        list(os.environ.items()),
        marshal.dumps(setup),
        marshal.dumps({**setup, "modules": []}),
    )


def _module(task: Any) -> str | None:
    return task._isolated  # noqa: SLF001


def pickle_call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> bytes:
    """Returns the arguments of a call as bytes.

    Raises:
        Invalid: naming the argument that can't be pickled.
    """
    import pickle  # noqa: PLC0415

    try:
        return pickle.dumps((args, kwargs or {}), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        named = {**dict(zip(_names(function, len(args)), args, strict=True)), **(kwargs or {})}
        for name, value in named.items():
            _check_pickles(f"the argument {name!r}", value)
        raise Invalid(f"the arguments can't be sent to another process: {error}") from error


def check_call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Checks that a call can be sent, and its function with it.

    Raises:
        Invalid: naming what can't be pickled.
    """
    pickle_call(function, args, kwargs)
    _check_pickles("the function", function)


def _check_pickles(what: str, value: Any) -> None:
    import pickle  # noqa: PLC0415

    try:
        pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    except Exception as why:
        raise Invalid(
            f"{what} can't be sent to another process: {why} "
            f"(it is {value!r:.120}; pass what can be pickled, such as a path or an id)"
        ) from why


def _names(function: Callable[..., Any], count: int) -> list[str]:
    import inspect  # noqa: PLC0415

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        parameters = ()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [parameter.name for parameter in parameters if parameter.kind in kinds][:count]
    return names + [f"[{index}]" for index in range(len(names), count)]
