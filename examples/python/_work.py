"""What `compress` does with one file; in a module of its own, since a process imports it from there."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path
from typing import TypedDict

from bursar import task


class Compressed(TypedDict):
    sha256: str
    bytes: int
    compressed: int


@task(name="compress")
def compress(path: str) -> Compressed:
    content = Path(path).read_bytes()
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "compressed": len(zlib.compress(content, level=6)),
    }
