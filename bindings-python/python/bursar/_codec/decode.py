"""From JSON's values back to Python's, by their hints."""

from __future__ import annotations

import dataclasses
from typing import Any, cast, get_args, get_origin, is_typeddict

from bursar._codec.scalars import scalar
from bursar._codec.shapes import (
    MAPPINGS,
    SEQUENCES,
    Hint,
    fields,
    is_model,
    is_named_tuple,
    members,
    simplify,
)
from bursar._errors import Invalid


def decode(data: Any, hint: Hint, path: str) -> Any:
    """Returns what `data` is by its hint; what doesn't fit the hint stays as JSON has it.

    Raises:
        Invalid: where it can't be what its hint says.
    """
    hint = simplify(hint)
    union = members(hint)
    if union is not None:
        return _member(data, union, path)
    if data is None or hint is Any:
        return data
    try:
        return _convert(data, hint, path)
    except (Invalid, MemoryError):
        raise
    except Exception as error:
        shown = f"{data!r:.120}"
        raise Invalid(f"{path}: {shown} is not what the type hint {hint!r:.120} says: {error}") from error


def _member(data: Any, union: tuple[Hint, ...], path: str) -> Any:
    if data is None and type(None) in union:
        return None
    refused: Invalid | None = None
    for hint in union:
        try:
            value = decode(data, hint, path)
        except Invalid as error:
            refused = refused or error
            continue
        kind = get_origin(simplify(hint)) or simplify(hint)
        if not isinstance(kind, type) or is_typeddict(kind) or isinstance(value, kind):
            return value
    if refused is not None:
        raise refused
    return data


def _convert(data: Any, hint: Hint, path: str) -> Any:
    known = scalar(hint)
    if known is not None:
        return known.decode(data)
    origin, args = get_origin(hint) or hint, get_args(hint)
    if is_model(origin):
        return hint.model_validate(data)
    if isinstance(data, list):
        return _list(cast("list[Any]", data), origin, args, path)
    if isinstance(data, dict):
        return _dict(cast("dict[str, Any]", data), origin, args, path)
    return float(data) if hint is float and type(data) is int else data


def _list(data: list[Any], origin: Any, args: tuple[Hint, ...], path: str) -> Any:
    if is_named_tuple(origin):
        hints = fields(origin) or {}
        named = zip(origin._fields, data, strict=True)
        return origin(*(decode(item, hints.get(name, Any), f"{path}.{name}") for name, item in named))
    if origin is tuple:
        args = (args[0],) * len(data) if len(args) == 2 and args[1] is ... else args
        args = args if len(args) == len(data) else (Any,) * len(data)
        parts = zip(data, args, strict=True)
        return tuple(decode(item, part, f"{path}[{index}]") for index, (item, part) in enumerate(parts))
    made = SEQUENCES.get(origin, list)
    part = args[0] if args and origin in SEQUENCES else Any
    return made(decode(item, part, f"{path}[{index}]") for index, item in enumerate(data))


def _dict(data: dict[str, Any], origin: Any, args: tuple[Hint, ...], path: str) -> Any:
    named = fields(origin)
    if named is not None:
        parts = {key: decode(item, named.get(key, Any), f"{path}.{key}") for key, item in data.items()}
        return _dataclass(origin, parts) if dataclasses.is_dataclass(origin) else parts
    key_hint, part = args if origin in MAPPINGS and len(args) == 2 else (Any, Any)
    return {_key(key, key_hint, path): decode(item, part, f"{path}.{key}") for key, item in data.items()}


def _key(key: str, hint: Hint, path: str) -> Any:
    return int(key) if simplify(hint) is int else decode(key, hint, path)


def _dataclass(kind: Any, parts: dict[str, Any]) -> Any:
    given = {field.name for field in dataclasses.fields(kind) if field.init}
    made = kind(**{name: part for name, part in parts.items() if name in given})
    for field in dataclasses.fields(kind):
        if not field.init and field.name in parts:
            object.__setattr__(made, field.name, parts[field.name])
    return made
