"""Tasks that the tests run in processes of their own, which import them from here."""

from __future__ import annotations

import asyncio
import ctypes
import mmap
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable  # noqa: TC003
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import bursar
from bursar import current_job, task

state = {"calls": 0}


@dataclass
class Point:
    x: int
    y: int


class Unreadable(Exception):  # noqa: N818
    """Can be pickled, not unpickled."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


@task(executor="process")
def add(one: int, two: int = 1) -> int:
    return one + two


@task(executor="process")
def pid() -> int:
    return os.getpid()


@task(executor="process")
def calls() -> int:
    state["calls"] += 1
    return state["calls"]


@task(executor="process")
def moved(point: Point) -> Point:
    return Point(point.x + 1, point.y)


@task(executor="process")
def echo(value: Any) -> Any:
    return value


@task(executor="process")
def many_bytes(count: int) -> str:
    return "x" * count


@task(executor="process")
def segfault() -> None:
    ctypes.string_at(0)


@task(executor="process")
def end_at_once(code: int) -> None:
    os._exit(code)


@task(executor="process")
def end_politely(code: int) -> None:
    sys.exit(code)


@task(executor="process")
def kill_itself(number: int) -> None:
    os.kill(os.getpid(), number)
    signal.pause()


@task(executor="process")
def out_of_memory() -> None:
    raise MemoryError("as if")


@task(executor="process")
def fail(message: str) -> None:
    raise ValueError(message)


@task(executor="process")
def fail_unreadably() -> None:
    raise Unreadable(1, 2)


@task(executor="process")
def unpicklable() -> Any:
    return threading.Lock()


@task(executor="process")
def loop_for_ever(began: str) -> None:
    Path(began).write_text(str(os.getpid()))
    while True:
        pass


@task(executor="process")
def sleep_for_ever(began: str) -> None:
    Path(began).write_text(str(os.getpid()))
    time.sleep(3_600)


@task(executor="process")
def with_family(began: str) -> None:
    """Leaves a child, and a grandchild that was set apart, and both hold on to what is theirs."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    apart = (
        "import os, time\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid()\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(3600)"
    )
    between = subprocess.Popen([sys.executable, "-c", apart], stdout=subprocess.PIPE, text=True)
    assert between.stdout is not None
    grandchild = int(between.stdout.readline())
    between.wait()
    Path(began).write_text(f"{os.getpid()} {child.pid} {grandchild}")
    time.sleep(3_600)


@task(executor="process")
def polite(began: str) -> str:
    job = current_job()
    Path(began).touch()
    while not job.cancelled:
        pass
    job.raise_if_cancelled()
    return "not reached"


@task(executor="process")
async def asleep(began: str) -> None:
    Path(began).touch()  # noqa: ASYNC240
    await asyncio.sleep(3_600)


@task(executor="process")
async def asleep_after_a_note(began: str) -> None:
    """Is asked to stop while it keeps its loop from seeing that; its next note finds the request."""
    job: Any = current_job()
    Path(began).touch()  # noqa: ASYNC240
    select.select([job._dispatcher.channel], [], [])
    job.log("last words")
    await asyncio.sleep(3_600)


@task(executor="process")
async def notes_of_threads(count: int) -> int:
    """Has its threads note something while its loop runs, which hears what comes too."""
    job = current_job()
    await asyncio.gather(*[asyncio.to_thread(job.log, str(n)) for n in range(count)])
    return count


@task(executor="process")
async def leave_on_the_loop() -> None:
    """Leaves something that goes on once there is another job."""

    async def linger() -> None:
        job = current_job()
        while True:
            await asyncio.sleep(0)
            job.log("still here")

    state["left"] = asyncio.create_task(linger())  # type: ignore[assignment]


@task(executor="process")
def leave_a_thread() -> None:
    """Leaves a thread that notes something when it is told to, and remembers what came of it."""
    job = current_job()
    begin, done = threading.Event(), threading.Event()

    def note() -> None:
        begin.wait()
        state["noted"] = outcome(lambda: job.log("too late"))  # type: ignore[assignment]
        done.set()

    threading.Thread(target=note, daemon=True).start()
    state["left"] = begin, done  # type: ignore[assignment]


@task(executor="process")
def let_it_note() -> object:
    begin, done = cast("tuple[threading.Event, threading.Event]", state["left"])
    begin.set()
    done.wait()
    current_job().log("in time")
    return state["noted"]


def outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except Exception as error:  # noqa: BLE001
        return type(error).__name__
    return "none"


@task(executor="process")
async def double(value: int) -> int:
    await asyncio.sleep(0)
    return value * 2


@task(executor="process", retries=2, retry_delay="1ms")
def crash_until(attempt: int) -> int:
    number = current_job().attempt
    if number < attempt:
        os._exit(9)
    return number


