"""Ctrl-C works in every wait."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path  # noqa: TC003

import pytest
from conftest import PATIENCE, PRELUDE

# A program that is started in the background is started with Ctrl-C ignored.
SETUP = """
import signal

signal.signal(signal.SIGINT, signal.default_int_handler)

def hold():
    print("ready", flush=True)
    threading.Event().wait()

async def ahold():
    print("ready", flush=True)
    await asyncio.Event().wait()

engine = Engine("memory:", shutdown_grace=60)
"""

WAITS = {
    "result": "engine.submit(hold).result()",
    "result of a coroutine": "engine.submit(ahold).result()",
    "result with a timeout": "engine.submit(hold).result(600)",
    "wait": "engine.submit(hold).wait()",
    "exception": "engine.submit(hold).exception()",
    "drain": "engine.submit(hold); engine.drain()",
    "shutdown": "engine.submit(hold); engine.shutdown()",
    "end of a with block": "exec('with engine: engine.submit(hold)')",
    "events": "list(engine.submit(hold).events())[5000]",
    "executor": "engine.executor().submit(hold).result()",
    "await": "asyncio.run(waits())",
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS.keys())
def test_ctrl_c(tmp_path: Path, wait: str) -> None:
    body = f"""{PRELUDE}{SETUP}
async def waits():
    async with engine:
        await engine.submit(ahold)

try:
    {wait}
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(7)
"""
    path = tmp_path / "program.py"
    path.write_text(body)
    program = subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert program.stdout is not None
        line = program.stdout.readline()
        while line.strip() != "ready":
            assert line, program.communicate()[1]
            line = program.stdout.readline()
        os.kill(program.pid, signal.SIGINT)
        out, err = program.communicate(timeout=PATIENCE)
    finally:
        program.kill()
    assert "interrupted" in out, err
    assert program.returncode == 7, err
    assert err == ""
