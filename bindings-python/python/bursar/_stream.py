"""Results as binary file objects."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from bursar._native import ResultReader

BLOCK = 256 * 1024
"""How much is read at a time, in bytes."""


class _Stream(io.RawIOBase):
    """A result, without a buffer."""

    def __init__(self, reader: ResultReader) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._reader.read(min(len(view), BLOCK))
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        whole = bytearray()
        while data := self._reader.read(BLOCK):
            whole += data
        return bytes(whole)

    def close(self) -> None:
        self._reader.close()
        super().close()


def open_stream(reader: ResultReader) -> io.BufferedReader:
    """Makes a file object of a reader."""
    return io.BufferedReader(_Stream(reader), BLOCK)