@task(executor="process", retries=2, retry_delay="1ms")
def go_on() -> list[Any]:
    job = current_job()
    before = job.checkpoint() or []
    job.checkpoint([*before, job.attempt])
    if job.attempt < 3:
        os._exit(1)
    return job.checkpoint()


@task(executor="process", memory="64MB", timeout="5m")
def about() -> dict[str, Any]:
    job = current_job()
    job.progress(40, "nearly")
    job.log("first")
    job.log("second", level="warning")
    assert job.deadline is not None
    return {
        "id": job.id,
        "attempt": job.attempt,
        "task": job.task,
        "memory": job.memory,
        "deadline": job.deadline.timestamp(),
        "cancelled": job.cancelled,
        "daemon": job.daemon,
        "checkpoint": job.checkpoint(),
    }


@task(executor="process")
def wrong_notes() -> list[str]:
    job = current_job()
    return [refusal(lambda: job.progress(101)), refusal(lambda: job.checkpoint("x" * (1 << 21)))]


def refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except bursar.Invalid as error:
        return str(error)
    return "it was taken"


@task(executor="process", retries=1, retry_delay="1ms")
def says(what: str) -> None:
    if what == "retry":
        if current_job().attempt == 1:
            raise bursar.Retry("not yet", delay="1ms")
        return
    if what == "wrong delay":
        raise bursar.Retry("not yet", delay="3 lightyears")
    if what == "fail":
        raise bursar.Fail("no use")
    if what == "cancel":
        raise bursar.Cancel("enough")


@task(executor="process")
def submits() -> None:
    add.submit(1, 2)


@task(executor="process")
def title() -> str:
    return Path("/proc/self/cmdline").read_text()


@task(executor="process")
def session() -> tuple[int, int, int]:
    return os.getsid(0), os.getpgid(0), os.getpid()


@task(executor="process")
def threads() -> int:
    return threading.active_count()


@task(executor="process")
def grow(megabytes: int) -> int:
    state["kept"] = bytearray(megabytes << 20)  # type: ignore[assignment]
    return os.getpid()


@task(executor="process")
def take(megabytes: int) -> int:
    """Takes memory and gives it back."""
    return len(bytearray(megabytes << 20)) >> 20


@task(executor="process")
def share(megabytes: int) -> None:
    """Takes memory that no limit on what a process may reserve counts, and holds it."""
    shared = mmap.mmap(-1, megabytes << 20)
    for page in range(0, megabytes << 20, mmap.PAGESIZE):
        shared[page] = 1
    time.sleep(3_600)


@task(executor="process")
def start_one_that_takes(megabytes: int) -> None:
    """Has a child that holds so much memory, as `share` does."""
    take = (
        "import mmap, time\n"
        f"shared = mmap.mmap(-1, {megabytes} << 20)\n"
        "for page in range(0, len(shared), mmap.PAGESIZE): shared[page] = 1\n"
        "time.sleep(3600)"
    )
    subprocess.run([sys.executable, "-c", take], check=True)


@task(executor="process")
def open_files(count: int) -> None:
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(count)]
    time.sleep(3_600)
    print(held)


@task(executor="process")
def speak() -> None:
    print("from a process")


def plain(value: int) -> int:
    return value * 10


@task(executor="process")
def count_in_a_child(counter: str) -> None:
    """Has a child in a session of its own write on and on."""
    code = f"import os\nf = open({counter!r}, 'ab', 0)\nwhile True: f.write(b'x')"
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    Path(counter).with_name("pids").write_text(f"{os.getpid()} {child.pid}")
    while not current_job().cancelled:
        time.sleep(0.01)
    child.kill()
    child.wait()
    current_job().raise_if_cancelled()


BURN = "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done"


def used_by_children() -> float:
    from resource import RUSAGE_CHILDREN, getrusage

    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@task(executor="process")
def burn_in_a_child() -> float:
    """Returns the processor time of a process that it waits for."""
    before = used_by_children()
    subprocess.run(["/bin/sh", "-c", BURN], check=True)
    return used_by_children() - before


left: list[subprocess.Popen[bytes]] = []


@task(executor="process")
def leave_a_child_that_burns() -> None:
    left.append(subprocess.Popen(["/bin/sh", "-c", BURN]))


@task(executor="process")
def see_what_is_left_end() -> None:
    os.waitid(os.P_PID, left[0].pid, os.WEXITED | os.WNOWAIT)


@task(executor="process")
def wait_for_what_is_left() -> float:
    """Returns the processor time of a process that an earlier job has started."""
    before = used_by_children()
    left.pop().wait()
    return used_by_children() - before
