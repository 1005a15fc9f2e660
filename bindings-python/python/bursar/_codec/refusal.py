"""What JSON can't carry."""

from __future__ import annotations

from bursar._errors import Invalid

SHOWN = 120
"""How much of a value is shown, in characters."""


def refuse(path: str, value: object, why: str) -> Invalid:
    """Returns the error for `value` at `path`."""
    try:
        shown = repr(value)
    except Exception:  # noqa: BLE001 the user's own __repr__
        shown = f"a {type(value).__name__}"
    shown = shown[:SHOWN].encode("ascii", "backslashreplace").decode("ascii")
    return Invalid(f"{path}: JSON can't carry {shown}: {why}")
