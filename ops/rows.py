"""Reads the table: one row, some rows by key, or all rows."""

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
"""Values are texts and numbers; ``metadata`` is a dict of texts, and ``extracted`` is JSON."""


def row(item: dict[str, Any]) -> Row:
    """Convert an item to plain values."""
    values = {name: DESERIALIZER.deserialize(value) for name, value in item.items()}
    return {name: _plain(value) for name, value in values.items()}


def written(time: datetime) -> str:
    """Format a time as in the rows; these texts sort in time order."""
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

    When DynamoDB throttles, it leaves keys for another call, and AWS advises a pause before it:
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    Each call returns at least one key or fails, so the loop ends. Setting ``stop`` ends it early;
    the result is then incomplete.
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


def only(conditions: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Make the parameters of ``Scan`` that take only rows for which all conditions hold.

    Args:
        conditions: the name and the text of each condition's value; without a text it is left out.
    """
    limits = {condition: limit for condition, limit in conditions.items() if limit[1]}
    if not limits:
        return {}
    return {
        "FilterExpression": " AND ".join(limits),
        "ExpressionAttributeValues": {name: {"S": text} for name, text in limits.values()},
    }


def pages(
    dynamodb: "DynamoDBClient",
    table: str,
    query: Mapping[str, Any],
    stop: threading.Event,
) -> Iterator[list[Row]]:
    """Read the whole table, several segments at once, in no order.

    Memory holds a few pages of 500 rows for each segment. ``query`` has more parameters of
    ``Scan``, such as a filter. Setting ``stop`` ends the iteration after the current page.
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
