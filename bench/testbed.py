"""The test bed of the measurements: one emulator, a bucket with files, a table, and events."""

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.counting import counting
from local import emulator as emulators
from local.cloud import Cloud

ROOT = Path(__file__).resolve().parent.parent
REGION = "us-east-1"
BUCKET, TABLE = "bench-files", "bench-rows"
FILES = 200
# A role's session token has about this length, and is sent with each request.
SESSION_TOKEN = "t" * 900
Handler = tuple[Path, str]
"""A handler's folder, and its module, which has ``lambda_handler``."""
HANDLERS: dict[str, Handler] = {
    "this project": (ROOT / "handler", "process_file"),
    "common design": (ROOT / "bench" / "references", "common_design"),
    "bare HTTP": (ROOT / "bench" / "references", "bare_http"),
}


@dataclass
class Resources:
    """A bucket and a table on a running emulator."""

    cloud: Cloud
    _sequence: int = 0

    def record(self) -> dict[str, Any]:
        """A notification of the next file, as S3 sends it; its sequencer is the highest so far."""
        self._sequence += 1
        return {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": REGION,
            "eventTime": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "eventName": "ObjectCreated:Put",
            "s3": {
                "s3SchemaVersion": "1.0",
                "bucket": {"name": BUCKET, "arn": f"arn:aws:s3:::{BUCKET}"},
                "object": {
                    "key": key(self._sequence % FILES),
                    "size": 1024,
                    "sequencer": f"{self._sequence:018X}",
                },
            },
        }

    def events(self, count: int, records: int = 1) -> list[dict[str, Any]]:
        """Make events with the same number of records each."""
        return [{"Records": [self.record() for _ in range(records)]} for _ in range(count)]

    def measure(self, handler: Handler, events: Sequence[Any], **more: str) -> dict[str, float]:
        """Run a handler over events in a new process; returns the figures of `bench.worker`."""
        words = ("bench.worker", *map(str, handler))
        settings = environment(self.cloud.endpoint) | more
        printed = run_module(*words, env=settings, given=json.dumps(events))
        figures: dict[str, float] = json.loads(printed)
        return figures

    def count(self, handler: Handler, events: Sequence[Any], **more: str) -> dict[str, float]:
        """Run a handler over events; returns calls by name, and write units, for each event."""
        seen: Counter[str] = Counter()
        with counting(self.cloud.endpoint, seen) as endpoint:
            self.measure(handler, events, AWS_ENDPOINT_URL=endpoint, **more)
        return {name: count / len(events) for name, count in seen.items()}


def environment(endpoint: str) -> dict[str, str]:
    """The environment that Lambda and the program give a handler."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "DYNAMODB_TABLE_NAME": TABLE,
        "DYNAMODB_TABLE_ARN": f"arn:aws:dynamodb:{REGION}:000000000000:table/{TABLE}",
        "S3_BUCKET_NAME": BUCKET,
        "TOMBSTONE_DAYS": "1",
    }


def run_module(*words: str, env: dict[str, str], given: str = "") -> str:
    """Run a Python module in a new process, with an input; returns what it prints.

    Raises:
        RuntimeError: it failed; the message has the end of its standard error.
    """
    done = subprocess.run(
        [sys.executable, "-m", *words],
        env=env,
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def key(number: int) -> str:
    """A key of typical length."""
    return f"reports/2026/03/file-{number:05}.csv"


@contextlib.contextmanager
def running() -> Iterator[Resources]:
    """Start an emulator, and upload the files."""
    with emulators.running() as emulator:
        cloud = Cloud(emulator.endpoint, REGION)
        cloud("s3").create_bucket(Bucket=BUCKET)
        cloud("s3").put_bucket_versioning(
            Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
        )
        for number in range(FILES):
            cloud("s3").put_object(
                Bucket=BUCKET, Key=key(number), Body=b"x" * 1024, ContentType="text/csv"
            )
        cloud("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "file_key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "file_key", "AttributeType": "S"}],
        )
        yield Resources(cloud)
