"""FlexiQ and DBOS on an SQLite file, by settings that they document: the contenders of durable_peers.py."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Protocol

import flexiq
import sqlalchemy
from dbos import DBOS, DBOSClient

if TYPE_CHECKING:
    from pathlib import Path

    from countdown import Countdown


class Peer(Protocol):
    """A task queue with its workers, on one file."""

    def submit(self) -> None: ...

    def submit_many(self, jobs: int) -> None: ...

    def recorded(self) -> int:
        """How many jobs are on record as ended well."""
        ...

    def close(self) -> None: ...


class FlexiQ:
    """Its scheduler polls the file; both settings are those that its page on benchmarks gives.

    `push_dispatch` would wake it sooner, but in 2.1.0 leaves jobs lying for minutes.
    """

    def __init__(self, path: Path, ran: Countdown, workers: int) -> None:
        self._queue = flexiq.Queue(
            str(path), workers=workers, scheduler_poll_interval_ms=10, scheduler_batch_size=64
        )

        @self._queue.task(name="noop")
        def noop() -> None:
            ran.one()

        self._noop = noop
        self._worker = threading.Thread(target=self._queue.run_worker, daemon=True)
        self._worker.start()

    def submit(self) -> None:
        self._noop.delay()

    def submit_many(self, jobs: int) -> None:
        """In one transaction."""
        self._noop.map([()] * jobs)

    def recorded(self) -> int:
        return self._queue.stats()["completed"]

    def close(self) -> None:
        self._queue.shutdown()
        self._worker.join(timeout=30)


class Dbos:
    """Workflows without steps, on a queue. It listens on no port."""

    # Seconds between two looks at the queue; its default is one.
    POLL = 0.05

    def __init__(self, path: Path, ran: Countdown, workers: int) -> None:
        self._path = path
        url = f"sqlite:///{path}"
        DBOS(config={"name": "bench", "system_database_url": url})

        @DBOS.workflow(name="noop")
        def noop() -> None:
            ran.one()

        self._noop = noop
        DBOS.launch()
        self._queue = DBOS.register_queue("jobs", worker_concurrency=workers, polling_interval_sec=self.POLL)
        self._engine = sqlalchemy.create_engine(url)
        self._client = DBOSClient(system_database_url=url)

    def submit(self) -> None:
        self._queue.enqueue(self._noop)

    def submit_many(self, jobs: int) -> None:
        """It has no call for many, but one that leaves the commit to its caller."""
        with self._engine.begin() as transaction:
            for _ in range(jobs):
                self._client.enqueue_in_transaction(
                    transaction, {"queue_name": "jobs", "workflow_name": "noop"}
                )

    def recorded(self) -> int:
        """Counted in the file, which is kinder than reading each result."""
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as file:
            query = "SELECT count(*) FROM workflow_status WHERE status = 'SUCCESS'"
            return int(file.execute(query).fetchone()[0])

    def close(self) -> None:
        self._client.destroy()
        self._engine.dispose()
        DBOS.destroy(destroy_registry=True)
