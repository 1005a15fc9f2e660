"""One measured row, as the bench programs print them: a JSON object a line."""

from __future__ import annotations

import json
import operator
import re
from dataclasses import dataclass
from typing import Any

# A bar may say which way it points and what it holds for ("<= 10 us", ">= 0.5x"). A bare number
# holds for the ratio where there is a peer and for the value where there is none, and more is
# better only for these units.
MORE_IS_BETTER = {"jobs/s"}
SPELLED = re.compile(r"^(>=|<=|<|>) ?([\d.]+) ?(\S*)$")
COMPARE = {">=": operator.ge, "<=": operator.le, "<": operator.lt, ">": operator.gt}


class RowError(ValueError):
    """A line that keeps to no contract."""


@dataclass(frozen=True)
class Bar:
    """What a row is held to."""

    sign: str
    limit: float
    of_ratio: bool

    def holds(self, row: Row) -> bool:
        figure = row.ratio if self.of_ratio else row.value
        return figure is not None and COMPARE[self.sign](figure, self.limit)

    def text(self, unit: str) -> str:
        return f"{self.sign} {self.limit:g}{'x' if self.of_ratio else ' ' + unit}"


@dataclass(frozen=True)
class Row:
    """A figure of ours, beside that of a peer where there is one."""

    name: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None
    bar: Bar | None = None
    stretch: Bar | None = None

    @property
    def verdict(self) -> str:
        """`stretch`, `met` or `missed`; nothing where there is no bar."""
        if self.bar is None:
            return ""
        if not self.bar.holds(self):
            return "missed"
        return "stretch" if self.stretch is not None and self.stretch.holds(self) else "met"


def parse(line: str) -> Row:
    """Reads one line; raises RowError for one that can't be a row."""
    try:
        return of(json.loads(line))
    except (KeyError, TypeError, ValueError) as error:
        raise RowError(f"{error!r} in the line {line.strip()!r}") from error


def of(raw: dict[str, Any]) -> Row:
    value, peer_value = float(raw["value"]), _number(raw.get("peer_value"))
    # A program that takes turns may know better than the quotient: the median of its rounds' ratios.
    ratio = _number(raw.get("ratio")) or (value / peer_value if peer_value else None)
    unit = str(raw["unit"])
    return Row(
        name=str(raw["name"]),
        value=value,
        unit=unit,
        peer=raw.get("peer"),
        peer_value=peer_value,
        ratio=ratio,
        bar=_bar(raw.get("bar"), unit, has_peer=ratio is not None),
        stretch=_bar(raw.get("stretch"), unit, has_peer=ratio is not None),
    )


def of_output(output: str) -> list[Row]:
    """The rows among the lines that a program printed; others are for people."""
    return [parse(line) for line in output.splitlines() if line.startswith("{")]


def brief(line: str) -> str:
    """A line for people: a row without its braces, any other as it is."""
    if not line.startswith("{"):
        return line
    try:
        row = parse(line)
    except RowError:
        return line
    beside = f", {row.ratio:.2f}x {row.peer}" if row.ratio is not None else ""
    return f"{row.name}: {row.value:,.4g} {row.unit}{beside}"


def raw(row: Row) -> dict[str, Any]:
    """The row as `of` takes it."""
    bars = {key: bar and bar.text(row.unit) for key, bar in (("bar", row.bar), ("stretch", row.stretch))}
    fields = ("name", "value", "unit", "peer", "peer_value", "ratio")
    return {**{field: getattr(row, field) for field in fields}, **bars}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _bar(spec: Any, unit: str, *, has_peer: bool) -> Bar | None:
    if spec is None:
        return None
    if isinstance(spec, str):
        spelled = SPELLED.match(spec)
        if spelled is None:
            raise RowError(f"{spec!r} is no bar; write one as '>= 0.5x' or '<= 10 us'")
        sign, limit, what = spelled.groups()
        # Where there is no peer, the value itself may be a number of times.
        return Bar(sign, float(limit), of_ratio=what == "x" and has_peer)
    return Bar(">=" if unit in MORE_IS_BETTER else "<=", float(spec), of_ratio=has_peer)
