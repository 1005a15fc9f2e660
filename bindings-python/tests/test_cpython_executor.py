"""CPython's own tests of thread pools, run against `engine.executor()`.

They are imported from the interpreter: `BURSAR_CPYTHON_TESTS` names the folder of its tests where it came
without them. Left out are tests of ThreadPoolExecutor's private attributes and of its constructor, each
with its reason.
"""

from __future__ import annotations

import importlib
import os
import sys
import unittest
from typing import Any

import pytest

from bursar import Engine, JobExecutor, _notices

pytest.importorskip("test")
import test as cpython_tests

if os.environ.get("BURSAR_CPYTHON_TESTS"):
    cpython_tests.__path__.append(os.environ["BURSAR_CPYTHON_TESTS"])

PACKAGE = "test.test_concurrent_futures"

LEFT_OUT = {
    # The constructor of ThreadPoolExecutor and what it keeps privately.
    "test_default_workers": "reads the private _max_workers",
    "test_max_workers_negative": "calls the constructor",
    "test_max_workers_too_large": "calls the constructor",
    "test_thread_initializer": "reads private names of threads, given to the constructor",
    "test_initializer": "an argument of the constructor",
    "test_initargs": "an argument of the constructor",
    "test_saturation": "reads the private _work_queue and _idle_semaphore",
    "test_idle_thread_reuse": "reads the private _threads",
    "test_threads_terminate": "reads the private _threads",
    "test_del_shutdown": "reads the private _threads",
    "test_context_manager_shutdown": "reads the private _threads",
    "test_shutdown_no_wait": "reads the private _threads",
    "test_thread_names_assigned": "reads the private _threads",
    "test_thread_names_default": "reads the private _threads",
    "test_executor_map_current_future_cancel": "patches the private _WorkItem",
    # Programs of their own that name ThreadPoolExecutor in their text.
    "test_interpreter_shutdown": "its program imports ThreadPoolExecutor by name",
    "test_submit_after_interpreter_shutdown": "its program imports ThreadPoolExecutor by name",
    "test_cancel_futures_wait_false": "its program imports ThreadPoolExecutor by name",
    "test_hang_gh83386": "its program imports ThreadPoolExecutor by name",
    "test_hang_gh94440": "its program calls the constructor of a process pool",
}


_notices.start_notifier()  # it stays, and must not be taken for a thread that a test left behind


class _OwnEngine(JobExecutor):
    """The executor of an engine of its own, made as CPython's tests make a pool."""

    def __init__(self, max_workers: int | None = None) -> None:
        self.engine = Engine("memory:", **({"concurrency": max_workers} if max_workers else {}))
        super().__init__(self.engine, {})

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait, cancel_futures=cancel_futures)
        if wait:
            self.engine.shutdown()


def _class(module: str, name: str) -> type[unittest.TestCase]:
    """A test class of CPython that makes our executor."""
    found = getattr(importlib.import_module(f"{PACKAGE}.{module}" if PACKAGED else PACKAGE), name)
    body: dict[str, Any] = {"executor_type": _OwnEngine, "__module__": __name__}
    for test, reason in LEFT_OUT.items():
        if hasattr(found, test):
            body[test] = unittest.skip(reason)(getattr(found, test))
    return type(name, (found,), body)


PACKAGED = sys.version_info >= (3, 12)
ThreadPoolShutdownTest = _class("test_shutdown", "ThreadPoolShutdownTest")
ThreadPoolWaitTests = _class("test_wait", "ThreadPoolWaitTests")
ThreadPoolAsCompletedTests = _class("test_as_completed", "ThreadPoolAsCompletedTest")
ThreadPoolExecutorTest = _class("test_thread_pool", "ThreadPoolExecutorTest")
