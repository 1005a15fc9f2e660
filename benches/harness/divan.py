"""Reads the table that divan prints: a tree of names, and columns under headings."""

from __future__ import annotations

from harness.rows import Row, RowError

NANOSECONDS = {"ps": 1e-3, "ns": 1.0, "µs": 1e3, "ms": 1e6, "s": 1e9}
# The width of "├─ " and its like: one level of the tree.
INDENT = 3


def rows(output: str) -> list[Row]:
    """One row for each bench: the median of a call, in nanoseconds."""
    found: list[Row] = []
    path: list[str] = []
    median = None
    for line in output.splitlines():
        if "fastest" in line and "median" in line:
            median = [cell.strip() for cell in line.split("│")].index("median")
            path = []
        elif median is not None and line.strip():
            _read(line, median, path, found)
    if not found:
        raise RowError("divan printed no table with a median")
    return found


def _read(line: str, median: int, path: list[str], found: list[Row]) -> None:
    """The tree is drawn left of the name, and the first figure stands behind it."""
    stem = line.lstrip("│├╰─ ")
    depth = (len(line) - len(stem)) // INDENT
    name, *first = stem.split("  ", 1)
    del path[depth - 1 :]
    path.append(name.strip())
    cells = [first[0] if first else "", *stem.split("│")[1:]]
    if len(cells) > median and cells[median].strip():
        found.append(Row(name="/".join(path), value=_nanoseconds(cells[median]), unit="ns"))


def _nanoseconds(cell: str) -> float:
    number, _, unit = cell.strip().partition(" ")
    if unit not in NANOSECONDS:
        raise RowError(f"{cell.strip()!r} is no time that divan prints")
    return float(number) * NANOSECONDS[unit]
