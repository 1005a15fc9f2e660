"""Fixtures for pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bursar import Engine
    from bursar.testing import EagerEngine, ManualClock


@pytest.fixture
def bursar_engine() -> Iterator[Engine]:
    """Gives an engine in memory that encodes arguments and results, entered as the current one."""
    from bursar import Engine  # noqa: PLC0415 costs nothing where nobody asks for it

    with Engine("memory:", strict=True) as engine:
        yield engine


@pytest.fixture
def bursar_clock() -> ManualClock:
    """Gives a clock that stands still until it is moved."""
    from bursar.testing import ManualClock  # noqa: PLC0415

    return ManualClock()


@pytest.fixture
def bursar_eager() -> Iterator[EagerEngine]:
    """Gives an engine that runs each job at once in its submitter, entered as the current one."""
    from bursar.testing import eager  # noqa: PLC0415

    with eager() as engine:
        yield engine
