"""Which part of a job takes its time, from the micro benches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.rows import Row

# A whole job on one thread, and those parts of it that are measured alone.
WHOLE = "engine/submit_take_finish/1"
PARTS = {
    "store": "store/submit_claim_finish/1",
    "scheduler": "scheduler/insert_and_next/0",
    "ledger": "ledger/reserve_and_release/0",
    "signal": "signal/set_and_get",
}


def shares(rows: list[Row]) -> str:
    """One sentence; empty where a bench it needs was left out."""
    times = {row.name: row.value for row in rows}
    if any(name not in times for name in (WHOLE, *PARTS.values())):
        return ""
    parts = {part: times[name] for part, name in PARTS.items()}
    # Locks between the parts, the hand-over to the executor, events, and reading the clock.
    parts["the engine between them"] = times[WHOLE] - sum(parts.values())
    told = (f"{part} {time:.0f} ns ({time / times[WHOLE]:.0%})" for part, time in parts.items())
    return f"Of the {times[WHOLE]:.0f} ns of `{WHOLE}`: {', '.join(told)}."
