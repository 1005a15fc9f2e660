"""Makes a thumbnail of a picture: a program as others write them, which knows nothing of Bursar.

thumbnail.py PICTURE.png THUMBNAIL.png [WIDTH]   8 bits of grey, not interlaced
thumbnail.py --samples FOLDER                    writes pictures to try it with, one of them hostile

It reads the whole picture into memory, as such programs do: what a file of some kilobytes says of itself
decides how much that is.
"""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write(path: Path, width: int, height: int, rows: bytes) -> None:
    """Writes rows that each begin with the byte of their filter."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    path.write_bytes(SIGNATURE + body)


def read(path: Path) -> tuple[int, int, bytes]:
    data = path.read_bytes()
    if not data.startswith(SIGNATURE):
        sys.exit(f"{path.name} is not a PNG file")
    at, packed, header = len(SIGNATURE), b"", b""
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + 8 + length]
        header = content if kind == b"IHDR" else header
        packed += content if kind == b"IDAT" else b""
        at += 12 + length
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", header)
    if (depth, colour) != (8, 0):
        sys.exit(f"{path.name}: only 8 bits of grey are read")
    return width, height, zlib.decompress(packed)


def thumbnail(source: Path, target: Path, wanted: int) -> None:
    width, height, rows = read(source)
    step = max(1, width // wanted)
    small = bytearray()
    for line in range(0, height - step + 1, step):
        begin = line * (width + 1) + 1
        small += b"\0" + rows[begin : begin + width - step + 1 : step]
    columns, lines = len(range(0, width - step + 1, step)), len(range(0, height - step + 1, step))
    write(target, columns, lines, bytes(small))
    print(f"{columns} x {lines}")


def samples(folder: Path) -> None:
    for name, width, height in (("beach.png", 640, 480), ("city.png", 1024, 768), ("dog.png", 300, 300)):
        rows = bytearray()
        for line in range(height):
            rows += b"\0" + bytes((column ^ line) & 0xFF for column in range(width))
        write(folder / name, width, height, bytes(rows))
    # 256 MB of nothing in 250 kB.
    side = 16_000
    write(folder / "hostile.png", side, side, bytes(side * (side + 1)))
    (folder / "notes.png").write_text("not a picture\n")


if __name__ == "__main__":
    if sys.argv[1] == "--samples":
        samples(Path(sys.argv[2]))
    else:
        thumbnail(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 100)
