"""Arguments and results as JSON, typed at the edges by the hints of the function."""

from bursar._codec.function import PLAIN, Codec

__all__ = ["PLAIN", "Codec"]
