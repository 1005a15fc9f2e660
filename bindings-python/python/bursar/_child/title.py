"""What `ps` and `pgrep -f` show of a child: the arguments of its zygote, written over."""

from __future__ import annotations

import os
import re

LONGEST = 120
_UNFIT = re.compile("[^A-Za-z0-9_.:-]")


def place() -> tuple[int, int] | None:
    """Returns where the arguments of this process are in its memory; None where the system doesn't say."""
    try:
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123 pathlib is more to import
            fields = file.read().rpartition(b")")[2].split()
        # proc(5) counts from 1, and two fields came before.
        start, end = int(fields[45]), int(fields[46])
    except (OSError, IndexError, ValueError):
        return None
    return (start, end) if 0 < start < end else None


class Title:
    """The title of this process. `place` is the same for a forked child as for its parent."""

    def __init__(self, where: tuple[int, int] | None) -> None:
        self._names: dict[str, bytes] = {}
        self._memory = -1
        if where is None:
            return
        self._start, end = where
        self._room = min(end - self._start - 2, LONGEST)
        try:
            self._memory = os.open("/proc/self/mem", os.O_RDWR | os.O_CLOEXEC)
            # Without a NUL at its very end, the system shows the arguments up to their first NUL.
            os.pwrite(self._memory, b"\0", end - 2)
            os.pwrite(self._memory, b".", end - 1)
        except OSError:
            self.close()

    def close(self) -> None:
        """Writes no more titles."""
        if self._memory >= 0:
            os.close(self._memory)
        self._memory = -1

    def show(self, id: bytes, task: str, status: bytes) -> None:
        """Shows a job: `bursar-{short id}:{task}:{status}`."""
        name = self._names.get(task)
        if name is None:
            name = self._names[task] = _UNFIT.sub("_", task).encode()
        # The end of an id is random, its beginning the time.
        self.write(b"bursar-%b:%b:%b" % (id[-4:].hex().encode(), name[:80], status))

    def write(self, title: bytes) -> None:
        """Shows `title`."""
        if self._memory >= 0:
            try:
                os.pwrite(self._memory, title[: self._room] + b"\0", self._start)
            except OSError:
                self.close()
