"""Help for tests of programs that use Bursar.

Fixtures for pytest come by themselves: `bursar_engine`, `bursar_eager` and `bursar_clock`.
"""

from bursar._native import ManualClock
from bursar.testing.eager import EagerEngine, eager

__all__ = ["EagerEngine", "ManualClock", "eager"]
