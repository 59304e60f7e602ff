"""A call that a service refuses is an error with all that AWS tells, and nothing secret."""

import json
import logging
import traceback
from dataclasses import replace
from typing import Any

import pytest
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

import service
from dynamodb import ConditionalCheckFailedError
from service import CallError, RefusedError
from support.handler_env import Bench
from support.hostile_answers import SECRET, TOKEN, body, get, serving
from support.hostile_server import Steps


def error(code: str, **more: Any) -> bytes:
    told = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", **more}
    request_id = b"x-amzn-RequestId: REQUEST1"
    return body(json.dumps(told).encode(), request_id, status=b"400 Bad Request")


def test_an_error_has_all_that_aws_tells() -> None:
    with serving([error("ValidationException", message="bad\nkey")]) as (_, _, dynamodb):
        with pytest.raises(RefusedError) as caught:
            get(dynamodb)
        assert str(caught.value) == (
            "dynamodb refused GetItem: ValidationException 'bad\\nkey'"
            " (status 400, request id 'REQUEST1')"
        )
        assert (caught.value.code, caught.value.status) == ("ValidationException", 400)


@pytest.mark.parametrize("item", [{}, {"Item": {"sequencer": {"S": "1"}}}])
def test_a_condition_that_failed_is_told_with_the_row(item: dict[str, Any]) -> None:
    with serving([error("ConditionalCheckFailedException", **item)]) as (_, _, dynamodb):
        with pytest.raises(ConditionalCheckFailedError) as caught:
            dynamodb.put_item(TableName="t", Item={})
        assert caught.value.item == item.get("Item", {})


@pytest.mark.parametrize("code", sorted(service.TRANSIENT))
def test_a_transient_error_is_known_by_its_code_whatever_its_status(code: str) -> None:
    with serving([error(code)], [body(b"{}")]) as (running, _, dynamodb):
        assert get(dynamodb) == {}
        assert len(running.requests) == 2


@pytest.mark.parametrize("told", [b"{", b"[]", b'{"__type": "a\\nb[ERROR]"}', b'{"__type": []}'])
def test_an_error_without_a_code_is_an_error_of_one_line(told: bytes) -> None:
    with serving([body(told, status=b"400 Bad Request")]) as (_, _, dynamodb):
        with pytest.raises(RefusedError) as caught:
            get(dynamodb)
        assert str(caught.value).isprintable()


def test_nothing_secret_is_in_an_error_or_a_log_though_the_service_quotes_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As DynamoDB quotes a whole request whose signature it does not accept."""
    quoted = f"POST\nx-amz-security-token:{TOKEN}\n{SECRET}" + "x" * 10_000
    answer = error("InvalidSignatureException", message=quoted)
    answer = answer.replace(b"REQUEST1", TOKEN.encode())
    with serving([answer]) as (_, _, dynamodb):
        catalog = replace(bench.handler.CATALOG, dynamodb=dynamodb)
        monkeypatch.setattr(bench.handler, "CATALOG", catalog)
        with caplog.at_level(logging.DEBUG), pytest.raises(bench.handler.RecordsError) as caught:
            bench.handle(bench.record("k"))
        text = caplog.text + "".join(traceback.format_exception(caught.value))
        assert "InvalidSignatureException" in text
        assert TOKEN not in text
        assert SECRET not in text
        assert "Signature=" not in text
        assert {record.name for record in caplog.records} == {"process_file"}
        assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    "steps",
    [[TOKEN.encode() + b"\r\n\r\n"], [b"HTTP/1.1 200 OK\r\n" + TOKEN.encode() + b"\r\n\r\n"]],
)
def test_nothing_secret_is_in_an_error_of_a_server_that_echoes(steps: Steps) -> None:
    with serving(steps) as (_, s3, _):
        with pytest.raises(CallError) as caught:
            s3.head_object("k", checksum=True)
        assert TOKEN not in "".join(traceback.format_exception(caught.value))


def test_the_errors_that_are_retried_are_botocore_s() -> None:
    """Without EC2's, which the function never calls."""
    throttled = ThrottledRetryableChecker._THROTTLED_ERROR_CODES
    transient = TransientRetryableChecker._TRANSIENT_ERROR_CODES
    assert {*throttled, *transient} - {"EC2ThrottledException"} == service.TRANSIENT
