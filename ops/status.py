"""The state of a pipeline. Each part is read separately, so a failure hides no other part."""

import json
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import nlargest
from itertools import islice
from statistics import median
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ops import rows
from ops.event_bridge import Notifications
from ops.extract import ExtractionCounts
from ops.failed_event import read
from ops.last_audit import last_audit
from ops.stack import Stack
from pipeline.outputs import ALARM_TOPIC_ARN, FAILURE_QUEUE_URL

SAMPLE_ROWS = 10_000
NEWEST_ROWS = 100
SHOWN_ERRORS = 5
LOG_PAGES = 20
RECENT = timedelta(hours=1)
# The runtime's JSON lines; platform lines have no level.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
LEVELS = ("ERROR", "CRITICAL")
ERRORS = "{ " + " || ".join(f'$.level = "{level}"' for level in LEVELS) + " }"
OLDEST = "ApproximateAgeOfOldestMessage"


@dataclass(frozen=True)
class Part:
    """The state of one part."""

    facts: dict[str, Any]
    problem: str = ""
    """What needs attention; empty if nothing does."""


def of(stack: Stack, now: datetime, *, exact: bool) -> dict[str, Part]:
    """Read the state of every part; ``exact`` counts every row, however many there are."""
    parts: dict[str, Callable[[], Part]] = {
        "function": lambda: _function(stack),
        "errors": lambda: _errors(stack, now),
        "queue": lambda: _queue(stack, now),
        "rows": lambda: _rows(stack, exact=exact),
        "audit": lambda: Part(*last_audit(stack, now)),
        "alarms": lambda: _alarms(stack),
    }
    if stack.undelivered_queue:
        parts["events"] = lambda: _events(stack)
    return {name: _answered(ask) for name, ask in parts.items()}


def _answered(ask: Callable[[], Part]) -> Part:
    try:
        return ask()
    except (ClientError, BotoCoreError) as err:
        return Part({}, f"unknown: {err}")


def _function(stack: Stack) -> Part:
    found = stack.functions.get_function_configuration(FunctionName=stack.function)
    facts = {
        "name": found["FunctionName"],
        "state": found.get("State", "Active"),
        "lastUpdate": found.get("LastUpdateStatus", "Successful"),
        "modified": found["LastModified"],
    }
    fine = facts["state"] == "Active" and facts["lastUpdate"] != "Failed"
    reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or ""
    problem = "" if fine else f"{facts['state']}, last update {facts['lastUpdate']}: {reason}"
    return Part(facts, problem)


def _errors(stack: Stack, now: datetime) -> Part:
    """Find the newest errors of the last hour. They alone are no problem: alarms decide."""
    found = stack.functions.get_function_configuration(FunctionName=stack.function)
    group = found.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{stack.function}")
    pages = stack.logs.get_paginator("filter_log_events").paginate(
        logGroupName=group,
        filterPattern=ERRORS,
        startTime=int((now - RECENT).timestamp() * 1000),
    )
    last: deque[dict[str, str]] = deque(maxlen=SHOWN_ERRORS)
    total = 0
    for page in islice(pages, LOG_PAGES):
        for event in page["events"]:
            fields = _fields(event["message"])
            if fields.get("level") not in LEVELS:
                continue
            total += 1
            time = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
            last.append({"time": time.isoformat(timespec="seconds"), **_error(fields)})
    return Part({"lastHour": total, "newest": list(last)})


def _fields(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _error(fields: dict[str, Any]) -> dict[str, str]:
    names = (fields.get("errorType"), fields.get("errorMessage"))
    error = ": ".join(str(name) for name in names if name) or str(fields.get("message"))
    return {"key": str(fields.get("file_key", "")), "error": error}


def _queue(stack: Stack, now: datetime) -> Part:
    url = stack.outputs[FAILURE_QUEUE_URL]
    depth = _depth(stack, url)
    if not depth:
        return Part({"depth": 0, "oldestSeconds": None})
    oldest = _oldest_by_metric(stack, url, now)
    if oldest is None:
        oldest = _oldest_by_peek(stack, url, now)
    facts = {"depth": depth, "oldestSeconds": oldest}
    return Part(facts, f"{depth} failed: see `redrive --dry-run`, fix the cause, then `redrive`")


def _depth(stack: Stack, url: str) -> int:
    answer = stack.sqs.get_queue_attributes(
        QueueUrl=url,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )
    return sum(int(number) for number in answer["Attributes"].values())


def _oldest_by_metric(stack: Stack, url: str, now: datetime) -> int | None:
    answer = stack.cloudwatch.get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName=OLDEST,
        Dimensions=[{"Name": "QueueName", "Value": url.rpartition("/")[2]}],
        StartTime=now - timedelta(minutes=15),
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )
    newest = max(answer["Datapoints"], key=lambda point: point["Timestamp"], default=None)
    return round(newest["Maximum"]) if newest else None


