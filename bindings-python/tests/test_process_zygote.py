"""The process that others are forked from: what it says of those that end."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator  # noqa: TC003

import pytest
from bursar._child import zygote
from bursar._child.zygote import DIED, MESSAGE, Zygote


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    engine, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    engine.setblocking(False)
    with engine, control:
        yield engine, control


def lose(of: Zygote, number: int) -> None:
    """Has the child with this number end."""
    pid = os.posix_spawnp("true", ["true"], os.environ)
    process = os.pidfd_open(pid)
    of._living[process] = (pid, number)
    of._poll.register(process)
    of._ended(process)


def died(engine: socket.socket) -> list[int]:
    """Returns the numbers of those whose end was told."""
    numbers: list[int] = []
    while True:
        try:
            what, number, _ = MESSAGE.unpack(engine.recv(MESSAGE.size))
        except BlockingIOError:
            return numbers
        assert what == DIED
        numbers.append(number)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only where processes have descriptors")
def test_one_that_cant_be_killed_keeps_only_the_end_of_its_own_back(
    sockets: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, control = sockets
    parent = Zygote(control)
    stubborn = os.posix_spawnp("sleep", ["sleep", "3600"], os.environ)
    monkeypatch.setattr(zygote, "_children", lambda: [stubborn])
    with monkeypatch.context() as another_users:
        another_users.setattr(zygote.os, "kill", refuse)
        lose(parent, 1)
        parent._sweep()
        assert died(engine) == []
        lose(parent, 2)
        parent._sweep()
        assert died(engine) == [2]
    os.kill(stubborn, signal.SIGKILL)
    parent._ended(parent._orphans[stubborn])
    monkeypatch.setattr(zygote, "_children", list)
    parent._sweep()
    assert died(engine) == [1]


def refuse(pid: int, number: int) -> None:
    raise PermissionError
