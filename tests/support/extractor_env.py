"""The second function under test: imported once, pointed at a test's own bucket and table."""

import atexit
import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest

from local.cloud import Cloud
from support import handler_env
from support.faults import FaultProxy
from support.handler_env import NEWER, Bench

Extract = Callable[[Any], Any]


def extract_file(proxy: FaultProxy) -> ModuleType:
    """Import the function as Lambda does, once: by then it has no user's folder."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        environment.setenv("S3_BUCKET_NAME", "named-in-environment")
        environment.setenv("DYNAMODB_TABLE_NAME", "table-named-in-environment")
        environment.setenv("DYNAMODB_TABLE_ARN", "arn:aws:dynamodb:us-east-1:123456789012:table/t")
        module = importlib.import_module("extract_file")
    atexit.register(handler_env.close_connections, module.EXTRACTIONS)
    return module


def waiting(key: str, size: int, version: str, etag: str) -> dict[str, Any]:
    """Make a record of a row that is pending."""
    texts = {
        "file_key": key,
        "version_id": version,
        "etag": etag,
        "last_modified": "2026-03-14T09:26:53.000000Z",
        "content_type": "text/plain",
        "processed_at": "2026-03-14T09:26:53.000000Z",
        "extraction": "pending",
    }
    image = {name: {"S": text} for name, text in texts.items()} | {"file_size": {"N": str(size)}}
    return {"eventSource": "aws:dynamodb", "dynamodb": {"NewImage": image}}


class Stream:
    """A table's stream, read record by record from its start."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        [shard] = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self._next = client.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    def pending(self) -> list[dict[str, Any]]:
        """Read the records since the last time that the mapping's filter lets through."""
        answer = self._client.get_records(ShardIterator=self._next)
        self._next = answer["NextShardIterator"]
        return [
            record
            for record in answer["Records"]
            if record["dynamodb"].get("NewImage", {}).get("extraction") == {"S": "pending"}
        ]


def stream_of(cloud: Cloud, table: str) -> Stream:
    """Turn a table's stream on."""
    described = cloud("dynamodb").update_table(
        TableName=table,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    return Stream(cloud("dynamodbstreams"), described["LatestStreamArn"])


@dataclass
class Extracting:
    """A bench whose table has a stream, and the second function at its end."""

    bench: Bench
    function: ModuleType
    stream: Stream

    def extract(self, extract: Extract, *records: Mapping[str, Any]) -> dict[str, int]:
        """Run the function, with code of the test's own, on these records or on all pending."""
        with pytest.MonkeyPatch.context() as patch:
            extractions = replace(self.function.EXTRACTIONS, extract=extract)
            patch.setattr(self.function, "EXTRACTIONS", extractions)
            event = {"Records": list(records) or self.stream.pending()}
            found: dict[str, int] = self.function.lambda_handler(event, None)
            return found

    def put(self, key: str, body: bytes = b"", sequencer: str = NEWER) -> dict[str, Any]:
        """Upload an object, have its row written; return the stream's record."""
        self.bench.cloud("s3").put_object(
            Bucket=self.bench.bucket, Key=key, Body=body, ContentType="text/plain"
        )
        assert self.bench.update(key, sequencer) == "completed"
        [record] = self.stream.pending()
        return record


def set_up(
    cloud: Cloud, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, *, versioned: bool = True
) -> Extracting:
    """Make a bucket and a table with a stream, and point both functions at them."""
    bench = handler_env.set_up(cloud, proxy, monkeypatch)
    if not versioned:
        bench.bucket = f"{bench.bucket}-unversioned"
        cloud("s3").create_bucket(Bucket=bench.bucket)
    stream = stream_of(cloud, bench.table)
    where = handler_env.in_bucket(bench.handler.CATALOG, bench.bucket)
    catalog = replace(bench.handler.CATALOG, **where, extracts=True)
    monkeypatch.setattr(bench.handler, "CATALOG", catalog)
    function = extract_file(proxy)
    # So that each test's first calls are on new connections.
    handler_env.close_connections(function.EXTRACTIONS)
    # Its own has the handlers of when it was imported.
    monkeypatch.setattr(function, "LOG", logging.getLogger(function.__name__))
    extractions = replace(function.EXTRACTIONS, s3=catalog.s3, table=bench.table)
    monkeypatch.setattr(function, "EXTRACTIONS", extractions)
    return Extracting(bench, function, stream)
