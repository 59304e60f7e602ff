"""Sends re-check requests, which make the function read keys again, many keys in one event.

A request looks like an S3 notification without a sequencer, so it never overwrites the row of a
newer notification; see ``handler/catalog.py``.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from ops.pace import Pace

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

MOST_KEYS = 100
# Lambda sends a failed event to the failure queue with its error, but without its payload if both
# together exceed the queue's limit. The lowest limit that AWS has had is 256 KB:
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
MOST_BYTES = 128 * 1024
ACCEPTED = 202


class RefusedError(RuntimeError):
    """Lambda did not accept an event."""


def invoke(functions: "LambdaClient", function: str, event: bytes) -> None:
    """Send an event to a function, asynchronously.

    Raises:
        RefusedError: Lambda answered with another status than 202.
        botocore.exceptions.ClientError: Lambda refused.
    """
    answer = functions.invoke(FunctionName=function, InvocationType="Event", Payload=event)
    if answer["StatusCode"] != ACCEPTED:
        raise RefusedError(f"Lambda answered {answer['StatusCode']}, not {ACCEPTED}")


@dataclass(frozen=True)
class Rechecks:
    """Sends re-check requests to a function."""

    functions: "LambdaClient"
    function: str
    bucket: str
    event_name: str
    """The ``event_name`` of the resulting rows, such as ``Backfill:Requested``."""
    pace: Pace
    """Keys a second."""

    def request(self, keys: Iterable[str]) -> Iterator[int]:
        """Request keys in as few events as possible; yields the number of keys of each event.

        Stopping the pace ends it early. Raises what ``invoke`` raises.
        """
        for records in _events(self._record(key) for key in keys):
            if not self.pace.wait(len(records)):
                return
            payload = f'{{"Records": [{", ".join(records)}]}}'
            invoke(self.functions, self.function, payload.encode())
            yield len(records)

    def _record(self, key: str) -> str:
        return json.dumps(
            {
                "eventSource": "aws:s3",
                "eventName": self.event_name,
                "eventTime": datetime.now(UTC).isoformat(),
                "s3": {"bucket": {"name": self.bucket}, "object": {"key": quote_plus(key)}},
            }
        )


def _events(records: Iterable[str]) -> Iterator[list[str]]:
    event: list[str] = []
    size = 0
    for record in records:
        if event and (len(event) == MOST_KEYS or size + len(record) > MOST_BYTES):
            yield event
            event, size = [], 0
        event.append(record)
        size += len(record) + 2
    if event:
        yield event
