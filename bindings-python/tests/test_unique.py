from __future__ import annotations

import threading

import pytest
from conftest import PATIENCE, Gate

import bursar
from bursar import Engine, task

ROUNDS, THREADS = 3_000, 8


def test_concurrent_submits_of_one_key_make_one_job() -> None:
    ran: list[str] = []
    made: list[set[str]] = [set() for _ in range(ROUNDS)]
    fresh: list[int] = []
    with Engine("memory:", run=False) as engine:

        @task(unique="round:{number}")
        def once(number: int) -> None:
            ran.append("")

        together = threading.Barrier(THREADS)

        def submit_all() -> None:
            for number in range(ROUNDS):
                together.wait(PATIENCE)
                job = once.submit(number)
                made[number].add(job.id)
                if not job.deduplicated:
                    fresh.append(number)

        threads = [threading.Thread(target=submit_all) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE * 4)
        assert [len(ids) for ids in made] == [1] * ROUNDS
        assert sorted(fresh) == list(range(ROUNDS))
        assert engine.count() == ROUNDS
        engine.shutdown(0)


def test_keys_come_from_templates_and_functions(engine: Engine, gate: Gate) -> None:
    @task(unique="resize:{path}:{width}")
    def resize(path: str, width: int = 100) -> str:
        gate.wait()
        return path

    @task(unique=lambda path: f"hash:{path}")
    def digest(path: str) -> str:
        gate.wait()
        return path

    first = resize.submit("a")
    assert first.info().unique == "resize:a:100"
    again = resize.submit(path="a", width=100)
    assert (again.id, again.deduplicated, first.deduplicated) == (first.id, True, False)
    assert resize.submit("a", 200).id != first.id
    assert digest.submit("a").info().unique == "hash:a"
    assert resize.options(unique="fixed").submit("b").info().unique == "fixed"
    gate.open()
    assert first.result(PATIENCE) == again.result(PATIENCE) == "a"
    assert resize.submit("a").deduplicated is False


def test_keys_that_cannot_be_made(engine: Engine) -> None:
    @task(unique="resize:{missing}")
    def resize(path: str) -> None: ...

    with pytest.raises(bursar.Invalid, match=r"resize:\{missing\}"):
        resize.submit("a")
    with pytest.raises(bursar.Invalid, match="unique"):
        resize.options(unique=lambda path: "\0").submit("a")
    with pytest.raises(bursar.Invalid, match="unique"):
        resize.options(unique=lambda path: None).submit("a")  # type: ignore[arg-type,return-value]
    assert engine.count() == 0
