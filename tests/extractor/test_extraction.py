"""A file is read as it is asked for, in pieces, wherever the reader goes."""

import io
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

import extraction
from extraction import File


@dataclass
class Bytes:
    """Bytes that note which ranges were read."""

    content: bytes
    ranges: list[tuple[int, int]] = field(default_factory=list)

    def read(self, start: int, length: int) -> bytes:
        assert 0 <= start < start + length <= len(self.content)
        self.ranges.append((start, length))
        return self.content[start : start + length]

    def file(self) -> File:
        return File(
            key="k",
            size=len(self.content),
            content_type="text/plain",
            metadata={},
            version=None,
            read=self.read,
        )


CONTENT = random.Random(0).randbytes(5_000_000)  # noqa: S311 # no secret


def test_a_whole_file_is_read_in_pieces_that_grow() -> None:
    source = Bytes(CONTENT)
    assert source.file().open().read() == CONTENT
    lengths = [length for _, length in source.ranges]
    assert lengths[:6] == [2**16, 2**17, 2**18, 2**19, 2**20, 2**21]
    assert max(lengths) == extraction.LARGEST_PIECE
    assert sum(lengths) == len(CONTENT)


def test_a_header_costs_one_small_range() -> None:
    source = Bytes(CONTENT)
    assert source.file().open().read(24) == CONTENT[:24]
    assert source.ranges == [(0, extraction.SMALLEST_PIECE)]


def test_an_empty_file_asks_for_nothing() -> None:
    source = Bytes(b"")
    assert source.file().open().read() == b""
    assert source.ranges == []


def test_each_stream_begins_at_the_start() -> None:
    file = Bytes(b"ab").file()
    assert (file.open().read(1), file.open().read(1)) == (b"a", b"a")


def test_a_jump_reads_a_small_piece_there() -> None:
    source = Bytes(CONTENT)
    stream = source.file().open()
    stream.read(3_000_000)
    source.ranges.clear()
    for position in (1_000_000, len(CONTENT) - 10):
        stream.seek(position)
        assert stream.read(10) == CONTENT[position : position + 10]
    assert source.ranges == [(1_000_000, extraction.SMALLEST_PIECE), (len(CONTENT) - 10, 10)]


operations = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(0, 300_000)),
        st.tuples(st.just("seek"), st.integers(0, 600_000)),
        st.tuples(st.just("from end"), st.integers(-400_000, 100)),
        st.tuples(st.just("on"), st.integers(-100_000, 100_000)),
        st.tuples(st.just("line"), st.just(0)),
    ),
    max_size=30,
)


@given(operations)
def test_it_reads_as_a_file_in_memory_does(steps: list[tuple[str, int]]) -> None:
    content = CONTENT[:400_000]
    ours, theirs = Bytes(content).file().open(), io.BytesIO(content)
    for step, number in steps:
        for_each = []
        for stream in (ours, theirs):
            if step == "read":
                for_each.append(stream.read(number))
            elif step == "line":
                for_each.append(stream.readline(50_000))
            elif step == "on":
                for_each.append(stream.seek(max(0, theirs.tell() + number)))
            else:
                whence = io.SEEK_SET if step == "seek" else io.SEEK_END
                for_each.append(stream.seek(number, whence))
        assert for_each[0] == for_each[1]
        assert ours.tell() == theirs.tell()


@pytest.mark.parametrize(("offset", "whence"), [(-1, 0), (-3, 2), (-1, 1)])
def test_a_position_before_the_start_is_an_error(offset: int, whence: int) -> None:
    with pytest.raises(ValueError, match=r"position must be 0 or more, got -\d"):
        Bytes(b"ab").file().open().raw.seek(offset, whence)


def test_another_whence_and_a_closed_stream_are_errors() -> None:
    stream = Bytes(b"ab").file().open()
    with pytest.raises(ValueError, match="whence must be 0, 1 or 2, got 7"):
        stream.raw.seek(0, 7)
    raw = stream.raw
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        raw.read(1)


def test_the_error_of_a_read_reaches_the_reader() -> None:
    def broken(_start: int, _length: int) -> bytes:
        raise OSError("gone")

    file = File(key="k", size=9, content_type="", metadata={}, version=None, read=broken)
    with pytest.raises(OSError, match="gone"):
        file.open().readline()
