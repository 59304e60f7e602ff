"""Whatever answers in the place of S3 or DynamoDB, it ends in a right row or a named error."""

import json
import logging
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from faults import FaultProxy
from handler_env import Bench, set_up
from hostile_server import Do, Server, Steps, server

import connection
import service
from connection import Host
from dynamodb import ConditionalCheckFailedError, DynamoDB
from local.cloud import Cloud
from s3 import S3
from service import CallError, RefusedError, Service
from signature import Request

TOKEN, SECRET = "session/token+of=the=role", "secret/access+key"
SHORT = 0.4
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
    "a chunk longer than its size": [chunked(b"1\r\n{}\r\n0\r\n\r\n")],
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


def cases(*answers: dict[str, Steps]) -> pytest.MarkDecorator:
    listed = [(name, steps) for part in answers for name, steps in part.items()]
    return pytest.mark.parametrize(
        "steps", [steps for _, steps in listed], ids=[name for name, _ in listed]
    )


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "READ_SECONDS", SHORT)
    monkeypatch.setattr(service, "MAX_BACKOFF_SECONDS", 0)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def serving(stack: ExitStack, *answers: Steps) -> tuple[Server, S3, DynamoDB]:
    running = stack.enter_context(server(*answers))
    s3 = S3(Service("s3", "us-east-1", running.url), "/bucket/", "123456789012")
    dynamodb = DynamoDB(Service("dynamodb", "us-east-1", running.url))
    stack.callback(s3.service.host.close)
    stack.callback(dynamodb.service.host.close)
    return running, s3, dynamodb


def get(dynamodb: DynamoDB) -> Any:
    return dynamodb.get_item(TableName="t", Key={"file_key": {"S": "k"}})


@cases(HEADS)
def test_s3_is_asked_again_after_a_wrong_answer(stack: ExitStack, steps: Steps) -> None:
    running, s3, _ = serving(stack, steps, [HEAD])
    found = s3.head_object("k", checksum=True)
    assert found is not None
    assert (found["ContentLength"], found["VersionId"]) == (5, "version")
    assert len(running.requests) == 2


@cases(HEADS)
def test_a_wrong_answer_of_s3_that_stays_is_an_error_and_writes_nothing(
    stack: ExitStack,
    cloud: Cloud,
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    steps: Steps,
) -> None:
    bench = set_up(cloud, proxy, monkeypatch)
    running, s3, _ = serving(stack, steps)
    monkeypatch.setattr(bench.handler, "CATALOG", replace(bench.handler.CATALOG, s3=s3))
    with pytest.raises(CallError, match="s3 did not answer HeadObject: "):
        bench.update("k")
    assert len(running.requests) == 2
    assert bench.proxy.calls == []


@cases(BODIES)
def test_dynamodb_is_asked_again_after_a_wrong_answer(stack: ExitStack, steps: Steps) -> None:
    running, _, dynamodb = serving(stack, steps, [body(b'{"Item": {"file_key": {"S": "k"}}}')])
    assert get(dynamodb) == {"file_key": {"S": "k"}}
    assert len(running.requests) == 2


@cases(BODIES)
def test_a_wrong_answer_of_dynamodb_that_stays_is_an_error(stack: ExitStack, steps: Steps) -> None:
    running, _, dynamodb = serving(stack, steps)
    with pytest.raises(CallError, match="dynamodb did not answer GetItem: "):
        get(dynamodb)
    assert len(running.requests) == 2


@cases(GOOD_HEADS)
def test_an_unusual_answer_of_s3_is_taken_at_once(stack: ExitStack, steps: Steps) -> None:
    running, s3, _ = serving(stack, steps)
    found = s3.head_object("k", checksum=True)
    assert found is not None
    assert found["VersionId"] == "version"
    assert len(found["Metadata"]) in {0, 400}
    assert len(running.requests) == 1


@cases(GOOD_BODIES)
def test_an_unusual_answer_of_dynamodb_is_taken_at_once(stack: ExitStack, steps: Steps) -> None:
    running, _, dynamodb = serving(stack, steps)
    assert get(dynamodb) == {}
    assert len(running.requests) == 1


@pytest.mark.parametrize("status", [b"301 Moved Permanently", b"204 No Content", b"999 Unknown"])
def test_an_unknown_status_is_an_error_at_once(stack: ExitStack, status: bytes) -> None:
    running, s3, _ = serving(stack, [HEAD.replace(b"200 OK", status)])
    with pytest.raises(RefusedError, match=f"s3 refused HeadObject: {status[:3].decode()} ''"):
        s3.head_object("k", checksum=True)
    assert len(running.requests) == 1


@pytest.mark.parametrize("end", [Do.CLOSE, Do.RESET])
def test_a_connection_that_was_closed_while_unused_is_replaced_within_one_attempt(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, end: Do
) -> None:
    monkeypatch.setattr(service, "ATTEMPTS", 1)
    running, s3, _ = serving(stack, [HEAD, end], [HEAD])
    for _ in range(2):
        assert s3.head_object("k", checksum=True) is not None
    assert running.connections == 2


@pytest.mark.parametrize("end", [Do.CLOSE, Do.RESET, Do.STALL])
def test_a_kept_connection_that_ends_in_the_middle_of_an_answer_is_a_failed_attempt(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, end: Do
) -> None:
    monkeypatch.setattr(service, "ATTEMPTS", 1)
    _, s3, _ = serving(stack, [HEAD], [HEAD[:9], end], [HEAD])
    assert s3.head_object("k", checksum=True) is not None
    with pytest.raises(CallError):
        s3.head_object("k", checksum=True)


def test_a_connection_is_kept(stack: ExitStack) -> None:
    running, s3, _ = serving(stack, [HEAD])
    for _ in range(5):
        s3.head_object("k", checksum=True)
    assert (running.connections, len(running.requests)) == (1, 5)


