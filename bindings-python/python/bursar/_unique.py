"""Unique keys that depend on the arguments of a call."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from bursar._errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    Key = Callable[[tuple[Any, ...], "dict[str, Any] | None"], Any]


def key_of(function: Callable[..., Any], unique: object) -> Key | None:
    """Returns what makes the key of a call; None where the key is the same for all, or there is none."""
    if callable(unique):
        key = unique
        return lambda args, kwargs: key(*args, **(kwargs or {}))
    if isinstance(unique, str) and "{" in unique:
        return _template(function, unique)
    return None


def _template(function: Callable[..., Any], template: str) -> Key:
    signature = inspect.signature(function)

    def key(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> str:
        try:
            bound = signature.bind(*args, **(kwargs or {}))
            bound.apply_defaults()
            return template.format(**bound.arguments)
        except (LookupError, AttributeError, ValueError, TypeError) as error:
            raise Invalid(f"unique={template!r} can't be made from the arguments: {error}") from error

    return key
