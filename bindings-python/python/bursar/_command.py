"""Programs as jobs: what one is given, and what it gives."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from bursar._errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Argv: TypeAlias = "Sequence[str | os.PathLike[str]]"
"""A program, as a path or as a name that is looked up in `PATH`, and its arguments."""


@dataclass(frozen=True)
class CommandOutput:
    """What a program gave that ended well."""

    code: int
    """0: any other is a failure of the job."""
    stdout: str
    """What it wrote to its standard output; bytes that are no text in UTF-8 stand there as U+FFFD."""
    stderr: str
    """What it wrote to its standard error."""
    cut: list[str]
    """Those of `stdout` and `stderr` that are over 10 MB: here stands their first 1 KiB, and
    `job.open_output` reads all of them."""


class Program(NamedTuple):
    """A program as the engine is told of it."""

    argv: list[str]
    cwd: str | None
    env: dict[str, str | None] | None
    stdin: str | bytes | None


def program(
    argv: Argv,
    cwd: str | os.PathLike[str] | None,
    env: Mapping[str, str | None] | None,
    stdin: str | bytes | None,
) -> Program:
    """Returns what the engine is told.

    Raises:
        Invalid: naming what is not of the type that it must be.
    """
    if isinstance(argv, (str, bytes)):
        raise Invalid(
            f"the command {argv!r:.120} is one text: give a list, such as ['ls', '-l']; no shell splits it"
        )
    arguments = [_text(f"argument {index} of the command", each) for index, each in enumerate(argv)]
    variables = (
        None if env is None else {_text("a name in env", name): _value(name, env[name]) for name in env}
    )
    if stdin is not None and not isinstance(stdin, (str, bytes)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise Invalid(f"stdin is text or bytes, not {stdin!r:.120}")
    return Program(arguments, None if cwd is None else _text("cwd", cwd), variables, stdin)


def _value(name: str, value: str | None) -> str | None:
    return None if value is None else _text(f"the environment variable {name}", value)


def _text(what: str, value: str | os.PathLike[str]) -> str:
    text = _plain(value)
    if not isinstance(text, str):
        raise Invalid(f"{what} is {value!r:.120}: it must be text or a path")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Invalid(f"{what} is {value!r:.120}, which can't be written as UTF-8") from None
    return text


def _plain(value: str | os.PathLike[str]) -> object:
    try:
        return os.fspath(value)
    except TypeError:
        return value


def command(call: dict[str, Any]) -> CommandOutput:
    """Stands for the task that runs programs: its types are what results are read by."""
    raise TypeError(f"{call!r:.120} is run by the engine: call engine.command")
