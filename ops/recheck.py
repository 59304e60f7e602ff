"""Re-check requests: ask the function to read keys again, many keys an event.

A request looks like a notification of S3's without a sequencer, so that it never overwrites what a
newer notification led to; see ``handler/catalog.py``.
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
# A failed event reaches the failure queue with its error, and without its payload if the two
# together pass the queue's limit, of which 256 KB is the lowest that AWS has had:
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
MOST_BYTES = 128 * 1024
ACCEPTED = 202


class RefusedError(RuntimeError):
    """Lambda did not accept an event."""


@dataclass(frozen=True)
class Rechecks:
    """Sends re-check requests to a function."""

    functions: "LambdaClient"
    function: str
    bucket: str
    event_name: str
    """The ``event_name`` of the rows that it leads to, such as ``Backfill:Requested``."""
    pace: Pace
    """Keys a second."""

    def request(self, keys: Iterable[str]) -> Iterator[int]:
        """Request keys in as few events as they fit; yields how many after each event.

        It ends early when the pace is stopped.

        Raises:
            RefusedError: Lambda answered with another status than 202.
            botocore.exceptions.ClientError: Lambda refused.
        """
        for records in _events(self._record(key) for key in keys):
            if not self.pace.wait(len(records)):
                return
            answer = self.functions.invoke(
                FunctionName=self.function,
                InvocationType="Event",
                Payload=f'{{"Records": [{", ".join(records)}]}}'.encode(),
            )
            if answer["StatusCode"] != ACCEPTED:
                raise RefusedError(f"Lambda answered {answer['StatusCode']}, not {ACCEPTED}")
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
