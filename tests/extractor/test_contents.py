"""What is not the range that was asked for is an error, never a file's contents."""

import contextlib
import hashlib
from collections.abc import Iterator

import pytest

from contents import Contents
from s3 import S3
from service import CallError, Service
from stream import pending
from support.extractor_env import waiting
from support.hostile_server import Server, Steps, server


@contextlib.contextmanager
def contents(*answers: Steps) -> Iterator[tuple[Contents, Server]]:
    """The contents of a version on a server that answers so."""
    version = pending(waiting("a b", 10, "v/1", "e"))
    assert version
    with server(*answers) as running:
        service = Service("s3", "us-east-1", running.url)
        yield Contents(S3(service, "/b/", "123456789012"), version), running
        service.host.close()


def answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def test_a_range_is_asked_for_by_version_and_entity_tag() -> None:
    right = answer("206 Partial Content", b"234", "content-range: bytes 2-4/10")
    with contents([right]) as (found, running):
        assert found.read(2, 3) == b"234"
    head = running.requests[0].decode().splitlines()
    assert head[0] == "GET /b/a%20b?versionId=v%2F1 HTTP/1.1"
    owner = "x-amz-expected-bucket-owner: 123456789012"
    # S3 refuses a signed request without it.
    hashed = f"x-amz-content-sha256: {hashlib.sha256().hexdigest()}"
    assert {'if-match: "e"', "range: bytes=2-4", owner, hashed} <= set(head)


def test_a_server_may_answer_with_the_whole_version() -> None:
    """See https://www.rfc-editor.org/rfc/rfc9110#section-14.2 on ignored ranges."""
    with contents([answer("200 OK", b"0123456789")]) as (found, _):
        assert found.read(2, 3) == b"234"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (answer("206 Partial Content", b"012", "content-range: bytes 0-2/10"), "got another"),
        (answer("206 Partial Content", b"234"), "got another"),
        (answer("206 Partial Content", b"23", "content-range: bytes 2-4/10"), "another length"),
        (answer("200 OK", b"012345678"), "another length"),
    ],
    ids=["another range", "no range", "short", "not whole"],
)
def test_another_answer_is_an_error(
    monkeypatch: pytest.MonkeyPatch, wrong: bytes, message: str
) -> None:
    monkeypatch.setattr("service.MAX_BACKOFF_SECONDS", 0)
    with contents([wrong]) as (found, running):
        with pytest.raises(OSError, match=f"S3 must answer with this version, got: .*{message}"):
            found.read(2, 3)
        assert isinstance(found.failure, CallError)
        asked = len(running.requests)
        with pytest.raises(OSError, match=message):
            found.read(5, 1)
        assert len(running.requests) == asked == 2
