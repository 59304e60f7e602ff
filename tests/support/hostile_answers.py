"""Answers of S3 and DynamoDB, right and wrong, and what asks for them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

import connection
import service
from dynamodb import DynamoDB
from s3 import S3
from service import Service
from support.hostile_server import Do, Server, Steps, server

TOKEN, SECRET = "session/token+of=the=role", "secret/access+key"
LINES = [
    b"HTTP/1.1 200 OK",
    b"Content-Length: 5",
    b"Content-Type: text/csv",
    b'ETag: "9e107d9d372bb6826bd81d3542a419d6"',
    b"Last-Modified: Sat, 14 Mar 2026 09:26:53 GMT",
    b"x-amz-version-id: version",
]
HEAD = b"\r\n".join([*LINES, b"", b""])
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def head(*lines: bytes, without: bytes = b"no such") -> bytes:
    kept = [line for line in LINES if not line.startswith(without)]
    return b"\r\n".join([*kept, *lines, b"", b""])


def body(text: bytes, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    length = b"Content-Length: %d" % len(text)
    return b"\r\n".join([b"HTTP/1.1 " + status, length, *lines, b"", text])


def chunked(*chunks: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(chunks)


NO_HTTP: dict[str, Steps] = {
    "closes": [Do.CLOSE],
    "resets": [Do.RESET],
    "stalls": [Do.STALL],
    "trickles": [b"HTTP/1.1 200 OK\r\nx: ", Do.TRICKLE],
    "half a status line, then closes": [b"HTTP/1.", Do.CLOSE],
    "a status line, then stalls": [b"HTTP/1.1 200 OK\r\n", Do.STALL],
    "garbage": [b"\x16\x03\x01\x02\x00garbage\r\n\r\n"],
    "garbage without end": [b"\0" * 200_000, Do.STALL],
    "HTTP/1.0": [HEAD.replace(b"1.1", b"1.0")],
    "HTTP/2": [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    "no status": [b"HTTP/1.1 OK\r\n\r\n"],
    "a status below 100": [HEAD.replace(b"200", b"099")],
    "informational without end": [Do.FLOOD],
    "informational, then closes": [CONTINUE, Do.CLOSE],
    "informational, then stalls": [b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", Do.STALL],
    "a header of 200 KB": [head(b"x: " + b"x" * 200_000)],
    "many headers": [head(*[b"x-%d: x" % n for n in range(20_000)])],
    "a line that is no header": [head(b"no header")],
    "a header that goes on in the next line": [head(b"x: y", b" z")],
    "a header with a line feed": [head(b"x: y\nx-amz-version-id: other")],
    "a header with a carriage return": [head(b"x: y\rx-amz-version-id: other")],
    "a header with a blank before its colon": [head(b"x-amz-version-id : other")],
}
HEADS: dict[str, Steps] = NO_HTTP | {
    "headers cut before the version, then closes": [HEAD[: HEAD.index(b"x-amz")], Do.CLOSE],
    "headers cut in the version, then closes": [HEAD[:-8], Do.CLOSE],
    "headers cut, then resets": [HEAD[:-8], Do.RESET],
    "no length": [head(without=b"Content-Length")],
    "two lengths": [head(b"Content-Length: 6")],
    "a length that is no number": [head(b"Content-Length: -5", without=b"Content-Length")],
    "no entity tag": [head(without=b"ETag")],
    "no time": [head(without=b"Last-Modified")],
    "a time that is none": [head(b"Last-Modified: now", without=b"Last-Modified")],
}
BODIES: dict[str, Steps] = NO_HTTP | {
    "half a body, then closes": [body(b"{}" * 99)[:-9], Do.CLOSE],
    "half a body, then stalls": [body(b"{}" * 99)[:-9], Do.STALL],
    "half a body, then resets": [body(b"{}" * 99)[:-9], Do.RESET],
    "a huge body": [b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", Do.STALL],
    "a number of no end for a length": [head(b"Content-Length: " + b"9" * 5000)],
    "no length": [b"HTTP/1.1 200 OK\r\n\r\n{}", Do.CLOSE],
    "two lengths": [body(b"{}", b"Content-Length: 1")],
    "a body that is no JSON": [body(b"<html>")],
    "a body that is empty": [body(b"")],
    "a body that is no object": [body(b"[]")],
    "a body too deep": [body(b'{"a":' * 100_000)],
    "an item that is none": [body(b'{"Item": []}')],
    "an attribute without a type": [body(b'{"Item": {"sequencer": "1"}}')],
    "a chunk of no size": [chunked(b"x\r\n{}\r\n0\r\n\r\n")],
    "a chunk of a negative size": [chunked(b"-2\r\n{}\r\n0\r\n\r\n")],
    "a chunk longer than its size": [chunked(b"2\r\n{}{}\r\n0\r\n\r\n")],
    "huge chunks": [chunked(b"fffffff\r\n"), Do.STALL],
    "chunks that end early": [chunked(b"2\r\n{}\r\n"), Do.CLOSE],
}
GOOD_HEADS: dict[str, Steps] = {
    "an informational answer before": [CONTINUE, HEAD],
    "several": [CONTINUE * 5 + b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + HEAD],
    "byte by byte": [HEAD[n : n + 1] for n in range(len(HEAD))],
    "400 entries of metadata": [head(*[b"x-amz-meta-%d: x" % n for n in range(400)])],
}
GOOD_BODIES: dict[str, Steps] = {
    "chunks": [chunked(b"1;x=y\r\n{\r\n1\r\n}\r\n0\r\ntrailer: x\r\n\r\n")],
    "an informational answer before": [CONTINUE, body(b"{}")],
}


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls give up soon, with credentials of their own."""
    monkeypatch.setattr(connection, "READ_SECONDS", 0.4)
    monkeypatch.setattr(service, "MAX_BACKOFF_SECONDS", 0)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)


@contextmanager
def serving(*answers: Steps) -> Iterator[tuple[Server, S3, DynamoDB]]:
    """Run a server, with S3 and DynamoDB there, whose calls give up soon."""
    with pytest.MonkeyPatch.context() as patch, server(*answers) as running:
        hurry(patch)
        s3 = S3(Service("s3", "us-east-1", running.url), "/bucket/", "123456789012")
        dynamodb = DynamoDB(Service("dynamodb", "us-east-1", running.url))
        with closing(s3.service.host), closing(dynamodb.service.host):
            yield running, s3, dynamodb


def get(dynamodb: DynamoDB) -> Any:
    """Read a row."""
    return dynamodb.get_item(TableName="t", Key={"file_key": {"S": "k"}})
