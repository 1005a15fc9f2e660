"""The table of ratios, for the terminal and for RESULTS.md."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from harness import micro
from harness.parts import BENCHES, PARTS
from harness.results import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.rows import Row

PATH = BENCHES / "RESULTS.md"
HEADINGS = ("work", "ours", "peer", "ratio", "bar", "stretch", "verdict")
Cells = tuple[str, ...]
Results = dict[str, Result]

PREFACE = """# Results

Written by `make bench`, or by `benches/run`; not by hand. [README.md](README.md) says what each row measures.

A ratio is ours over the peer's: the median over rounds in which both took turns, or that of the medians. For
jobs/s more is better, for all else less is. **stretch** and **met** are bars that hold, **MISSED** is one
that doesn't.
"""


def missed(known: Results) -> list[Row]:
    return [row for row in _rows(known) if row.verdict == "missed"]


def terminal(known: Results) -> str:
    """All rows of whole jobs; those of the parts of one were shown when they came."""
    table = [HEADINGS, *(_cells(row) for row in [*_barred(known), *_beside(known)])]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) for cells in table
    ]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in [*lines, *_warnings(known)])


def write(known: Results) -> None:
    PATH.write_text("\n".join(_document(known)), "utf-8")


def figures(known: Results, part: str) -> Iterable[str]:
    """The rows of one part, bars or not, and where they come from."""
    result = known[part]
    rows = [(cells[0].removeprefix(f"{part}/"), *cells[1:4]) for cells in map(_cells, result.rows)]
    yield from _markdown(HEADINGS[:4], rows)
    machine = f"{result.machine['cores']} cores, {result.machine['processor']}"
    busy = "; others kept the machine busy, so these only hint" if result.busy else ""
    yield f"\nMeasured {result.date[:10]} on {machine}{busy}."


def _document(known: Results) -> Iterable[str]:
    yield PREFACE
    yield from _warnings(known)
    yield "## The bars\n"
    yield from _markdown(HEADINGS, map(_cells, _barred(known)))
    yield "\n## Beside others, and the rest\n"
    yield from _markdown(HEADINGS[:4], (_cells(row)[:4] for row in _beside(known)))
    if "micro" in known:
        yield "\n## What the parts of a job cost\n"
        yield from _markdown(("bench", "median"), map(_micro, known["micro"].rows))
        yield f"\n{micro.shares(known['micro'].rows)}"
    yield "\n## How it was measured\n"
    yield from _provenance(known)
    yield ""


def _rows(known: Results) -> list[Row]:
    return [row for name in PARTS if name in known and name != "micro" for row in known[name].rows]


def _barred(known: Results) -> list[Row]:
    return [row for row in _rows(known) if row.bar is not None]


def _beside(known: Results) -> list[Row]:
    return [row for row in _rows(known) if row.bar is None]


def _cells(row: Row) -> Cells:
    peer = (
        f"{row.peer}: {_figure(row.peer_value)} {row.unit}" if row.peer_value is not None else row.peer or ""
    )
    return (
        row.name,
        f"{_figure(row.value)} {row.unit}",
        peer,
        _ratio(row.ratio),
        row.bar.text(row.unit) if row.bar else "",
        row.stretch.text(row.unit) if row.stretch else "",
        "MISSED" if row.verdict == "missed" else row.verdict,
    )


def _micro(row: Row) -> Cells:
    return row.name, f"{_figure(row.value)} {row.unit}"


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.2f}x" if ratio >= 0.1 else f"{ratio:.1g}x"


def _figure(value: float | None) -> str:
    if value is None:
        return "nothing"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _markdown(headings: Cells, rows: Iterable[Cells]) -> Iterable[str]:
    """A column of figures is read from its right edge."""
    edges = ("---:" if heading in {"ours", "ratio", "median"} else "---" for heading in headings)
    yield f"| {' | '.join(headings)} |"
    yield f"| {' | '.join(edges)} |"
    for cells in rows:
        emphasized = (f"**{cell}**" if cell == "MISSED" else cell.replace("|", "\\|") for cell in cells)
        yield f"| {' | '.join(emphasized)} |"


def _warnings(known: Results) -> list[str]:
    """What makes the figures worth less than they look."""
    lacking = [name for name in PARTS if name not in known]
    busy = [name for name in PARTS if name in known and known[name].busy]
    notes: list[str] = []
    if lacking:
        notes.append(f"Not measured yet: {', '.join(lacking)}.\n")
    if busy:
        notes.append(f"Others kept the machine busy, so these only hint: {', '.join(busy)}.\n")
    return notes


def _provenance(known: Results) -> Iterable[str]:
    parts = [(name, known[name]) for name in PARTS if name in known]
    headings = ("part", "command", "ended (UTC)", "took", "others", "versions")
    yield from _markdown(headings, (_origin(name, result) for name, result in parts))
    yield ""
    machines = groupby(parts, key=lambda part: part[1].machine)
    for machine, of_machine in machines:
        names = ", ".join(name for name, _ in of_machine)
        yield f"- {names}: {machine['cores']} cores, {machine['processor']}, {machine['system']}"


def _origin(name: str, result: Result) -> Cells:
    """Others: the share of all cores that other programs took meanwhile."""
    versions = ", ".join(f"{what} {version}" for what, version in result.versions.items())
    when = result.date.replace("T", " ")[:16]
    return name, f"`{result.command}`", when, f"{result.seconds} s", f"{result.others:.0%}", versions
