"""What `ps` and `pgrep -f` show of a process that runs jobs."""

from __future__ import annotations

import re

from bursar._native import show_title

_UNFIT = re.compile("[^A-Za-z0-9_.:-]")
_names: dict[str, bytes] = {}


def show_job(id: bytes, task: str, status: bytes) -> None:
    """Shows a job: `bursar-{short id}:{task}:{status}`."""
    name = _names.get(task)
    if name is None:
        name = _names[task] = _UNFIT.sub("_", task).encode()[:100]
    # The end of an id is random, its beginning the time.
    show_title(b"bursar-%b:%b:%b" % (id[-4:].hex().encode(), name, status))
