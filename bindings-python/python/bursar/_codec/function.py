"""The arguments and the result of one function as JSON.

A call is the array of its positional arguments; where a function takes arguments by keyword only, it is an
object of `args` and `kwargs`.
"""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any, cast

from bursar._codec import plain
from bursar._codec.decode import decode
from bursar._codec.encode import encode
from bursar._codec.shapes import Hint, hints_of
from bursar._errors import Invalid
from bursar._functions import unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable


class Codec:
    """Turns the arguments and results of a function into JSON and back."""

    def __init__(self, function: Callable[..., Any]) -> None:
        inner = unwrapped(function)
        self._signature = _signature_of(function)
        kinds = {parameter.kind: name for name, parameter in _parameters(self._signature)}
        self._rest = kinds.get(inspect.Parameter.VAR_KEYWORD)
        self._hints = hints_of(inner if hasattr(inner, "__annotations__") else type(inner).__call__)
        kinds = {parameter.kind: name for name, parameter in _parameters(self._signature)}
        self._rest = kinds.get(inspect.Parameter.VAR_KEYWORD)

    def encode_call(self, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> bytes:
        """Returns a call as JSON.

        Raises:
            Invalid: naming the argument that JSON can't carry.
            TypeError: where the arguments don't fit the function.
        """
        args, kwargs = self._normal(args, kwargs or {})
        names = self._names(len(args))
        positional = [encode(arg, *self._hint(name)) for arg, name in zip(args, names, strict=True)]
        named = {key: encode(arg, *self._hint(key)) for key, arg in kwargs.items()}
        return _dump({"args": positional, "kwargs": named} if named else positional)

    def decode_call(self, text: bytes) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Returns the arguments of a call.

        Raises:
            Invalid: where they are not what the hints say.
        """
        positional, named = _parts(json.loads(text))
        names = self._names(len(positional))
        args = tuple(decode(arg, *self._hint(name)) for arg, name in zip(positional, names, strict=True))
        return args, {key: decode(arg, *self._hint(key)) for key, arg in named.items()}

    def encode_result(self, value: Any) -> bytes:
        """Returns a result as JSON."""
        return _dump(encode(value, self._hints.get("return", Any), "result"))

    def decode_result(self, text: bytes) -> Any:
        """Returns the result that JSON describes."""
        return decode(json.loads(text), self._hints.get("return", Any), "result")

    def encode_state(self, value: Any) -> bytes:
        """Returns a checkpoint as JSON."""
        return _dump(plain.encode(value, "state", ()))

    def _normal(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Turns keywords into positions where the function has them."""
        if self._signature is None:
            return args, kwargs
        bound = self._signature.bind(*args, **kwargs)
        return bound.args, bound.kwargs

    def _names(self, count: int) -> list[str]:
        """Returns the names of the first `count` positional arguments."""
        names: list[str] = []
        for _, parameter in _parameters(self._signature):
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                names += [f"{parameter.name}[{index}]" for index in range(count - len(names))]
                break
            names.append(parameter.name)
        return names[:count] + [f"[{index}]" for index in range(len(names), count)]

    def _hint(self, name: str) -> tuple[Hint, str]:
        """Returns the hint of an argument and the path to it."""
        path = f"args{name}" if name.startswith("[") else f"args.{name}"
        declared = name.split("[", maxsplit=1)[0]
        if self._signature is not None and declared not in self._signature.parameters:
            declared = self._rest or declared
        return self._hints.get(declared, Any), path


def _parts(data: Any) -> tuple[list[Any], dict[str, Any]]:
    if isinstance(data, dict):
        members = cast("dict[str, Any]", data)
        return members.get("args", []), members.get("kwargs", {})
    return cast("list[Any]", data or []), {}


def _signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C don't tell
        return None


def _parameters(signature: inspect.Signature | None) -> list[tuple[str, inspect.Parameter]]:
    return list(signature.parameters.items()) if signature is not None else []


def _dump(data: Any) -> bytes:
    try:
        return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except ValueError as error:  # an integer with more digits than Python writes
        raise Invalid(f"JSON can't carry this: {error}") from error


def _anything(*args: Any, **kwargs: Any) -> Any: ...


PLAIN = Codec(_anything)
"""For functions that are not known here: values as JSON has them."""
