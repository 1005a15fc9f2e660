"""The interpreter ends at once and cleanly, whatever engines are doing."""

from __future__ import annotations

import os
import sys
import time

import pytest
from conftest import Script  # noqa: TC002

STATES = {
    "imported": "",
    "open": "engine = Engine()",
    "default engine": "task(print).submit('hello').result()",
    "dropped": "Engine().submit(print)",
    "closed": "engine = Engine(); engine.submit(print).result(); engine.shutdown()",
    "idle threads": "engine = Engine(); engine.submit(len, []).result()",
    "a thread that sleeps": """
        engine = Engine(); began = threading.Event()
        engine.submit(lambda: (began.set(), time.sleep(600)))
        began.wait()
    """,
    "threads that spin": """
        engine = Engine(); began = threading.Barrier(5)
        def spin():
            began.wait()
            while True: pass
        for _ in range(4): engine.submit(spin)
        began.wait()
    """,
    "a coroutine that waits": """
        engine = Engine(); began = threading.Event()
        async def wait():
            began.set()
            await asyncio.Event().wait()
        engine.submit(wait)
        began.wait()
    """,
    "a coroutine that blocks its loop": """
        engine = Engine(); began = threading.Event()
        async def block():
            began.set()
            time.sleep(600)
        engine.submit(block)
        began.wait()
    """,
    "a coroutine that spins": """
        engine = Engine(); began = threading.Event()
        async def spin():
            began.set()
            while True: pass
        engine.submit(spin)
        began.wait()
    """,
    "many queued": """
        engine = Engine(); gate = threading.Event()
        for _ in range(2_000): engine.submit(gate.wait)
    """,
    "a burst": """
        engine = Engine()
        async def nothing(): pass
        for _ in range(20_000): engine.submit(int); engine.submit(nothing)
    """,
    "scheduled and retrying": """
        engine = Engine()
        @task(retries=10**6, retry_delay="1ms", backoff="fixed")
        def fails(): raise ValueError
        for _ in range(20): engine.submit(fails)
        engine.submit(task(delay="1ms")(print))
    """,
    "a wait in another thread": """
        engine = Engine(); gate = threading.Event()
        job = engine.submit(gate.wait)
        threading.Thread(target=job.result, daemon=True).start()
    """,
    "callbacks": """
        engine = Engine(); gate = threading.Event(); began = threading.Event()
        for _ in range(6):
            engine.submit(gate.wait).add_done_callback(lambda job: (began.set(), time.sleep(600)))
        gate.set(); began.wait()
    """,
    "an executor": """
        engine = Engine(); pool = engine.executor()
        pool.submit(pow, 2, 3).result()
    """,
    "sys.exit inside of a block": """
        with Engine() as engine:
            engine.submit(time.sleep, 600)
            sys.exit(0)
    """,
    "several engines": "engines = [Engine() for _ in range(20)]; [engine.submit(int) for engine in engines]",
}


@pytest.mark.parametrize("body", STATES.values(), ids=STATES.keys())
def test_it_ends(script: Script, body: str) -> None:
    began = time.monotonic()
    done = script(body if "\n" in body else f"\n{body}\n", timeout=25)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    # The shutdown of the block waits for its grace of 5 s, and for nothing else.
    assert time.monotonic() - began < 15


def test_it_ends_again_and_again(script: Script) -> None:
    """Threads are unwound at different places each time."""
    body = """
        engine = Engine(concurrency=8)
        stop = time.monotonic() + 0.05
        async def nap(): await asyncio.sleep(0)
        while time.monotonic() < stop:
            engine.submit(sum, range(1000)); engine.submit(nap); engine.submit(time.sleep, 0.001)
    """
    for _ in range(20):
        done = script(body)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_is_told(script: Script) -> None:
    done = script("""
        import warnings
        warnings.simplefilter("ignore")
        engine = Engine()
        assert task(len).submit("abc").result() == 3
        engine.submit(len, "abc").result()
        job = engine.submit(threading.Event().wait)
        pid = os.fork()
        if pid == 0:
            for use in (
                lambda: engine.submit(len, "abc"), lambda: engine.stats(), lambda: job.result(),
                lambda: job.cancel(), lambda: job.info(), lambda: engine.drain(), lambda: engine.shutdown(),
                lambda: job.events(),
            ):
                try:
                    use()
                except bursar.Error as error:
                    assert "fork" in str(error), error
                else:
                    os._exit(3)
            with Engine() as own:
                assert own.submit(len, "abcd").result(10) == 4
            assert task(len).submit("abc").result(10) == 3
            os._exit(5)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), job.state, engine.count())
        sys.stdout.flush()
    """)
    assert done.stdout.split() == ["5", "running", "2"], done.stderr
    assert (done.returncode, done.stderr) == (0, "")


def test_other_interpreters_are_refused(script: Script) -> None:
    name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    done = script(f"""
        import {name} as interpreters
        other = interpreters.create()
        try:
            failed = interpreters.run_string(other, "import bursar")
            print("refused" if failed else "taken")
        except interpreters.RunFailedError as error:
            print("refused", "ImportError" in str(error))
    """)
    assert "refused" in done.stdout, done.stderr
    assert done.returncode == 0
