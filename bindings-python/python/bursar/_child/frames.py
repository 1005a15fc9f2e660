"""What an engine and a child tell each other.

A frame is the length of its body, its kind and the key of the attempt that it is about, then the body.
Numbers are little-endian. The engine's side, which must read the same, is `frame.rs` and `message.rs`.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

HEADER = Struct("<IBQ")

# From the engine.
START, STOP, REPLY = 1, 2, 3
# In place of one that there was no memory for: it is never sent.
LOST = 0
# From a child.
ENDED, PROGRESS, LOG, CHECKPOINT = 16, 17, 18, 19

# How an attempt ended.
RETURNED, RAISED, RETRY, GAVE_UP, CANCELLED = 0, 1, 2, 3, 4
# With that, where the child tells what it has now.
TELLS_WHAT_IS_LEFT = 0x80

# How a payload is encoded.
NOTHING, JSON, PICKLE = 0, 1, 2

CHUNK = 1 << 16
MSG_DONTWAIT = 0x40

_START = Struct("<BBIIqQ16sHHI")
_TEXT = Struct("<I")
_DELAY = Struct("<Bd")
ENDED_HEAD = Struct("<BBQQ")
_PROGRESS = Struct("<d")

_DAEMON, _CHECKPOINT, ENCODED = 1, 2, 4


class Frame(NamedTuple):
    """One frame."""

    kind: int
    key: int
    body: memoryview


class Start(NamedTuple):
    """A job to run."""

    task: str
    address: str
    """Where its function is: the name of the module, a colon, its name there."""
    id: bytes
    number: int
    failures: int
    deadline: int | None
    """In microseconds of the system's clock since 1970."""
    memory: int
    daemon: bool
    encoded: bool
    """Whether the result must be JSON."""
    content: int
    args: memoryview
    checkpoint: bytes | None


def start(body: memoryview) -> Start:
    """Reads the body of a `START`."""
    head = _START.unpack_from(body)
    content, flags, number, failures, deadline, memory, id, task, address, checkpoint = head
    at = _START.size
    name = str(body[at : at + task], "utf-8")
    at += task
    place = str(body[at : at + address], "utf-8")
    at += address
    saved = bytes(body[at : at + checkpoint]) if flags & _CHECKPOINT else None
    return Start(
        name,
        place,
        id,
        number,
        failures,
        deadline or None,
        memory,
        bool(flags & _DAEMON),
        bool(flags & ENCODED),
        content,
        body[at + checkpoint :],
        saved,
    )


def text(value: str) -> bytes:
    """Returns text with its length before it."""
    data = value.encode("utf-8", "replace")
    return _TEXT.pack(len(data)) + data


def delay(value: object) -> bytes:
    """Returns the delay that a job asks for: none, seconds, or text that the engine reads."""
    if value is None:
        return _DELAY.pack(0, 0)
    seconds = getattr(value, "total_seconds", None)
    number = seconds() if callable(seconds) else value
    if isinstance(number, (int, float)) and not isinstance(number, bool):
        return _DELAY.pack(1, min(float(number), 1e300))
    return _DELAY.pack(2, 0) + text(value if isinstance(value, str) else repr(value)[:120])


def progress(percent: float, message: str | None) -> list[bytes]:
    """Returns the body of a `PROGRESS`."""
    return [_PROGRESS.pack(percent), b"" if message is None else b"\1" + text(message)]


def reply(body: memoryview) -> tuple[str, str] | None:
    """Reads the body of a `REPLY`: the kind of error and its message; None where all is well."""
    if not body:
        return None
    (size,) = _TEXT.unpack_from(body)
    return str(body[4 : 4 + size], "utf-8"), str(body[4 + size :], "utf-8")


class Channel:
    """The socket between a child and its engine."""

    def __init__(self, sock: socket.socket) -> None:
        # Whatever the application's modules have set for sockets of their own.
        sock.settimeout(None)
        self._sock = sock
        self._recv = sock.recv
        self._rest = b""

    def fileno(self) -> int:
        """Returns the descriptor of the socket."""
        return self._sock.fileno()

    def receive(self) -> Frame | None:
        """Waits for a frame; None where the engine has gone."""
        data = self._rest or self._recv(CHUNK)
        if not data:
            return None
        if len(data) >= HEADER.size:
            size, kind, key = HEADER.unpack_from(data)
            if len(data) == HEADER.size + size:
                self._rest = b""
                return Frame(kind, key, memoryview(data)[HEADER.size :])
        return self._assemble(data)

    def poll(self) -> Frame | None:
        """Takes a frame if one has begun to arrive."""
        if not self._rest:
            try:
                self._rest = self._recv(CHUNK, MSG_DONTWAIT)
            except BlockingIOError:
                return None
        return self.receive() if self._rest else None

    def _assemble(self, data: bytes) -> Frame | None:
        """Puts a frame together that came in parts, or with another one behind it."""
        while len(data) < HEADER.size:
            more = self._recv(CHUNK)
            if not more:
                return None
            data += more
        size, kind, key = HEADER.unpack_from(data)
        have = min(len(data) - HEADER.size, size)
        self._rest = data[HEADER.size + have :]
        try:
            body = bytearray(size)
        except MemoryError:
            if kind != START:
                raise
            return self._skip(key, size - have)
        body[:have] = data[HEADER.size : HEADER.size + have]
        with memoryview(body) as view:
            while have < size:
                count = self._sock.recv_into(view[have:])
                if not count:
                    return None
                have += count
        return Frame(kind, key, memoryview(body))

    def _skip(self, key: int, size: int) -> Frame | None:
        """Reads a body that there is no memory for."""
        while size:
            count = len(self._recv(min(size, CHUNK)))
            if not count:
                return None
            size -= count
        return Frame(LOST, key, memoryview(b""))

    def send(self, kind: int, key: int, parts: Iterable[bytes]) -> None:
        """Sends a frame."""
        body = b"".join(parts)
        self._sock.sendall(HEADER.pack(len(body), kind, key) + body)

    def send_large(self, kind: int, key: int, head: bytes, body: bytes) -> None:
        """Sends a frame without copying its body."""
        self._sock.sendall(HEADER.pack(len(head) + len(body), kind, key) + head)
        self._sock.sendall(body)
