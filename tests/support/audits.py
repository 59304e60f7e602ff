"""Runs the audit's function in this process, against a stack on the emulator."""

import contextlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from auditor import run_audit
from support.faults import FaultProxy
from support.journeys import Deployed
from support.tool import without_notification

NOTHING_TO_DO = "def handler(event, context):\n    pass\n"
SUCCESSOR = "successor"
"""A function that stands for the next invocation and does nothing."""
NO_GRACE = {"graceSeconds": 0}
LONG = 900.0
SHORT = run_audit.RESERVE_SECONDS + 0.5
"""Seconds that are left: time for the bucket, and none for a grace."""

Line = dict[str, Any]


@dataclass
class Time:
    """Lambda's context: how much time is left, by the number of times that it was asked."""

    left: Callable[[int], float]
    function_name: str = SUCCESSOR
    asked: int = 0

    def get_remaining_time_in_millis(self) -> int:
        self.asked += 1
        return round(self.left(self.asked) * 1000)


@dataclass
class Auditor:
    """Audits of one stack."""

    stack: Deployed
    proxy: FaultProxy
    lines: list[Line] = field(default_factory=list)
    """Of the last one."""

    def run(
        self, event: dict[str, Any] | None = None, left: Callable[[int], float] = lambda _: LONG
    ) -> Line:
        """Invoke it once; return its last line, or nothing if it goes on."""
        with contextlib.redirect_stdout(io.StringIO()) as output:
            run_audit.lambda_handler(NO_GRACE if event is None else event, Time(left))
        self.lines = [json.loads(line) for line in output.getvalue().splitlines()]
        [ended] = [line for line in self.lines if line["audit"] == "ended"] or [{}]
        return ended

    def found(self) -> dict[str, str]:
        """The kind of each finding of the last invocation, by key."""
        return {line["key"]: line["kind"] for line in self.lines if line["audit"] == "found"}

    def invoked(self, function: str) -> list[dict[str, Any]]:
        """The events that it sent to a function."""
        return [
            json.loads(call.body)
            for call in self.proxy.received
            if f"/functions/{function}/" in call.path
        ]


@contextlib.contextmanager
def auditor(stack: Deployed, proxy: FaultProxy, audit: str) -> Iterator[Auditor]:
    """Have the function's environment, as the program declares it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AUDIT": audit,
            "AWS_ENDPOINT_URL": proxy.endpoint,
            "S3_BUCKET_NAME": stack.bucket,
            "DYNAMODB_TABLE_NAME": stack.table,
            "PROCESSOR_NAME": stack.function,
            "OBJECT_PREFIX": "",
            "OBJECT_SUFFIX": "",
        }.items():
            patch.setenv(name, value)
        run_audit._client.cache_clear()
        yield Auditor(stack, proxy)
        run_audit._client.cache_clear()


def make_successor(stack: Deployed) -> None:
    """Create it, if another module has not."""
    functions = stack.client("lambda")
    with contextlib.suppress(functions.exceptions.ResourceConflictException):
        functions.create_function(
            FunctionName=SUCCESSOR,
            Runtime="python3.14",
            Code={"ZipFile": _zipped(NOTHING_TO_DO)},
            Handler="nothing.handler",
            Role="arn:aws:iam::000000000000:role/any",
        )


def _zipped(source: str) -> bytes:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as packed:
        packed.writestr("nothing.py", source)
    return code.getvalue()


def plant(stack: Deployed, prefix: str) -> dict[str, str]:
    """Make 23 rows disagree of 30, and return the kind of each; the others agree.

    Of each kind, what a lost notification leaves behind, and what a hand at the table does.
    """
    keys = [f"{prefix}{number:02} +é" for number in range(29)]
    versions = {}
    for key in keys:
        versions[key] = stack.put(key, key.encode())
        stack.completed(key, versions[key])
    dynamodb, where = stack.client("dynamodb"), {"TableName": stack.table}

    def lose() -> None:
        for key in keys[:5]:
            stack.put(key, b"replaced")
        for key in keys[5:9]:
            stack.delete(key)
        for key in keys[9:12]:
            stack.delete(key, versions[key])

    without_notification(stack, lose)
    for key in keys[12:19]:
        dynamodb.delete_item(**where, Key={"file_key": {"S": key}})
    for key in keys[19:22]:
        dynamodb.update_item(
            **where,
            Key={"file_key": {"S": key}},
            UpdateExpression="SET etag = :etag",
            ExpressionAttributeValues={":etag": {"S": "another"}},
        )
    ghost = {"file_key": {"S": f"{prefix}ghost"}, "processing_status": {"S": "completed"}}
    dynamodb.put_item(**where, Item=ghost)
    return {
        **dict.fromkeys([*keys[:5], *keys[19:22]], "differs"),
        **dict.fromkeys([*keys[5:12], f"{prefix}ghost"], "gone"),
        **dict.fromkeys(keys[12:19], "missing"),
    }
