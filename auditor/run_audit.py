"""The function: runs an audit, goes on with it in its next invocation, and logs a line at the end.

Its environment has the names of bucket, table and function, the bucket's account, what the keys
begin and end with that have rows, and ``AUDIT``, which is ``report`` or ``repair``.
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
"""For what is under way when it is time to stop, and for the last line."""
REPAIR_SECONDS = 90.0
"""For a repair, before that."""
REPAIRS_A_SECOND = 500
MOST_RUNS = 12
"""Lambda stops a function that was invoked more than 16 times by what one event led to:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""
MOST_ABORTED = 2
LIMITS = Limits()


class Context(Protocol):
    """What is used of Lambda's context."""

    function_name: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""


def lambda_handler(event: dict[str, Any], context: Context) -> None:
    """Run an audit, or go on with one."""
    progress = Progress.of(event)
    because: str | None
    try:
        because = _run(progress, context)
    except (ClientError, BotoCoreError, RefusedError, sqlite3.Error) as err:
        because = f"{type(err).__name__}: {err}"
    if because is not None:
        _log(_ended(progress, because))


def _run(progress: Progress, context: Context) -> str | None:
    """Run as far as there is time for.

    Returns:
        Why it ended early; empty if it is complete; None if it goes on in another invocation.
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
    """The last line, of which the metrics are made."""
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