@pytest.mark.parametrize(
    "answer", [head(b"Connection: close"), HEAD + HEAD.replace(b"version", b"forged!")]
)
def test_a_connection_is_not_kept_after_its_last_answer_or_more_than_was_asked_for(
    stack: ExitStack, answer: bytes
) -> None:
    running, s3, _ = serving(stack, [answer])
    for _ in range(3):
        found = s3.head_object("k", checksum=True)
        assert found is not None
        assert found["VersionId"] == "version"
    assert running.connections == 3


def test_threads_at_the_same_time_have_each_its_own_answers(
    cloud: Cloud, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = set_up(cloud, proxy, monkeypatch)
    s3, sizes = bench.handler.CATALOG.s3, list(range(20)) * 5
    for size in set(sizes):
        bench.put(str(size), b"x" * size)
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = list(pool.map(lambda size: s3.head_object(str(size), checksum=True), sizes))
    assert [head["ContentLength"] for head in found] == sizes
    assert len(s3.service.host._idle) <= 8


def test_a_host_without_a_name_is_a_named_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_BACKOFF_SECONDS", 0)
    s3 = S3(Service("s3", "us-east-1", "https://host.invalid"), "/", "1")
    with pytest.raises(CallError, match="s3 did not answer HeadObject: gaierror"):
        s3.head_object("k", checksum=True)


def error(code: str, **more: Any) -> bytes:
    told = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", **more}
    request_id = b"x-amzn-RequestId: REQUEST1"
    return body(json.dumps(told).encode(), request_id, status=b"400 Bad Request")


def test_an_error_has_all_that_aws_tells(stack: ExitStack) -> None:
    _, _, dynamodb = serving(stack, [error("ValidationException", message="bad\nkey")])
    with pytest.raises(RefusedError) as caught:
        get(dynamodb)
    assert str(caught.value) == (
        "dynamodb refused GetItem: ValidationException 'bad\\nkey'"
        " (status 400, request id 'REQUEST1')"
    )
    err = caught.value
    assert (err.code, err.message, err.status) == ("ValidationException", "bad\nkey", 400)
    assert err.request_id == "REQUEST1"


@pytest.mark.parametrize("item", [{}, {"Item": {"sequencer": {"S": "1"}}}])
def test_a_condition_that_failed_is_told_with_the_row(
    stack: ExitStack, item: dict[str, Any]
) -> None:
    _, _, dynamodb = serving(stack, [error("ConditionalCheckFailedException", **item)])
    with pytest.raises(ConditionalCheckFailedError) as caught:
        dynamodb.put_item(TableName="t", Item={})
    assert caught.value.item == item.get("Item", {})


@pytest.mark.parametrize("code", sorted(service.TRANSIENT))
def test_a_transient_error_is_known_by_its_code_whatever_its_status(
    stack: ExitStack, code: str
) -> None:
    running, _, dynamodb = serving(stack, [error(code)], [body(b"{}")])
    assert get(dynamodb) == {}
    assert len(running.requests) == 2


@pytest.mark.parametrize("told", [b"{", b"[]", b'{"__type": "a\\nb[ERROR]"}', b'{"__type": []}'])
def test_an_error_without_a_code_is_an_error_of_one_line(stack: ExitStack, told: bytes) -> None:
    _, _, dynamodb = serving(stack, [body(told, status=b"400 Bad Request")])
    with pytest.raises(RefusedError) as caught:
        get(dynamodb)
    assert str(caught.value).isprintable()


def test_nothing_secret_is_in_an_error_or_a_log_though_the_service_quotes_it(
    stack: ExitStack,
    cloud: Cloud,
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As DynamoDB quotes a whole request whose signature it does not accept."""
    bench: Bench = set_up(cloud, proxy, monkeypatch)
    quoted = f"POST\nx-amz-security-token:{TOKEN}\n{SECRET}" + "x" * 10_000
    answer = error("InvalidSignatureException", message=quoted)
    answer = answer.replace(b"REQUEST1", TOKEN.encode())
    _, _, dynamodb = serving(stack, [answer])
    monkeypatch.setattr(bench.handler, "CATALOG", replace(bench.handler.CATALOG, dynamodb=dynamodb))
    with caplog.at_level(logging.DEBUG), pytest.raises(bench.handler.RecordsError) as caught:
        bench.handle(bench.record("k"))
    text = caplog.text + "".join(traceback.format_exception(caught.value))
    assert "InvalidSignatureException" in text
    assert TOKEN not in text
    assert SECRET not in text
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    "steps",
    [[TOKEN.encode() + b"\r\n\r\n"], [b"HTTP/1.1 200 OK\r\n" + TOKEN.encode() + b"\r\n\r\n"]],
)
def test_nothing_secret_is_in_an_error_of_a_server_that_echoes(
    stack: ExitStack, steps: Steps
) -> None:
    _, s3, _ = serving(stack, steps)
    with pytest.raises(CallError) as caught:
        s3.head_object("k", checksum=True)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


def test_a_host_is_its_name_and_port_unless_that_is_the_usual_one() -> None:
    assert Host("http://127.0.0.1:4566").name == "127.0.0.1:4566"
    assert Host("https://s3.us-east-1.amazonaws.com").name == "s3.us-east-1.amazonaws.com"


def test_no_header_can_be_sent_that_is_not_ascii(stack: ExitStack) -> None:
    """It would not be what was signed."""
    running, s3, _ = serving(stack, [HEAD])
    with pytest.raises(UnicodeEncodeError):
        s3.service.host.exchange(Request("HEAD", "/", {"x": "\u00e9"}))
    assert running.requests == []
