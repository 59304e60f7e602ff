"""Runs the audit, in this process or as it is deployed, against a stack on the emulator."""

import contextlib
import io
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from auditor import run_audit
from support.faults import Fault, FaultProxy
from support.journeys import Deployed
from support.tool import without_notification

SUCCESSOR = "successor"
"""The function's name in this process, by which it invokes the next one."""
NO_GRACE = {"graceSeconds": 0}
OWNER = "123456789012"
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
    audit: str
    """``report`` or ``repair``."""
    lines: list[Line] = field(default_factory=list)
    """Of the last one."""

    def run(
        self, event: dict[str, Any] | None = None, left: Callable[[int], float] = lambda _: LONG
    ) -> Line:
        """Invoke it once; return its last line, or nothing if it goes on."""
        if self.audit == "report":
            # Lambda accepts the next invocation, after the faults of the test.
            self.proxy.fail("PostObject", Fault(status=202))
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
            "S3_BUCKET_ACCOUNT_ID": OWNER,
            "S3_BUCKET_NAME": stack.bucket,
            "DYNAMODB_TABLE_NAME": stack.table,
            "PROCESSOR_NAME": stack.function,
            "OBJECT_PREFIX": "",
            "OBJECT_SUFFIX": "",
        }.items():
            patch.setenv(name, value)
        run_audit._client.cache_clear()
        yield Auditor(stack, proxy, audit)
        run_audit._client.cache_clear()


class DeployedAudit:
    """The audit's function of a stack, as it is deployed."""

    def __init__(self, stack: Deployed) -> None:
        self.stack = stack
        [self.function] = [
            one
            for one in stack.client("lambda").list_functions()["Functions"]
            if one.get("Environment", {}).get("Variables", {}).get("PROCESSOR_NAME")
            == stack.function
        ]
        self.name: str = self.function["FunctionName"]

    def run(self) -> tuple[list[Line], str]:
        """Invoke it; return the lines that it logged, and Lambda's error."""
        before = len(self._lines())
        answer = self.stack.client("lambda").invoke(
            FunctionName=self.name, Payload=json.dumps(NO_GRACE).encode()
        )
        error = answer["Payload"].read().decode() if "FunctionError" in answer else ""
        return self._lines()[before:], error

    def _lines(self) -> list[Line]:
        group = self.function["LoggingConfig"]["LogGroup"]
        pages = self.stack.client("logs").get_paginator("filter_log_events")
        texts = [
            event["message"]
            for page in pages.paginate(logGroupName=group)
            for event in page["events"]
        ]
        return [json.loads(text) for text in texts if text.startswith('{"timestamp"')]


def damage(
    stack: Deployed,
    *,
    replaced: Collection[str] = (),
    deleted: Mapping[str, str | None] | None = None,
    removed: Collection[str] = (),
    changed: Collection[str] = (),
    ghosts: Collection[str] = (),
) -> dict[str, str]:
    """Make rows disagree, and return the kind of each.

    Args:
        stack: its rows agree so far.
        replaced: keys of objects to replace, of which no notification tells.
        deleted: versions to delete by key, None for a delete marker; no notification tells of them.
        removed: keys whose rows to delete.
        changed: keys whose rows to change.
        ghosts: keys to write rows of, which have no object.
    """
    deleted = deleted or {}
    dynamodb, where = stack.client("dynamodb"), {"TableName": stack.table}

    def lose() -> None:
        for key in replaced:
            stack.put(key, b"replaced")
        for key, version in deleted.items():
            stack.delete(key, version)

    without_notification(stack, lose)
    for key in removed:
        dynamodb.delete_item(**where, Key={"file_key": {"S": key}})
    for key in changed:
        dynamodb.update_item(
            **where,
            Key={"file_key": {"S": key}},
            UpdateExpression="SET etag = :etag",
            ExpressionAttributeValues={":etag": {"S": "another"}},
        )
    for key in ghosts:
        ghost = {"file_key": {"S": key}, "processing_status": {"S": "completed"}}
        dynamodb.put_item(**where, Item=ghost)
    return {
        **dict.fromkeys([*replaced, *changed], "differs"),
        **dict.fromkeys([*deleted, *ghosts], "gone"),
        **dict.fromkeys(removed, "missing"),
    }


def plant(stack: Deployed, prefix: str) -> dict[str, str]:
    """Make 23 rows disagree of 30, and return the kind of each; the others agree."""
    keys = [f"{prefix}{number:02} +é" for number in range(29)]
    versions = {}
    for key in keys:
        versions[key] = stack.put(key, key.encode())
        stack.completed(key, versions[key])
    return damage(
        stack,
        replaced=keys[:5],
        deleted=dict.fromkeys(keys[5:9]) | {key: versions[key] for key in keys[9:12]},
        removed=keys[12:19],
        changed=keys[19:22],
        ghosts=[prefix],
    )
