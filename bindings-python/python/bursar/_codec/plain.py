"""Values that JSON carries as they are."""

from __future__ import annotations

import math
from typing import Any

from bursar._codec.refusal import refuse
from bursar._codec.scalars import scalar
from bursar._codec.shapes import SEQUENCES, fields, is_model

DEEPEST = 200
"""How deep values may be nested."""


def check_depth(path: str, value: object, around: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the values that `value` lies in, itself included.

    Raises:
        Invalid: where it lies in itself, or too deep.
    """
    if id(value) in around:
        raise refuse(path, value, "it contains itself")
    if len(around) >= DEEPEST:
        raise refuse(path, value, f"it is nested deeper than {DEEPEST}")
    return (*around, id(value))


def encode(value: Any, path: str, around: tuple[int, ...]) -> Any:
    """Returns `value` as what JSON has: the same, but for tuples.

    Raises:
        Invalid: for anything else, naming the path to it.
    """
    if value is None or isinstance(value, bool):
        return value
    kind: object = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind is str:
        return text(value, path)
    if kind is int:
        return value
    if kind is float:
        return number(value, path)
    if kind is list or kind is tuple:
        around = check_depth(path, value, around)
        return [encode(item, f"{path}[{index}]", around) for index, item in enumerate(value)]
    if kind is dict:
        around = check_depth(path, value, around)
        return {name(key, path): encode(item, f"{path}.{key}", around) for key, item in value.items()}
    raise refuse(path, value, _advice(kind))


def _advice(kind: Any) -> str:
    if scalar(kind) or kind in SEQUENCES or fields(kind) is not None or is_model(kind):
        return f"give it a type hint that says {kind.__name__}, or pass something simpler"
    return f"no type hint makes it JSON: pass the parts of this {kind.__name__}, or make it a dataclass"


def text(value: str, path: str) -> str:
    """Returns `value` if it is proper text."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise refuse(path, value, "it has a lone surrogate") from None
    return value


def number(value: float, path: str) -> float:
    """Returns `value` if it is a number."""
    if not math.isfinite(value):
        raise refuse(path, value, "it is not a finite number; use None or text")
    return value


def name(key: Any, path: str) -> str:
    """Returns `key` if it can be the name of a member."""
    if type(key) is not str:
        raise refuse(path, key, "the keys of a dict must be text; give it a type hint such as dict[int, str]")
    return text(key, path)
