"""From Python's values to JSON's, by their hints."""

from __future__ import annotations

import dataclasses
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, cast, get_args, get_origin, is_typeddict

from bursar._codec import plain
from bursar._codec.refusal import refuse
from bursar._codec.scalars import Scalar, scalar
from bursar._codec.shapes import (
    MAPPINGS,
    SEQUENCES,
    Hint,
    fields,
    is_instance,
    is_model,
    is_named_tuple,
    members,
    simplify,
)
from bursar._errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

Around = tuple[int, ...]


def encode(value: Any, hint: Hint, path: str, around: Around = ()) -> Any:
    """Returns `value`, which a hint describes, as what JSON has.

    Raises:
        Invalid: naming the path to what JSON can't carry.
    """
    hint = simplify(hint)
    union = members(hint)
    if union is not None:
        return _member(value, union, path, around)
    if value is None or hint is Any:
        return plain.encode(value, path, around)
    known = _scalar(value, hint)
    if known is not None:
        return plain.encode(known.encode(value), path, around)
    return _parts(value, hint, path, around)


def _scalar(value: Any, hint: Hint) -> Scalar | None:
    """Returns how `value` travels, if it comes back the same: one of a subclass would not."""
    known = scalar(hint) if is_instance(value, hint) else None
    return known if type(value) is hint or isinstance(value, Enum | PurePath) else None


def _member(value: Any, union: tuple[Hint, ...], path: str, around: Around) -> Any:
    refused: Invalid | None = None
    for hint in sorted(union, key=lambda hint: not _may_be(value, simplify(hint))):
        try:
            return encode(value, hint, path, around)
        except Invalid as error:  # noqa: PERF203 the next member is tried
            refused = refused or error
    raise refused or refuse(path, value, "it is none of what its type hint says")


def _may_be(value: Any, hint: Hint) -> bool:
    return is_instance(value, get_origin(hint) or hint)


def _parts(value: Any, hint: Hint, path: str, around: Around) -> Any:
    origin, args = get_origin(hint) or hint, get_args(hint)
    if is_model(origin) and isinstance(value, origin):
        return plain.encode(value.model_dump(mode="json"), path, around)
    if isinstance(value, tuple) and origin is tuple:
        return _tuple(cast("tuple[Any, ...]", value), args, path, around)
    if origin in SEQUENCES and isinstance(value, list | tuple | set | frozenset):
        around = plain.check_depth(path, cast("object", value), around)
        return _items(cast("Iterable[Any]", value), args[0] if args else Any, path, around)
    if origin in MAPPINGS and isinstance(value, dict):
        return _mapping(cast("dict[Any, Any]", value), args, path, around)
    named = fields(origin)
    if named is not None:
        return _named(value, origin, named, path, around)
    return plain.encode(value, path, around)


def _items(items: Iterable[Any], hint: Hint, path: str, around: Around) -> list[Any]:
    return [encode(item, hint, f"{path}[{index}]", around) for index, item in enumerate(items)]


def _tuple(value: tuple[Any, ...], args: tuple[Hint, ...], path: str, around: Around) -> list[Any]:
    around = plain.check_depth(path, value, around)
    if len(args) == 2 and args[1] is ...:
        return _items(value, args[0], path, around)
    if len(args) != len(value):
        return _items(value, Any, path, around)
    parts = zip(value, args, strict=True)
    return [encode(item, part, f"{path}[{index}]", around) for index, (item, part) in enumerate(parts)]


def _mapping(value: dict[Any, Any], args: tuple[Hint, ...], path: str, around: Around) -> dict[str, Any]:
    around = plain.check_depth(path, value, around)
    key_hint, part = args or (Any, Any)
    encoded: dict[str, Any] = {}
    for key, item in value.items():
        encoded[_key(key, key_hint, path)] = encode(item, part, f"{path}.{key}", around)
    return encoded


def _key(key: Any, hint: Hint, path: str) -> str:
    if type(key) is int and simplify(hint) is int:
        return str(key)
    return plain.name(encode(key, hint, path), path)


def _named(value: Any, kind: Any, hints: dict[str, Hint], path: str, around: Around) -> Any:
    parts = _named_parts(value, kind, path)
    if parts is None:
        return plain.encode(value, path, around)
    around = plain.check_depth(path, value, around)
    encoded = {
        plain.name(key, path): encode(item, hints.get(key, Any), f"{path}.{key}", around)
        for key, item in parts.items()
    }
    return list(encoded.values()) if is_named_tuple(kind) else encoded


def _named_parts(value: Any, kind: Any, path: str) -> dict[Any, Any] | None:
    """Returns the fields of `value` by name, if it is what `kind` says."""
    if is_typeddict(kind):
        return cast("dict[Any, Any]", value) if isinstance(value, dict) else None
    if not isinstance(value, kind):
        return None
    if type(value) is not kind:
        raise refuse(path, value, f"its type hint says {kind.__name__}, and it would come back as that")
    if is_named_tuple(kind):
        return value._asdict()
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(kind)}
