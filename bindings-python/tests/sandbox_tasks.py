"""Tasks that the tests of the sandbox run in processes of their own, which import them from here."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bursar import current_job, task


@task(executor="process")
def pid() -> int:
    return os.getpid()


@task(executor="process", sandbox="required")
def digest(count: int) -> str:
    value = b""
    for _ in range(count):
        value = hashlib.sha256(value).digest()
    return value.hex()


@task(executor="process")
def write(path: str) -> str:
    try:
        Path(path).write_text("x")
    except OSError as error:
        return type(error).__name__
    return "written"


@task(executor="process", sandbox="required")
def write_by_a_grandchild(path: str) -> str:
    code = f"import sys; open({path!r}, 'w')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stderr.strip().rsplit("\n", 1)[-1].partition(":")[0]


@task(executor="process", sandbox="required")
def connect(port: int) -> str:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError as error:
        return type(error).__name__
    return "connected"


@task(executor="process", sandbox="required")
def temporary() -> str:
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(b"x")
    return file.name


@task(executor="process", sandbox="required")
def talk() -> str:
    job = current_job()
    job.progress(50, "half")
    job.log("said")
    job.checkpoint({"at": 1})
    return f"/proc/{os.getpid()}/cmdline"


@task(executor="process", sandbox="required")
def endless() -> None:
    current_job().log("ready")
    while True:
        time.sleep(0.01)


@task(executor="process", sandbox="required")
def large(megabytes: int) -> int:
    return len(b"x" * (megabytes << 20))


@task(executor="process", sandbox="required")
async def rights() -> str:
    return Path("/proc/self/status").read_text()  # noqa: ASYNC240
