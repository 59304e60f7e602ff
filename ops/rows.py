"""What the table holds: one row, some rows by key, or all of them."""

import contextlib
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

from ops.pace import Backoff

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH = 100
PAGE = 500
SEGMENTS = 4
DESERIALIZER = TypeDeserializer()

Row = dict[str, Any]
"""An attribute is a text, a number, for ``metadata`` a dict of texts, or for ``extracted`` JSON."""


def row(item: dict[str, Any]) -> Row:
    """Make plain values of an item."""
    values = {name: DESERIALIZER.deserialize(value) for name, value in item.items()}
    return {name: _plain(value) for name, value in values.items()}


def written(time: datetime) -> str:
    """Write a time as rows have it, so that texts compare as times do."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    return [_plain(member) for member in value] if isinstance(value, list) else value


def get(dynamodb: "DynamoDBClient", table: str, key: str) -> Row | None:
    """Read a key's row as it is now; None if there is none."""
    answer = dynamodb.get_item(TableName=table, Key={"file_key": {"S": key}}, ConsistentRead=True)
    return row(answer["Item"]) if "Item" in answer else None


def statuses(
    dynamodb: "DynamoDBClient", table: str, keys: Sequence[str], stop: threading.Event
) -> dict[str, str]:
    """Read the ``processing_status`` of keys that have a row; 100 keys at most.

    DynamoDB leaves keys for another call when it throttles, and AWS advises a pause before it:
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    Each call answers at least one key or fails, so that this ends.

    Args:
        dynamodb: the client of DynamoDB.
        table: its name.
        keys: of the rows.
        stop: set, it ends the reading; what is returned is not complete then.
    """
    wanted: Any = {
        table: {
            "Keys": [{"file_key": {"S": key}} for key in keys],
            "ProjectionExpression": "file_key, processing_status",
        }
    }
    found: dict[str, str] = {}
    backoff = Backoff(stop)
    while True:
        answer = dynamodb.batch_get_item(RequestItems=wanted)
        for item in map(row, answer["Responses"].get(table, [])):
            found[str(item["file_key"])] = str(item.get("processing_status", ""))
        wanted = answer["UnprocessedKeys"]
        if not wanted or not backoff.wait():
            return found


def pages(
    dynamodb: "DynamoDBClient",
    table: str,
    query: Mapping[str, Any],
    stop: threading.Event,
) -> Iterator[list[Row]]:
    """Read the whole table, several segments at once, in no order.

    Memory holds a few pages of 500 rows of each.

    Args:
        dynamodb: the client of DynamoDB.
        table: its name.
        query: what else to ask of ``Scan``, such as a filter.
        stop: set, it ends the iteration after the page at hand.
    """
    ready: queue.Queue[list[Row] | None] = queue.Queue(maxsize=SEGMENTS)
    ended = threading.Event()

    def put(page: list[Row] | None) -> None:
        while not ended.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(page, timeout=0.1)
                break

    def read(segment: int) -> None:
        try:
            scan = dynamodb.get_paginator("scan").paginate(
                TableName=table,
                Segment=segment,
                TotalSegments=SEGMENTS,
                PaginationConfig={"PageSize": PAGE},
                **query,
            )
            for page in scan:
                if stop.is_set() or ended.is_set():
                    break
                put([row(item) for item in page["Items"]])
        finally:
            put(None)

    with ThreadPoolExecutor(SEGMENTS) as pool:
        readers = [pool.submit(read, segment) for segment in range(SEGMENTS)]
        try:
            for _ in range(SEGMENTS):
                while (page := ready.get()) is not None:
                    yield page
            for reader in readers:
                reader.result()
        finally:
            ended.set()
