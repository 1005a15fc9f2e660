"""What a function is called and what kind it is."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any

from bursar._errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable


def unwrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function inside of partials."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def is_async(function: Callable[..., Any]) -> bool:
    """Tells whether calling it gives a coroutine."""
    inner = unwrapped(function)
    return inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(getattr(inner, "__call__", None))  # noqa: B004


def name_of(function: Callable[..., Any]) -> str:
    """Returns the name that its jobs are stored under: module and qualified name."""
    inner = unwrapped(function)
    if not callable(inner):
        raise Invalid(f"{function!r:.120} can't be a task: expected a function")
    name = getattr(inner, "__qualname__", None) or type(inner).__qualname__
    module = getattr(inner, "__module__", None) or type(inner).__module__
    return f"{module}.{name}"


def check_executor(function: Callable[..., Any], name: str, executor: str) -> None:
    """Checks that an executor can run `function`; what runs it otherwise is not asked here.

    Raises:
        Invalid: where it can't, saying what to do.
    """
    if executor == "thread" and is_async(function):
        raise Invalid(
            f'{name!r} is an async def, which executor="thread" would never await: leave the executor out, '
            "and it runs on the event loop, or make it a plain def"
        )
    if executor == "async" and _is_plain(function):
        raise Invalid(
            f'{name!r} is a plain function, and executor="async" runs what can be awaited: make it an async '
            "def, or leave the executor out, and it runs on a thread"
        )


def _is_plain(function: Callable[..., Any]) -> bool:
    """Tells whether calling it gives nothing to await: what wraps an `async def` may be plain itself."""
    inner = unwrapped(function)
    return inspect.isfunction(inner) and not is_async(inner) and not is_async(inspect.unwrap(inner))


def check_importable(function: Callable[..., Any], name: str) -> None:
    """Checks that another process would find `function` by its name.

    Raises:
        Invalid: where it would not.
    """
    found: Any = sys.modules.get(getattr(function, "__module__", None) or "")
    for part in getattr(function, "__qualname__", "").split("."):
        found = getattr(found, part, None)
    if found is not function:
        raise Invalid(
            f"the function {name!r} can't be found by its name, as this store needs: "
            "define it at the top of a module, or decorate it with @task(name=...)"
        )


def address_of(function: Callable[..., Any] | None) -> str | None:
    """Returns where a process of its own finds it: module, colon, name. None where it can't."""
    if function is None or _why_not_found(function) is not None:
        return None
    module, path = _place_of(function)
    return f"{module}:{path}"


def check_address(function: Callable[..., Any], name: str) -> None:
    """Checks that a process of its own finds `function`.

    Raises:
        Invalid: where it doesn't, saying what to do.
    """
    why = _why_not_found(function)
    if why is not None:
        raise Invalid(
            f"{name!r} can't run in a process of its own: {why}; a process imports the function from its "
            "module, so move it to the top of a module that can be imported"
        )


def _why_not_found(function: Callable[..., Any]) -> str | None:
    module, path = _place_of(function)
    if "<lambda>" in path:
        return "it is a lambda"
    if "<locals>" in path:
        return "it is defined inside of another function"
    if module == "__main__":
        return "it is defined in __main__, the program itself or an interactive session"
    if module not in sys.modules:
        return f"its module {module!r} was not imported"
    return None


def _place_of(function: Callable[..., Any]) -> tuple[str, str]:
    inner = unwrapped(function)
    path = getattr(inner, "__qualname__", None) or type(inner).__qualname__
    return getattr(inner, "__module__", None) or type(inner).__module__ or "", path