def _oldest_by_peek(stack: Stack, url: str, now: datetime) -> int | None:
    """Take the oldest of a few messages, where CloudWatch has no figure yet."""
    answer = stack.sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageSystemAttributeNames=["SentTimestamp"],
    )
    ages = [now - read(message).sent for message in answer.get("Messages", [])]
    return round(max(ages).total_seconds()) if ages else None


def _rows(stack: Stack, *, exact: bool) -> Part:
    """Count by status all rows, or the first of a scan, which come in the order of a hash."""
    pages = stack.dynamodb.get_paginator("scan").paginate(
        TableName=stack.table,
        ProjectionExpression="processing_status, event_time, processed_at, extraction,"
        " extracted_at",
        PaginationConfig={"PageSize": rows.PAGE},
    )
    counts: Counter[str] = Counter()
    newest: list[tuple[str, str]] = []
    extractions = ExtractionCounts()
    complete = True
    for page in pages:
        if counts.total() >= SAMPLE_ROWS and not exact:
            complete = False
            break
        found = [rows.row(item) for item in page["Items"]]
        counts.update(str(row.get("processing_status")) for row in found)
        extractions.count(found)
        times = [(str(row.get("processed_at")), str(row.get("event_time"))) for row in found]
        newest = nlargest(NEWEST_ROWS, [*newest, *times])
    table = stack.dynamodb.describe_table(TableName=stack.table)["Table"]
    facts = {
        "counts": dict(sorted(counts.items())),
        "exact": complete,
        "read": counts.total(),
        "about": counts.total() if complete else table["ItemCount"],
        "newest": newest[0][0] if newest else None,
        **_lag(newest),
        "extraction": extractions.facts(),
    }
    return Part(facts)


def _lag(newest: list[tuple[str, str]]) -> dict[str, int | None]:
    lags = []
    for processed, event in newest:
        try:
            lag = datetime.fromisoformat(processed) - datetime.fromisoformat(event)
        except ValueError:
            continue
        lags.append(lag // timedelta(milliseconds=1))
    if not lags:
        return {"lagMedianMs": None, "lagMostMs": None}
    return {"lagMedianMs": round(median(lags)), "lagMostMs": max(lags)}


def _alarms(stack: Stack) -> Part:
    alarms = stack.alarms()
    ringing = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
    facts = {
        "total": len(alarms),
        "inAlarm": [
            {
                "name": alarm["AlarmName"],
                "since": alarm["StateUpdatedTimestamp"].isoformat(timespec="seconds"),
                "description": alarm.get("AlarmDescription", ""),
            }
            for alarm in ringing
        ],
    }
    if not alarms:
        topic = stack.outputs[ALARM_TOPIC_ARN]
        return Part(
            facts, f"no alarm publishes to {topic}: check --alarm-topic, or run `pulumi up`"
        )
    return Part(facts, f"{len(ringing)} in alarm" if ringing else "")


def _events(stack: Stack) -> Part:
    """Whether events come, and how many could not be delivered."""
    undelivered = _depth(stack, stack.undelivered_queue)
    on = Notifications.read(stack.s3, stack.bucket).on
    problems = []
    if not on:
        problems.append(
            f"bucket {stack.bucket!r} sends no events to EventBridge: see `events --enable`, then"
            " `verify --repair`"
        )
    if undelivered:
        problems.append(f"{undelivered} undelivered: run `pulumi up`, then `redrive`")
    return Part({"on": on, "undelivered": undelivered}, "; ".join(problems))
