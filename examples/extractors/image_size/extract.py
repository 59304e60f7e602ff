"""Width and height of an image, from the header of a PNG, GIF or JPEG."""

import io
import struct
from collections.abc import Mapping

from extraction import File, Value

# A JPEG's size is in one of these segments: https://www.w3.org/Graphics/JPEG/itu-t81.pdf, table B.1
SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
MAX_SEGMENTS = 1_000


def extract(file: File) -> Mapping[str, Value]:
    """Read the header, whatever the key's suffix is; return nothing for other files."""
    stream = file.open()
    header = stream.read(24)
    if header.startswith(b"\x89PNG\r\n\x1a\n") and header[12:16] == b"IHDR" and len(header) == 24:
        return _found("png", *struct.unpack(">II", header[16:24]))
    if header.startswith((b"GIF87a", b"GIF89a")) and len(header) >= 10:
        return _found("gif", *struct.unpack("<HH", header[6:10]))
    if header.startswith(b"\xff\xd8\xff"):
        stream.seek(2)
        return _jpeg(stream)
    return {}


def _jpeg(stream: io.BufferedReader) -> Mapping[str, Value]:
    for _ in range(MAX_SEGMENTS):
        marker = stream.read(4)
        if marker.startswith(b"\xff\xff"):  # the first is a fill byte
            stream.seek(-3, io.SEEK_CUR)
            continue
        length = int.from_bytes(marker[2:])
        if len(marker) < 4 or marker[0] != 0xFF or length < 2:
            break
        if marker[1] in SIZES:
            size = stream.read(5)
            if len(size) < 5:
                break
            height, width = struct.unpack(">HH", size[1:])
            return _found("jpeg", width, height)
        stream.seek(length - 2, io.SEEK_CUR)
    raise ValueError("JPEG must have a segment with its size, got none")


def _found(kind: str, width: int, height: int) -> Mapping[str, Value]:
    return {"format": kind, "width": width, "height": height}
