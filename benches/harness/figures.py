"""The figures in docs/durability.md, between two markers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import report
from harness.process import ROOT, BenchError

if TYPE_CHECKING:
    from harness.report import Results

PATH = ROOT / "docs" / "durability.md"
BEGIN, END = "<!-- figures: written by benches/run -->", "<!-- end of figures -->"


def write(known: Results) -> None:
    """Writes the rows of the part `durable`; leaves them as they are where it was not measured."""
    if "durable" not in known:
        return
    text = PATH.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchError(f"{PATH.name} has no {BEGIN if not begin else END}")
    lines = "\n".join(report.figures(known, "durable"))
    PATH.write_text(f"{before}{BEGIN}\n\n{lines}\n\n{END}{after}", "utf-8")
