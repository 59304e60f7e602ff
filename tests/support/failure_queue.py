"""A failure queue for the tests of `ops redrive`: what Lambda puts in, and what is there."""

import json
from subprocess import CompletedProcess
from typing import Any

from click.testing import Result

from support.journeys import Deployed
from support.tool import of, ops


def send_failed(stack: Deployed, *bodies: object) -> None:
    """Put messages into the failure queue as Lambda does, or as no one should."""
    for body in bodies:
        text = body if isinstance(body, str) else json.dumps(body)
        stack.client("sqs").send_message(
            QueueUrl=stack.outputs["FailureQueueUrl"], MessageBody=text
        )


def envelope(stack: Deployed, key: str) -> dict[str, Any]:
    record = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "s3": {"bucket": {"name": stack.bucket}, "object": {"key": key, "sequencer": "0A"}},
    }
    return {
        "version": "1.0",
        "requestContext": {"condition": "RetriesExhausted"},
        "requestPayload": {"Records": [record]},
        "responsePayload": {"errorType": "RecordsError", "errorMessage": "table\nwas away"},
    }


def waiting(stack: Deployed) -> list[str]:
    """Return the bodies that the queue shows to a reader."""
    found: dict[str, str] = {}
    while True:
        answer = stack.client("sqs").receive_message(
            QueueUrl=stack.outputs["FailureQueueUrl"], MaxNumberOfMessages=10, VisibilityTimeout=1
        )
        new = {m["MessageId"]: m["Body"] for m in answer.get("Messages", [])}
        if not new.keys() - found.keys():
            return list(found.values())
        found |= new


def redrive(stack: Deployed, *options: str, endpoint: str = "", exits: int | None = 0) -> Result:
    return ops("redrive", *of(stack, endpoint), *options, exits=exits)


def lines(done: Result | CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def summary(result: Result) -> dict[str, Any]:
    return lines(result)[-1]


def held_by_another_reader(stack: Deployed) -> list[str]:
    """Have another reader receive up to ten messages; their receipt handles."""
    answer = stack.client("sqs").receive_message(
        QueueUrl=stack.outputs["FailureQueueUrl"], MaxNumberOfMessages=10, VisibilityTimeout=600
    )
    return [message["ReceiptHandle"] for message in answer["Messages"]]
