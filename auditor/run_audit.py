"""The audit's entry point: runs an audit, continues it in further invocations, logs the result.

The environment has the names of bucket, table and function, the bucket's account, the prefix and
suffix of the keys that have rows, and ``AUDIT``, which is ``report`` or ``repair``.
"""

import functools
import json
import os
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from auditor.audit import Audit, Limits
from auditor.progress import Deadline, Progress
from ops.bucket import Scope
from ops.clients import session
from ops.pace import Pace
from ops.recheck import Rechecks, RefusedError
from ops.verify import DIFFERS, EVENT_NAME, GONE, MISSING, Finding, Verifier

RESERVE_SECONDS = 30.0
"""Time to finish running calls and to log the last line."""
REPAIR_SECONDS = 90.0
"""Time for a repair, before the reserve."""
REPAIRS_A_SECOND = 500
MOST_RUNS = 12
"""Lambda stops a function after about 16 invocations in one chain of requests:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""
MOST_ABORTED = 2
LIMITS = Limits()


class Context(Protocol):
    """The part of Lambda's context that the audit uses."""

    function_name: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the time that this invocation may still run, in ms."""


def lambda_handler(event: dict[str, Any], context: Context) -> None:
    """Begin an audit, or continue one."""
    progress = Progress.of(event)
    because: str | None
    try:
        because = _run(progress, context)
    except (ClientError, BotoCoreError, RefusedError, sqlite3.Error) as err:
        because = f"{type(err).__name__}: {err}"
    if because is not None:
        _log(_ended(progress, because))


def _run(progress: Progress, context: Context) -> str | None:
    """Run as long as there is time.

    Returns:
        Why it ended early; empty if it is complete; None if another invocation continues it.
    """

    def left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    repairs = os.environ["AUDIT"] == "repair"
    end = Deadline(left, RESERVE_SECONDS)
    walk = Deadline(left, RESERVE_SECONDS + (REPAIR_SECONDS if repairs else 0))
    audit = Audit(
        verifier=_verifier(progress.grace),
        progress=progress,
        walk=walk,
        rechecks=_rechecks(end) if repairs else None,
        limits=LIMITS,
    )
    try:
        done = audit.run()
    finally:
        for finding in audit.findings:
            _log(_found(finding))
    if done:
        many = progress.unconfirmed
        return f"{many} more keys to read again than it can pass on" if many else ""
    if progress.aborted >= MOST_ABORTED:
        return "the table takes longer to read than an invocation may run"
    if progress.run >= MOST_RUNS:
        return f"it takes more than {MOST_RUNS} invocations"
    _client("lambda").invoke(
        FunctionName=context.function_name,
        InvocationType="Event",
        Payload=json.dumps(progress.event(), ensure_ascii=False).encode(),
    )
    return None


def _verifier(grace: float) -> Verifier:
    scope = Scope(os.environ["OBJECT_PREFIX"], os.environ["OBJECT_SUFFIX"])
    return Verifier(
        _client("s3"),
        _client("dynamodb"),
        os.environ["S3_BUCKET_NAME"],
        os.environ["DYNAMODB_TABLE_NAME"],
        scope,
        timedelta(seconds=grace),
    )


def _rechecks(stop: Deadline) -> Rechecks:
    return Rechecks(
        _client("lambda"),
        os.environ["PROCESSOR_NAME"],
        os.environ["S3_BUCKET_NAME"],
        EVENT_NAME,
        Pace(REPAIRS_A_SECOND, stop),
    )


@functools.cache
def _client(service: str) -> Any:
    client = session().client(service)
    client.meta.events.register("provide-client-params.s3", _expect_owner)
    return client


def _expect_owner(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    return params | {"ExpectedBucketOwner": os.environ["S3_BUCKET_ACCOUNT_ID"]}


def _found(finding: Finding) -> dict[str, Any]:
    return {
        "audit": "found",
        "key": finding.key,
        "kind": finding.kind,
        "detail": finding.detail,
    }


def _ended(progress: Progress, because: str) -> dict[str, Any]:
    """The last line; the metrics come from it."""
    return {
        "audit": "ended",
        "complete": not because,
        "because": because,
        "compared": progress.compared,
        "disagree": progress.disagree,
        "missing": progress.found.get(MISSING, 0),
        "gone": progress.found.get(GONE, 0),
        "differing": progress.found.get(DIFFERS, 0),
        "repaired": progress.repaired,
        "too_recent": progress.too_recent,
        "unconfirmed": progress.unconfirmed,
        "seconds": round(time.time() - progress.began),
        "invocations": progress.run,
    }


def _log(fields: dict[str, Any]) -> None:
    """Print a line of JSON. Lambda does not change it, and takes level and time from it.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    print(json.dumps({"timestamp": now, "level": "INFO", **fields}), flush=True)
