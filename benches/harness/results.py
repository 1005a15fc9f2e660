"""benches/results.json: the last rows of every part, and how they came about."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from harness import rows, versions
from harness.parts import BENCHES, PARTS, Part
from harness.process import BenchError

if TYPE_CHECKING:
    from harness.rows import Row

PATH = BENCHES / "results.json"
# From this share of the machine on, others may have moved a figure by as much as a bar's margin.
BUSY = 0.1


@dataclass(frozen=True)
class Result:
    """One part's rows, and what they depend on."""

    date: str
    seconds: int
    # The share of all cores that others took meanwhile.
    others: float
    command: str
    machine: dict[str, Any]
    versions: dict[str, str]
    rows: list[Row]

    @property
    def busy(self) -> bool:
        """Whether others kept the machine busy: then the figures only hint."""
        return self.others > BUSY


def of(part: Part, others: float, seconds: float, found: list[Row]) -> Result:
    return Result(
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        seconds=round(seconds),
        others=round(others, 3),
        command=part.shown,
        machine=versions.machine(),
        versions=versions.of(part),
        rows=found,
    )


def load() -> dict[str, Result]:
    """What was measured before, in the order of the parts; nothing at first."""
    if not PATH.exists():
        return {}
    try:
        stored = json.loads(PATH.read_text("utf-8"))
        return {name: _read(stored[name]) for name in PARTS if name in stored}
    except (KeyError, TypeError, ValueError) as error:
        raise BenchError(f"{PATH.name} can't be read ({error!r}); delete it and measure all parts") from error


def save(known: dict[str, Result]) -> None:
    parts = {name: {**asdict(known[name]), "rows": _raw(known[name])} for name in PARTS if name in known}
    PATH.write_text(json.dumps(parts, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _raw(result: Result) -> list[dict[str, Any]]:
    return [rows.raw(row) for row in result.rows]


def _read(stored: dict[str, Any]) -> Result:
    return Result(**{**stored, "rows": [rows.of(row) for row in stored["rows"]]})
