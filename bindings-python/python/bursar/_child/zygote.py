"""The process that children are forked from: clean, with one thread, the application imported.

It hears from the engine on a socket that keeps messages apart, and does what it is told, one thing after the
other. What a child leaves behind when it ends comes to it, since it is what Linux calls a subreaper, and is
killed.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from struct import Struct
from typing import TYPE_CHECKING, Any

from bursar import _current, _native
from bursar._child.serve import Child

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MESSAGE = Struct("<BQq")

SETUP = 4
"""The descriptor of the file with what is to be done first."""

# From the engine.
FORK = 1
# To the engine.
UP, BORN, DIED, NOT_BORN = 16, 17, 18, 19


class Zygote:
    """This process, as the engine sees it."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._living: dict[int, tuple[int, int]] = {}
        """Who lives: its pid and its number, by the descriptor of the process."""
        self._orphans: dict[int, int] = {}
        """What children left behind and is being killed: its descriptor, by pid."""
        self._died: list[tuple[int, int, set[int]]] = []
        """Who has died, and how, and the pids of what was left behind then and still lives."""

    def serve(self) -> Callable[[], None] | None:
        """Does what it is told; what it returns is what a forked child is to do."""
        self._say(UP)
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor != self._control.fileno():
                    self._ended(descriptor)
                    continue
                message, passed = _receive(self._control)
                if not message:
                    self._kill_all()
                    return None
                what, number, _ = MESSAGE.unpack(message)
                if what == FORK:
                    child = self._fork(number, passed[0])
                    if child is not None:
                        return child
            self._sweep()

    def _fork(self, number: int, descriptor: int) -> Callable[[], None] | None:
        try:
            pid = os.fork()
        except OSError as error:
            os.close(descriptor)
            self._say(NOT_BORN, number, error.errno or 0)
            return None
        if pid == 0:
            self._let_go()
            return lambda: _be_child(descriptor)
        os.close(descriptor)
        process = os.pidfd_open(pid)
        self._living[process] = (pid, number)
        self._poll.register(process, select.POLLIN)
        self._say(BORN, number, pid, [process])
        return None

    def _let_go(self) -> None:
        """Closes in a child what is the zygote's."""
        for process in (*self._living, *self._orphans.values()):
            os.close(process)
        self._control.close()

    def _kill_all(self) -> None:
        for pid in {*(pid for pid, _ in self._living.values()), *_children()}:
            _kill(pid)

    def _ended(self, process: int) -> None:
        """Takes note that the process behind this descriptor has ended."""
        self._poll.unregister(process)
        os.close(process)
        child = self._living.pop(process, None)
        if child is None:
            orphan = next(pid for pid, known in self._orphans.items() if known == process)
            del self._orphans[orphan]
            os.waitpid(orphan, 0)
            for _, _, left in self._died:
                left.discard(orphan)
            return
        pid, number = child
        _, status = os.waitpid(pid, 0)
        # What it left behind has come to this process by now.
        self._died.append((number, status, set()))

    def _sweep(self) -> None:
        """Kills what children left behind, and tells who has died once nothing of theirs lives."""
        if not self._died:
            return
        known = {pid for pid, _ in self._living.values()}
        for pid in _children():
            if pid not in known and pid not in self._orphans:
                process = os.pidfd_open(pid)
                _kill(pid)
                self._orphans[pid] = process
                self._poll.register(process, select.POLLIN)
                # Whose it is isn't known. One that doesn't end keeps nobody back who dies later.
                for _, _, left in self._died:
                    left.add(pid)
        for number, status, left in self._died:
            if not left:
                self._say(DIED, number, status)
        self._died = [death for death in self._died if death[2]]

    def _say(self, what: int, number: int = 0, value: int = 0, descriptors: Sequence[int] = ()) -> None:
        # It fails where the engine has gone, which the next message says.
        with suppress(OSError):
            socket.send_fds(self._control, [MESSAGE.pack(what, number, value)], descriptors)


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    try:
        message, passed, _, _ = socket.recv_fds(control, MESSAGE.size, 1, socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:
        return b"", []
    return message, passed


def _kill(pid: int) -> None:
    # One that has become another user's can only be waited for.
    with suppress(PermissionError):
        os.kill(pid, signal.SIGKILL)


def _children() -> list[int]:
    """Returns the children of this process, which has one thread."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:  # noqa: PTH123
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _be_child(descriptor: int) -> None:
    os.setsid()
    _native.be_a_root()
    _current.in_child = True
    for name in (
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGQUIT,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGCHLD,
    ):
        signal.signal(name, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _reseed()
    gc.enable()
    Child(socket.socket(fileno=descriptor)).serve()


def _reseed() -> None:
    """Gives this process random numbers of its own: `random` does that itself, NumPy's old ones don't."""
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()


def _preload(modules: Sequence[str]) -> bool:
    """Imports the application's modules; False where one of them has started a thread."""
    from importlib import import_module  # noqa: PLC0415

    for name in modules:
        # Where that fails its jobs will say so, each for itself.
        with suppress(BaseException):
            import_module(name)
    return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208


def _restart(control: socket.socket) -> None:
    """Begins anew, without the application's modules."""
    sys.stderr.write(
        "bursar: one of the modules with tasks for processes of their own starts a thread when it is "
        "imported, and such a process can't be forked: each process will import them by itself\n"
    )
    sys.stderr.flush()
    os.lseek(SETUP, 0, os.SEEK_SET)
    for descriptor in (control.fileno(), SETUP):
        os.set_inheritable(descriptor, True)
    os.execv(sys.executable, [*sys.orig_argv[:-1], "none"])  # noqa: S606


def main(control: socket.socket, setup: dict[str, Any]) -> None:
    """Serves until the engine goes, in the zygote and in each child that it forks."""
    control.settimeout(None)
    for descriptor in (control.fileno(), SETUP):
        os.set_inheritable(descriptor, False)
    imports = sys.argv[-1] == "modules"
    sys.argv[:] = setup["argv"]
    _native.be_a_root()
    if imports and not _preload(setup["modules"]):
        _restart(control)
    os.close(SETUP)
    _native.show_title(b"bursar:zygote")
    gc.collect()
    gc.disable()
    gc.freeze()
    child = Zygote(control).serve()
    code = 0
    try:
        if child is not None:
            child()
    except BaseException:  # noqa: BLE001 a fault of ours, or the engine has gone
        code = 70
    finally:
        os._exit(code)
