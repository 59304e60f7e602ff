"""Converts an S3 Batch Operations job's tasks to records, and their results to an answer. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeGuard

from events import Item
from fields import EventError, shown, text

SCHEMA_VERSIONS = ("1.0", "2.0")
EVENT_NAME = "BatchOperations:LambdaInvoke"
MAX_RESULT = 1024


def is_job(event: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether an event comes from a job."""
    return isinstance(event, Mapping) and "invocationSchemaVersion" in event


def items(event: Mapping[str, Any], now: datetime) -> list[Item]:
    """Convert a job's tasks to records without a sequencer.

    Args:
        event: what the job passes to the function.
        now: the records' time; tasks have none.

    Raises:
        EventError: the event's format is unknown. A task of unknown format does not raise: it
            becomes an item that holds the error, so that only this one fails.
    """
    version = event["invocationSchemaVersion"]
    if version not in SCHEMA_VERSIONS:
        raise EventError(
            f"invocationSchemaVersion must be {' or '.join(SCHEMA_VERSIONS)}, got {shown(version)}"
        )
    text(event, "invocationId")
    tasks = event.get("tasks")
    if not isinstance(tasks, list):
        raise EventError(f"tasks must be a list, got {type(tasks).__name__}")
    return [Item(_record(task, now), task_id=text(task, "taskId")) for task in tasks]


def answer(
    event: Mapping[str, Any], tasks: Sequence[Item], results: Sequence[str | Exception]
) -> dict[str, Any]:
    """Return each task's outcome, or its error and whether the job should try it again."""
    return {
        "invocationSchemaVersion": event["invocationSchemaVersion"],
        "invocationId": event["invocationId"],
        "treatMissingKeysAs": "TemporaryFailure",
        "results": [
            {
                "taskId": task.task_id,
                "resultCode": _code(result),
                "resultString": str(result)[:MAX_RESULT],
            }
            for task, result in zip(tasks, results, strict=True)
        ],
    }


def _record(task: object, now: datetime) -> dict[str, Any] | EventError:
    try:
        in_arn = isinstance(task, Mapping) and "s3Bucket" not in task
        bucket = text(task, "s3BucketArn" if in_arn else "s3Bucket").rpartition(":")[2]
        return {
            "eventSource": "aws:s3",
            "eventName": EVENT_NAME,
            "eventTime": now.isoformat(),
            "s3": {"bucket": {"name": bucket}, "object": {"key": text(task, "s3Key")}},
        }
    except EventError as err:
        return err


def _code(result: str | Exception) -> str:
    if isinstance(result, str):
        return "Succeeded"
    # An invalid task fails at every try; any other error may be temporary.
    return "PermanentFailure" if isinstance(result, ValueError) else "TemporaryFailure"
