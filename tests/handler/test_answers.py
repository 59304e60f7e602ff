"""An answer is the same however it arrives, and whatever arrives is an answer or an error."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from answers import Answer, AnswerError, Reader

WHOLE = (
    b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Amz-Meta-A: 1\r\nx-amz-meta-a:2 \r\n\r\n"
    b"3;x=y\r\nabc\r\n0a\r\n0123456789\r\n0\r\ntrailer: x\r\n\r\n"
    b"HTTP/1.1 404\r\ncontent-length: 4\r\n\r\ngone"
)
ANSWERS = [
    Answer(200, {"transfer-encoding": "chunked", "x-amz-meta-a": "1, 2"}, b"abc0123456789"),
    Answer(404, {"content-length": "4"}, b"gone"),
]


def reader(*parts: bytes) -> Reader:
    """A reader to which bytes arrive in parts, and then nothing more."""
    arriving = iter([part for part in parts if part])

    def receive() -> bytes:
        try:
            return next(arriving)
        except StopIteration:
            raise EOFError from None

    return Reader(receive)


@given(st.lists(st.integers(0, len(WHOLE))))
@example([*range(len(WHOLE))])
def test_an_answer_is_the_same_in_whatever_parts_it_arrives(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(WHOLE)]
    reading = reader(*[WHOLE[a:b] for a, b in itertools.pairwise(ends)])
    assert [reading.answer(has_body=True) for _ in ANSWERS] == ANSWERS
    assert reading.is_empty


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_no_part_of_answers_is_taken_for_the_whole(length: int) -> None:
    reading = reader(WHOLE[:length])
    if length >= WHOLE.index(b"HTTP/1.1 404"):
        assert reading.answer(has_body=True) == ANSWERS[0]
    with pytest.raises(EOFError):
        reading.answer(has_body=True)


heads = st.sampled_from(
    [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Go on\r\n\r\n", b"content-length: "]
)
pieces = st.one_of(
    st.binary(max_size=20), heads, st.sampled_from([b"\r\n", b"\r\n\r\n", b"5", b":"])
)


@given(st.lists(pieces, max_size=20))
def test_any_bytes_are_an_answer_or_an_error(parts: list[bytes]) -> None:
    for has_body in (True, False):
        try:
            answer = reader(*parts).answer(has_body=has_body)
        except (AnswerError, EOFError):
            continue
        assert 200 <= answer.status <= 999
        assert all(name == name.lower() for name in answer.headers)


def test_the_answer_to_head_has_no_body_whatever_its_length() -> None:
    reading = reader(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")
    assert reading.answer(has_body=False) == Answer(200, {"content-length": "5"}, b"")


@pytest.mark.parametrize(
    ("arrives", "message"),
    [
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 4194305\r\n\r\n",
            "body must be at most 4194304 bytes",
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n400001\r\n",
            "body must be at most 4194304 bytes",
        ),
        (b"x" * 65537, "headers must be at most 65536 bytes"),
    ],
)
def test_more_than_an_answer_may_have_is_not_waited_for(arrives: bytes, message: str) -> None:
    with pytest.raises(AnswerError, match=message):
        reader(arrives).answer(has_body=True)
