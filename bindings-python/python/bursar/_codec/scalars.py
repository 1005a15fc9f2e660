"""Single values that travel as text or as a number and come back by their hint."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Scalar:
    """How values of one type travel."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def _datetime(text: str) -> datetime:
    # Python 3.10 doesn't read the letter that everybody else writes.
    return datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)


def _bytes(value: bytes | bytearray) -> str:
    return base64.b64encode(value).decode("ascii")


def _unbytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


_BY_TYPE: dict[type, Scalar] = {
    datetime: Scalar(datetime.isoformat, _datetime),
    date: Scalar(date.isoformat, date.fromisoformat),
    time: Scalar(time.isoformat, time.fromisoformat),
    timedelta: Scalar(timedelta.total_seconds, lambda seconds: timedelta(seconds=seconds)),
    UUID: Scalar(str, UUID),
    Decimal: Scalar(str, lambda given: Decimal(str(given))),
    bytes: Scalar(_bytes, _unbytes),
    bytearray: Scalar(_bytes, lambda text: bytearray(_unbytes(text))),
    complex: Scalar(lambda value: [value.real, value.imag], lambda pair: complex(*pair)),
}


def scalar(kind: Any) -> Scalar | None:
    """Returns how values of the type `kind` travel, if they are such."""
    if not isinstance(kind, type):
        return None
    found = _BY_TYPE.get(kind)
    if found is None and issubclass(kind, Enum):
        return Scalar(lambda member: member.value, kind)
    if found is None and issubclass(kind, PurePath):
        return Scalar(str, kind if kind is not PurePath else Path)
    return found
