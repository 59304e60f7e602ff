"""The handler under test: imported once, pointed at a bucket and a table of a test's own.

Its calls go through the fault proxy to the emulator; what a test does itself goes straight there.
"""

import atexit
import copy
import functools
import importlib
import json
import operator
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from events import Notification
from local.cloud import Cloud
from support.faults import FaultProxy

EVENTS = Path(__file__).parents[1] / "events"
ACCOUNT = "123456789012"
EVENT_TIME = datetime(2026, 3, 14, 9, 26, 53, 589000, tzinfo=UTC)
EARLIER = "0055AED6DCD90281E0".ljust(32, "0")
NEWER = "0055AED6DCD90281E9".ljust(32, "0")
NEWEST = "0055AED6DCD90281F0".ljust(32, "0")
MISSING = object()
"""A field's value where there is no such field."""


def load(name: str) -> Any:
    """Read an event file."""
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


PUT = load("put")["Records"][0]
MESSAGE = load("queue_batch")["Records"][0]
TEXTS = [
    ("eventSource",),
    ("eventName",),
    ("eventTime",),
    ("s3", "bucket", "name"),
    ("s3", "object", "key"),
]
"""The fields of a record that must be texts."""
FIELDS = [*TEXTS, ("s3",), ("s3", "bucket"), ("s3", "object")]
"""The fields that a record must have."""
SEQUENCER = ("s3", "object", "sequencer")


def with_field(record: Any, *path: str, value: object) -> Any:
    """Copy a record with one field changed, or ``MISSING``."""
    changed = copy.deepcopy(record)
    *parents, name = path
    target = functools.reduce(operator.getitem, parents, changed)
    if value is MISSING:
        del target[name]
    else:
        target[name] = value
    return changed


def process_file(proxy: FaultProxy) -> ModuleType:
    """Import the handler as Lambda does: its environment set, its connections opened at import."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        environment.setenv("S3_BUCKET_NAME", "named-in-environment")
        environment.setenv("DYNAMODB_TABLE_NAME", "table-named-in-environment")
        arn = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/table-named-in-environment"
        environment.setenv("DYNAMODB_TABLE_ARN", arn)
        environment.setenv("TOMBSTONE_DAYS", "3")
        handler = importlib.import_module("process_file")
    atexit.register(close_connections, handler.CATALOG)
    return handler


def notified(
    bucket: str, key: str, sequencer: str | None, event_name: str = "ObjectCreated:Put"
) -> Notification:
    """Make a notification, its sequencer already padded."""
    return Notification(bucket, key, event_name, EVENT_TIME, sequencer)


@dataclass
class Bench:
    """A bucket, a table, and the handler between them."""

    handler: ModuleType
    cloud: Cloud
    proxy: FaultProxy
    bucket: str
    table: str

    def put(self, key: str, body: bytes = b"", **more: Any) -> str:
        """Upload an object; return its version."""
        sent = {"ContentType": "text/plain"} | more
        answer = self.cloud("s3").put_object(Bucket=self.bucket, Key=key, Body=body, **sent)
        return str(answer["VersionId"])

    def delete(self, key: str, version: str | None = None) -> str:
        """Delete an object or one version of it; return the marker's or the version's id."""
        chosen = {"VersionId": version} if version else {}
        answer = self.cloud("s3").delete_object(Bucket=self.bucket, Key=key, **chosen)
        return str(answer["VersionId"])

    def row(self, key: str) -> dict[str, str]:
        """Read a row, numbers as DynamoDB writes them; empty if there is none."""
        return {name: next(iter(value.values())) for name, value in self.item(key).items()}

    def item(self, key: str) -> dict[str, Any]:
        """Read a row as DynamoDB has it; empty if there is none."""
        answer = self.cloud("dynamodb").get_item(
            TableName=self.table, Key={"file_key": {"S": key}}, ConsistentRead=True
        )
        item: dict[str, Any] = answer.get("Item", {})
        return item

    def rows(self) -> list[str]:
        """List the keys that have a row."""
        items = self.cloud("dynamodb").scan(TableName=self.table)["Items"]
        return sorted(item["file_key"]["S"] for item in items)

    def write(self, key: str, **attributes: str) -> None:
        """Write a row of texts past the handler."""
        item = {"file_key": key, **attributes}
        self.cloud("dynamodb").put_item(
            TableName=self.table, Item={name: {"S": value} for name, value in item.items()}
        )

    def change(self, key: str, **attributes: Any) -> None:
        """Change a row's attributes past the handler; None takes one away."""
        item = {name: value for name, value in (self.item(key) | attributes).items() if value}
        self.cloud("dynamodb").put_item(TableName=self.table, Item=item)

    def update(
        self, key: str, sequencer: str | None = NEWER, event_name: str = "ObjectCreated:Put"
    ) -> str:
        """Notify the catalog of a key's change; return the outcome."""
        notification = notified(self.bucket, key, sequencer, event_name)
        return str(self.handler.CATALOG.update(notification))

    def record(self, key: str, sequencer: str = NEWER, **fields: Any) -> dict[str, Any]:
        """Make a record as S3 sends it; the key is URL-encoded already."""
        record: dict[str, Any] = copy.deepcopy(PUT)
        record["s3"]["bucket"]["name"] = self.bucket
        record["s3"]["object"] |= {"key": key, "sequencer": sequencer}
        return record | fields

    def invoke(self, event: object) -> dict[str, Any]:
        """Invoke the function with an event."""
        answer: dict[str, Any] = self.handler.lambda_handler(event, None)
        return answer

    def handle(self, *records: Any) -> dict[str, Any]:
        """Invoke the function with a notification of these records."""
        return self.invoke({"Records": list(records)})

    def before_first(self, operation: str, action: Callable[[], object]) -> None:
        """Act once, when the handler's first call of an operation is under way."""
        once = threading.Lock()

        def act(called: str) -> None:
            if called == operation and once.acquire(blocking=False):
                action()

        self.proxy.before = act

    def before_each(self, operation: str, action: Callable[[], object]) -> None:
        """Act whenever a call of an operation is under way."""
        self.proxy.before = lambda called: action() if called == operation else None


def make_table(cloud: Cloud, name: str) -> None:
    """Make a table as the stack does."""
    cloud("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "file_key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "file_key", "AttributeType": "S"}],
    )


def close_connections(catalog: Any) -> None:
    """Close those that are open and not in use."""
    for service in (catalog.s3.service, catalog.dynamodb.service):
        service.host.close()


def in_bucket(catalog: Any, bucket: str) -> dict[str, Any]:
    """Make the fields of a catalog that name its bucket."""
    return {"bucket": bucket, "s3": replace(catalog.s3, root=f"/{bucket}/")}


def set_up(cloud: Cloud, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Make a versioned bucket and a table, and point the handler at them."""
    handler = process_file(proxy)
    bucket = table = f"bench-{secrets.token_hex(6)}"
    cloud("s3").create_bucket(Bucket=bucket)
    cloud("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    make_table(cloud, table)
    close_connections(handler.CATALOG)  # so that each test's first calls are on new ones
    catalog = replace(handler.CATALOG, **in_bucket(handler.CATALOG, bucket), table=table)
    monkeypatch.setattr(handler, "CATALOG", catalog)
    return Bench(handler, cloud, proxy, bucket, table)
