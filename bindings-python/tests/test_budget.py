from __future__ import annotations

import threading

import pytest
from conftest import PATIENCE, Gate

import bursar
from bursar import Engine, current_job, task


def test_eight_fit_and_the_ninth_says_why_it_waits(gate: Gate) -> None:
    with Engine("memory:", memory="256MB", concurrency=32) as engine:

        @task
        def hold() -> int:
            gate.wait()
            return current_job().memory

        jobs = [hold.submit() for _ in range(9)]
        gate.until(8)
        ninth = jobs[8]
        assert [job.state for job in jobs] == ["running"] * 8 + ["queued"]
        memory = engine.stats().budget.memory
        assert (memory.total, memory.reserved) == (256_000_000, 256_000_000)
        why = ninth.why()
        (reason,) = [reason for reason in why.reasons if reason.dimension == "memory"]
        assert (reason.kind, reason.needs, reason.free, reason.total) == (
            "budget",
            32_000_000,
            0,
            256_000_000,
        )
        assert set(reason.held_by) == {job.id for job in jobs[:8]}
        assert "memory: needs 32MB" in str(why)
        gate.open()
        assert [job.result(PATIENCE) for job in jobs] == [32_000_000] * 9


def test_what_could_never_fit_is_refused_at_submit() -> None:
    with Engine("memory:", memory="256MB") as engine:

        @task(memory="300MB")
        def huge() -> None: ...

        with pytest.raises(bursar.BudgetExceeded, match=r"(?s)300MB.*256MB"):
            huge.submit()
        assert issubclass(bursar.BudgetExceeded, ValueError)
        assert engine.count() == 0
        assert engine.submit(len, "it goes on").result(PATIENCE) == 10


def test_tokens_bound_what_runs_at_once() -> None:
    most, now, lock = [0], [0], threading.Lock()
    with Engine("memory:", tokens={"gpu": 2}, concurrency=8) as engine:

        @task(tokens={"gpu": 1})
        def draw() -> None:
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            engine.stats()
            with lock:
                now[0] -= 1

        for job in [draw.submit() for _ in range(200)]:
            job.result(PATIENCE)
        assert 1 <= most[0] <= 2
        assert engine.stats().budget.tokens["gpu"].total == 2
        with pytest.raises(bursar.BudgetExceeded, match="gpu"):
            draw.options(tokens={"gpu": 3}).submit()
        with pytest.raises(bursar.BudgetExceeded) as caught:
            draw.options(tokens={"tpu": 2}).submit()
    words = 'needs 2 of token "tpu" and the engine has none of it: open the engine with 2 or more of it'
    # The same in every language, so no language's syntax.
    assert words in str(caught.value)
    assert "{" not in str(caught.value)


def test_a_thread_that_ignores_its_cancel_keeps_its_permit(gate: Gate) -> None:
    with Engine("memory:", memory="64MB", default_memory="64MB", grace="10ms") as engine:
        job = engine.submit(gate.wait)
        gate.until(1)
        assert job.cancel("enough")
        with pytest.raises(bursar.JobCancelled, match="enough"):
            job.result(PATIENCE)
        assert gate.inside == 1
        assert engine.stats().budget.memory.reserved == 64_000_000
        following = engine.submit(lambda: "ran")
        assert following.state == "queued"
        gate.open()
        assert following.result(PATIENCE) == "ran"


def test_priorities_are_strict(gate: Gate) -> None:
    order: list[str] = []
    with Engine("memory:", concurrency={"thread": 1}) as engine:
        engine.submit(gate.wait)
        gate.until(1)

        @task
        def note(name: str) -> None:
            order.append(name)

        for priority in ("low", "normal", "high", "critical"):
            note.options(priority=priority).submit(priority)
        gate.open()
    assert order == ["critical", "high", "normal", "low"]


def test_memory_stays_flat_after_many_jobs() -> None:
    import gc
    import resource

    @task
    def carry(load: bytes) -> bytes:
        return load

    def burst() -> int:
        with Engine("memory:", max_results=10) as engine:
            for _ in range(5):
                for job in [carry.submit(bytes(10_000)) for _ in range(2_000)]:
                    job.result(PATIENCE)
            assert engine.count() <= 10
        gc.collect()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    burst()
    first = burst()
    for _ in range(3):
        last = burst()
    # 100 MB went through each burst; the peak may only move by what an allocator keeps.
    assert last - first < 20_000
