"""How busy others kept the machine while a part ran: what makes its figures doubtful."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

STAT = Path("/proc/stat")


@dataclass(frozen=True)
class Meter:
    """Processor seconds so far: of the whole machine, and of what we started and waited for."""

    wall: float
    machine: float
    ours: float

    @classmethod
    def start(cls) -> Meter:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cls(time.monotonic(), _machine(), children.ru_utime + children.ru_stime)

    def others(self) -> float:
        """The share of all cores that others took since then, from 0 to 1; 0 where nothing tells."""
        now = Meter.start()
        cores = os.cpu_count() or 1
        taken = (now.machine - self.machine) - (now.ours - self.ours)
        return min(max(taken / (cores * (now.wall - self.wall)), 0.0), 1.0)


def _machine() -> float:
    """User, nice, system, interrupts and what the host took away (man proc_stat)."""
    if not STAT.exists():
        return 0.0
    ticks = [int(field) for field in STAT.read_text("utf-8").split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = ticks[:8]
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
