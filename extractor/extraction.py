"""The file that an extractor gets: its attributes, and its bytes, which are read on demand.

This module uses nothing of AWS, so an extractor can also run on a local file.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

SMALLEST_PIECE = 64 * 1024
# Small enough to arrive within 2 s, the time limit of one call, even if S3 is slow.
LARGEST_PIECE = 2 * 1024**2

Value = None | bool | int | float | str | Sequence["Value"] | Mapping[str, "Value"]
"""A JSON value."""
Read = Callable[[int, int], bytes]
"""Takes a position and a length within the file, and returns the bytes; raises OSError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """One version of an object."""

    key: str
    size: int
    """Bytes."""
    content_type: str
    metadata: Mapping[str, str]
    """User-defined metadata, names without ``x-amz-meta-``."""
    version: str | None
    """Its version ID; None if it is from before versioning."""
    read: Read = field(repr=False)

    def open(self) -> io.BufferedReader:
        """Open the file as a seekable stream, which reads bytes on demand.

        The stream holds at most 2 MB, so the file may be larger than memory. A failed read raises
        OSError. Do not catch it: the function then tries the file again.
        """
        return io.BufferedReader(_Stream(self.read, self.size), SMALLEST_PIECE)


class _Stream(io.RawIOBase):
    """Reads the file in pieces: small ones after a seek, larger ones when it reads on."""

    def __init__(self, read: Read, size: int) -> None:
        self._read, self._size = read, size
        self._position = self._start = 0
        self._piece = b""
        self._length = SMALLEST_PIECE

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        if whence not in base:
            raise ValueError(f"whence must be 0, 1 or 2, got {whence}")
        position = base[whence] + offset
        if position < 0:
            raise ValueError(f"position must be 0 or more, got {position}")
        self._position = position
        return position

    def readinto(self, buffer: "memoryview | bytearray", /) -> int:  # type: ignore[override]
        if self.closed:
            raise ValueError("I/O operation on closed file")
        if self._position >= self._size or not len(buffer):
            return 0
        if not self._start <= self._position < self._start + len(self._piece):
            self._next()
        at = self._position - self._start
        part = memoryview(self._piece)[at : at + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def _next(self) -> None:
        reads_on = self._piece and self._position == self._start + len(self._piece)
        self._length = min(self._length * 2, LARGEST_PIECE) if reads_on else SMALLEST_PIECE
        self._piece = b""  # frees the memory before the next piece is read
        self._piece = self._read(self._position, min(self._length, self._size - self._position))
        self._start = self._position
