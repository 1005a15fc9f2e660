"""The figures in the documents, each between two markers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import report
from harness.process import ROOT, BenchError

if TYPE_CHECKING:
    from pathlib import Path

    from harness.report import Results

DOCS = ROOT / "docs"
PATHS = {"durable": DOCS / "durability.md", "matrices": DOCS / "isolation.md"}
BEGIN, END = "<!-- figures: written by benches/run -->", "<!-- end of figures -->"


def write(known: Results) -> None:
    """Writes the rows of each part that a document shows; leaves those as they are that were not measured."""
    for part, path in PATHS.items():
        if part in known:
            _write(path, "\n".join(report.figures(known, part)))


def _write(path: Path, lines: str) -> None:
    text = path.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchError(f"{path.name} has no {BEGIN if not begin else END}")
    path.write_text(f"{before}{BEGIN}\n\n{lines}\n\n{END}{after}", "utf-8")
