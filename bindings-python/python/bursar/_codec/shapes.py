"""Values with parts: what their hints say of each part."""

from __future__ import annotations

import dataclasses
import types
from collections import abc
from typing import Annotated, Any, NewType, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

Hint = Any

SEQUENCES: dict[Any, type] = {
    list: list,
    set: set,
    frozenset: frozenset,
    abc.Sequence: list,
    abc.MutableSequence: list,
    abc.Iterable: list,
    abc.Collection: list,
    abc.Set: set,
    abc.MutableSet: set,
}
"""Types of many like parts, and what they come back as."""

MAPPINGS = (dict, abc.Mapping, abc.MutableMapping)


def simplify(hint: Hint) -> Hint:
    """Returns what `hint` stands for."""
    while True:
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        elif isinstance(hint, NewType):
            hint = hint.__supertype__
        elif isinstance(hint, TypeVar):
            hint = hint.__bound__ or Any
        else:
            return hint


def members(hint: Hint) -> tuple[Hint, ...] | None:
    """Returns the members of a union."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else None


def fields(kind: Any) -> dict[str, Hint] | None:
    """Returns the fields of a dataclass, a named tuple or a typed dict, with their hints."""
    named = is_record(kind) or is_named_tuple(kind) or is_typeddict(kind)
    return hints_of(kind) if named else None


def is_class(kind: Any) -> bool:
    """Tells whether `kind` is a class."""
    return isinstance(kind, type)


def is_record(kind: Any) -> bool:
    """Tells whether `kind` is a dataclass."""
    return is_class(kind) and dataclasses.is_dataclass(kind)


def is_named_tuple(kind: Any) -> bool:
    """Tells whether `kind` is a named tuple."""
    return is_class(kind) and tuple in kind.__mro__ and "_fields" in dir(kind)


def is_instance(value: Any, kind: Any) -> bool:
    """Tells whether `value` is of the class that a hint names."""
    return isinstance(kind, type) and not is_typeddict(kind) and isinstance(value, kind)


def is_model(kind: Any) -> bool:
    """Tells whether `kind` is a pydantic model, without importing pydantic."""
    return isinstance(kind, type) and hasattr(kind, "model_validate") and hasattr(kind, "model_dump")


def hints_of(subject: Any) -> dict[str, Hint]:
    """Returns the type hints of `subject`; none where they can't be read."""
    try:
        return get_type_hints(subject, include_extras=True)
    except Exception:  # noqa: BLE001 hints may hold anything
        return {}
