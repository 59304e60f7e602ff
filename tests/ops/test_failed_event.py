"""A message of the failure queue, read: whatever it holds, it can be shown."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ops.failed_event import read

NEITHER = "body must be an S3 event or an object with requestPayload"
BARE = {"Records": [{"s3": {"object": {"key": "a+b%0A.txt"}}}]}


def described(body: object) -> dict[str, Any]:
    message = {
        "MessageId": "id",
        "ReceiptHandle": "handle",
        "Attributes": {"SentTimestamp": "0"},
        "Body": body if isinstance(body, str) else json.dumps(body),
    }
    return read(message).described(datetime.fromtimestamp(60, UTC))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("no json", "body must be JSON"),
        ("[" * 100_000, "body must be JSON"),
        ({"Records": []}, NEITHER),
        ({"Records": [{}]}, NEITHER),
        ("[1]", NEITHER),
    ],
    ids=["no JSON", "too deep", "no records", "no S3 records", "no object"],
)
def test_a_message_that_cannot_be_read_says_why(body: object, problem: str) -> None:
    found = described(body)
    assert (found["readable"], found["keys"]) == (False, [])
    assert found["error"].startswith(problem)


@pytest.mark.parametrize(
    ("body", "keys", "error"),
    [
        (BARE, ["a b\n.txt"], "no error given"),
        ({"requestPayload": {"Records": [{"s3": {}}]}}, ["?"], "no error given"),
        ({"requestPayload": {"Records": 7}}, [], "no error given"),
        ({"requestPayload": {"source": "aws.s3", "detail-type": "x"}}, ["?"], "no error given"),
        ({"requestPayload": "text"}, [], "no error given"),
        ({"requestPayload": None}, [], "no error given"),
        ({"requestPayload": {}, "requestContext": {"condition": "EventAge"}}, [], "EventAge"),
    ],
    ids=["bare", "no key", "no list", "no key of EventBridge", "text", "nothing", "condition"],
)
def test_any_event_is_shown_with_its_keys_and_error(
    body: object, keys: list[str], error: str
) -> None:
    assert described(body) == {
        "messageId": "id",
        "readable": True,
        "keys": keys,
        "error": error,
        "ageSeconds": 60,
    }
