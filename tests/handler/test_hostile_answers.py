"""Whatever answers in the place of S3 or DynamoDB, it ends in a right row or a named error."""

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

import service
from connection import Host
from s3 import S3
from service import CallError, RefusedError, Service
from signature import Request
from support.faults import RESET
from support.handler_env import Bench
from support.hostile_answers import (
    BODIES,
    GOOD_BODIES,
    GOOD_HEADS,
    HEAD,
    HEADS,
    body,
    get,
    head,
    hurry,
    serving,
)
from support.hostile_server import Do, Steps


def cases(answers: dict[str, Steps]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("steps", answers.values(), ids=answers.keys())


@cases(HEADS)
def test_s3_is_asked_again_after_a_wrong_answer(steps: Steps) -> None:
    with serving(steps, [HEAD]) as (running, s3, _):
        found = s3.head_object("k", checksum=True)
        assert found is not None
        assert (found["ContentLength"], found["VersionId"]) == (5, "version")
        assert len(running.requests) == 2


@cases(HEADS)
def test_a_wrong_answer_of_s3_that_stays_is_an_error_and_writes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, steps: Steps
) -> None:
    with serving(steps) as (running, s3, _):
        monkeypatch.setattr(bench.handler, "CATALOG", replace(bench.handler.CATALOG, s3=s3))
        with pytest.raises(CallError, match="s3 did not answer HeadObject: "):
            bench.update("k")
        assert len(running.requests) == 2
        assert bench.proxy.calls == []


@cases(BODIES)
def test_dynamodb_is_asked_again_after_a_wrong_answer(steps: Steps) -> None:
    with serving(steps, [body(b'{"Item": {"file_key": {"S": "k"}}}')]) as (running, _, dynamodb):
        assert get(dynamodb) == {"file_key": {"S": "k"}}
        assert len(running.requests) == 2


@cases(BODIES)
def test_a_wrong_answer_of_dynamodb_that_stays_is_an_error(steps: Steps) -> None:
    with serving(steps) as (running, _, dynamodb):
        with pytest.raises(CallError, match="dynamodb did not answer GetItem: "):
            get(dynamodb)
        assert len(running.requests) == 2


@cases(GOOD_HEADS)
def test_an_unusual_answer_of_s3_is_taken_at_once(steps: Steps) -> None:
    with serving(steps) as (running, s3, _):
        found = s3.head_object("k", checksum=True)
        assert found is not None
        assert found["VersionId"] == "version"
        assert len(found["Metadata"]) in {0, 400}
        assert len(running.requests) == 1


@cases(GOOD_BODIES)
def test_an_unusual_answer_of_dynamodb_is_taken_at_once(steps: Steps) -> None:
    with serving(steps) as (running, _, dynamodb):
        assert get(dynamodb) == {}
        assert len(running.requests) == 1


@pytest.mark.parametrize("status", [b"301 Moved Permanently", b"204 No Content", b"999 Unknown"])
def test_an_unknown_status_is_an_error_at_once(status: bytes) -> None:
    with serving([HEAD.replace(b"200 OK", status)]) as (running, s3, _):
        with pytest.raises(RefusedError, match=f"s3 refused HeadObject: {status[:3].decode()} ''"):
            s3.head_object("k", checksum=True)
        assert len(running.requests) == 1


@pytest.mark.parametrize("end", [Do.CLOSE, Do.RESET])
def test_a_connection_that_was_closed_while_unused_is_replaced_within_one_attempt(
    monkeypatch: pytest.MonkeyPatch, end: Do
) -> None:
    monkeypatch.setattr(service, "ATTEMPTS", 1)
    with serving([HEAD, end], [HEAD]) as (running, s3, _):
        for _ in range(2):
            assert s3.head_object("k", checksum=True) is not None
        assert running.connections == 2


def test_a_forked_process_opens_a_connection_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving([HEAD], [HEAD]) as (running, s3, _):
        for process in (1, 2):
            monkeypatch.setattr("os.getpid", lambda process=process: process)
            assert s3.head_object("k", checksum=True) is not None
        assert running.connections == 2


def test_a_connection_that_was_reset_before_it_is_used_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hurry(monkeypatch)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        host = Host(f"http://127.0.0.1:{listening.getsockname()[1]}")
        host.open()
        first, _ = listening.accept()
        first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        first.close()
        with pytest.raises(TimeoutError):
            host.exchange(Request("HEAD", "/", {}))
        second, _ = listening.accept()
        second.close()


def test_a_request_that_is_not_taken_in_time_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other side connects and reads nothing, so that its buffer fills."""
    hurry(monkeypatch)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host = Host(f"http://127.0.0.1:{listening.getsockname()[1]}")
        with pytest.raises(TimeoutError):
            host.exchange(Request("POST", "/", {}, b"x" * 20_000_000))
        listening.settimeout(0)
        listening.accept()[0].close()
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_a_service_without_credentials_is_a_named_error(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(ValueError, match=f"missing {name} in the environment"):
        Service("s3", "us-east-1", "http://127.0.0.1:1")


@pytest.mark.parametrize("end", [Do.CLOSE, Do.RESET, Do.STALL])
def test_a_kept_connection_that_ends_in_the_middle_of_an_answer_is_a_failed_attempt(
    monkeypatch: pytest.MonkeyPatch, end: Do
) -> None:
    monkeypatch.setattr(service, "ATTEMPTS", 1)
    with serving([HEAD], [HEAD[:9], end], [HEAD]) as (_, s3, _):
        assert s3.head_object("k", checksum=True) is not None
        with pytest.raises(CallError):
            s3.head_object("k", checksum=True)


@pytest.mark.parametrize(
    "answer", [head(b"Connection: close"), HEAD + HEAD.replace(b"version", b"forged!")]
)
def test_a_connection_is_not_kept_after_its_last_answer_or_more_than_was_asked_for(
    answer: bytes,
) -> None:
    with serving([answer]) as (running, s3, _):
        for _ in range(3):
            found = s3.head_object("k", checksum=True)
            assert found is not None
            assert found["VersionId"] == "version"
        assert running.connections == 3


def test_threads_at_the_same_time_have_each_its_own_answers(bench: Bench) -> None:
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


def test_a_host_is_its_name_and_port_unless_that_is_the_usual_one() -> None:
    assert Host("http://127.0.0.1:4566").name == "127.0.0.1:4566"
    assert Host("https://s3.us-east-1.amazonaws.com").name == "s3.us-east-1.amazonaws.com"


def test_no_header_can_be_sent_that_is_not_ascii() -> None:
    """It would not be what was signed."""
    with serving([HEAD]) as (running, s3, _):
        with pytest.raises(UnicodeEncodeError):
            s3.service.host.exchange(Request("HEAD", "/", {"x": "\u00e9"}))
        assert running.requests == []
