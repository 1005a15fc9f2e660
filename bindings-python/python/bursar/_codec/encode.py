"""From Python's values to JSON's, by their hints."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args, get_origin

from bursar._codec import plain
from bursar._codec.refusal import refuse
from bursar._codec.scalars import scalar
from bursar._codec.shapes import MAPPINGS, SEQUENCES, Hint, fields, hints_of, is_instance, is_model, is_named_tuple, members, simplify
from bursar._errors import Invalid

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
    known = scalar(type(value)) if _fits(value, hint) else None
    if known is not None:
        return plain.encode(known.encode(value), path, around)
    return _parts(value, hint, path, around)


def _fits(value: Any, hint: Hint) -> bool:
    return hint is not object and is_instance(value, hint)


def _member(value: Any, union: tuple[Hint, ...], path: str, around: Around) -> Any:
    refused: Invalid | None = None
    for hint in sorted(union, key=lambda hint: not _may_be(value, simplify(hint))):
        try:
            return encode(value, hint, path, around)
        except Invalid as error:
            refused = refused or error
    raise refused or refuse(path, value, "it is none of what its type hint says")


def _may_be(value: Any, hint: Hint) -> bool:
    return is_instance(value, get_origin(hint) or hint)


def _parts(value: Any, hint: Hint, path: str, around: Around) -> Any:
    origin, args = get_origin(hint) or hint, get_args(hint)
    if is_model(origin) and isinstance(value, origin):
        return plain.encode(value.model_dump(mode="json"), path, around)
    if isinstance(value, tuple) and origin is tuple:
        return _tuple(value, args, path, around)
    if origin in SEQUENCES and isinstance(value, list | tuple | set | frozenset):
        around = plain.check_depth(path, value, around)
        part = args[0] if args else Any
        return [encode(item, part, f"{path}[{index}]", around) for index, item in enumerate(value)]
    if origin in MAPPINGS and isinstance(value, dict):
        return _mapping(value, args, path, around)
    named = fields(origin)
    if named is not None:
        return _named(value, origin, named, path, around)
    return plain.encode(value, path, around)


def _tuple(value: tuple[Any, ...], args: tuple[Hint, ...], path: str, around: Around) -> list[Any]:
    around = plain.check_depth(path, value, around)
    if len(args) == 2 and args[1] is ...:
        args = (args[0],) * len(value)
    args = args if len(args) == len(value) else (Any,) * len(value)
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


def _named(value: Any, kind: Any, named: dict[str, Hint], path: str, around: Around) -> Any:
    around = plain.check_depth(path, value, around)
    if is_named_tuple(kind) and isinstance(value, kind):
        items: list[tuple[str, Any]] = list(zip(kind._fields, value, strict=True))
        return [encode(item, named.get(name, Any), f"{path}.{name}", around) for name, item in items]
    if dataclasses.is_dataclass(kind) and isinstance(value, kind):
        # A subclass would come back as what the hint says.
        if type(value) is not kind:
            raise refuse(path, value, f"its type hint says {kind.__name__}, and it would come back as that")
        parts = {field.name: getattr(value, field.name) for field in dataclasses.fields(kind)}
    elif isinstance(value, dict):
        parts = value
    else:
        return plain.encode(value, path, around[:-1])
    hints = named or hints_of(kind)
    return {plain.name(key, path): encode(item, hints.get(key, Any), f"{path}.{key}", around) for key, item in parts.items()}
