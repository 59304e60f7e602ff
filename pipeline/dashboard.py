"""Builds the dashboard's body from the resources' names.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .alarms import RUNBOOK
from .log_metrics import LAG_METRIC, OUTCOME_METRIC

WIDTH = 24
PANEL_WIDTH, PANEL_HEIGHT = 8, 6
OUTCOMES = ("completed", "deleted", "stale", "failed")
# By partition: https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html
CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}

Widget = dict[str, Any]
Line = list[Any]


def dashboard_url(name: str, region: str, partition: str) -> str:
    """The address of a dashboard in the console."""
    console = CONSOLES.get(partition, CONSOLES["aws"])
    return f"https://{region}.{console}/cloudwatch/home?region={region}#dashboards/dashboard/{name}"


@dataclass(frozen=True, kw_only=True)
class Names:
    """The resources that the dashboard shows."""

    region: str
    namespace: str
    """The namespace of the metrics that come from the log."""
    bucket: str
    function: str
    table: str
    queue: str
    log_group: str
    timeout: int
    """The function's timeout, seconds."""
    alarm_arns: Sequence[str]
    undelivered: str = ""
    """The queue of a rule's undelivered events; empty without a rule."""


def dashboard(names: Names, more: Sequence[Widget] = ()) -> dict[str, Any]:
    """The body of the dashboard: what to do first, the alarms, then panels in rows of three.

    Args:
        names: the resources that it shows.
        more: panels that come last.
    """
    head: Widget = {
        "type": "text",
        "x": 0,
        "y": 0,
        "width": PANEL_WIDTH,
        "height": 4,
        "properties": {"markdown": _first_steps(names)},
    }
    alarms: Widget = {
        "type": "alarm",
        "x": PANEL_WIDTH,
        "y": 0,
        "width": WIDTH - PANEL_WIDTH,
        "height": 4,
        "properties": {"title": "Alarms", "alarms": list(names.alarm_arns)},
    }
    return {"widgets": [head, alarms, *_placed([*_panels(names), *more], top=4)]}


def _first_steps(names: Names) -> str:
    return (
        f"**{names.function}** keeps **{names.table}** up to date with **{names.bucket}**.\n\n"
        "An alarm? Its description says what to do first. Then `python -m ops status`;"
        f" the runbook is `{RUNBOOK}`."
    )


def _panels(names: Names) -> list[Widget]:
    return [
        _throughput(names),
        _freshness(names),
        _errors(names),
        _failure_queue(names),
        _waiting(names),
        _duration(names),
        _consumption(names),
        _throttles(names),
        _cost(names),
    ]


def _throughput(names: Names) -> Widget:
    lines = [
        [names.namespace, OUTCOME_METRIC, "Outcome", outcome, {"label": outcome}]
        for outcome in OUTCOMES
    ]
    return panel(
        names.region, "Records by outcome", lines, stat="Sum", label="records", stacked=True
    )


def _freshness(names: Names) -> Widget:
    lines = [
        [names.namespace, LAG_METRIC, {"stat": stat, "label": f"lag {stat}"}]
        for stat in ("p50", "p99")
    ]
    return panel(
        names.region, "Freshness: from event to row", lines, stat="p50", label="milliseconds"
    )


def _errors(names: Names) -> Widget:
    lines = [
        _function(names, "Errors"),
        _function(names, "Throttles"),
        _function(names, "DestinationDeliveryFailures"),
        _function(names, "ConcurrentExecutions", stat="Maximum", yAxis="right"),
    ]
    return panel(
        names.region,
        "Errors, throttles, concurrency",
        lines,
        stat="Sum",
        label="invocations",
        right="at the same time",
    )


def _failure_queue(names: Names) -> Widget:
    dimension = ["QueueName", names.queue]
    lines: list[Line] = [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", *dimension, {"label": "failed events"}],
        [
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            *dimension,
            {"label": "age of the oldest", "yAxis": "right"},
        ],
    ]
    if names.undelivered:
        waiting = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", names.undelivered]
        lines.append([*waiting, {"label": "undelivered events"}])
    return panel(
        names.region, "Failure queue", lines, stat="Maximum", label="events", right="seconds"
    )


def _waiting(names: Names) -> Widget:
    lines = [
        _function(names, "AsyncEventAge", stat="Maximum", label="longest wait"),
        _function(names, "AsyncEventAge", stat="p50", label="median wait"),
    ]
    return panel(names.region, "Wait for the function", lines, stat="Maximum", label="milliseconds")


def _duration(names: Names) -> Widget:
    lines = [_function(names, "Duration", stat=stat, label=stat) for stat in ("p50", "p99")]
    durations = panel(
        names.region, "Duration of invocations", lines, stat="p50", label="milliseconds"
    )
    limit = {"label": "timeout", "value": names.timeout * 1000}
    durations["properties"]["annotations"] = {"horizontal": [limit]}
    return durations


def _consumption(names: Names) -> Widget:
    lines = [
        _table(names, "ConsumedWriteCapacityUnits", "write units"),
        _table(names, "ConsumedReadCapacityUnits", "read units"),
    ]
    return panel(names.region, "Table: consumed units", lines, stat="Sum", label="units")


def _throttles(names: Names) -> Widget:
    lines = [
        _table(names, "WriteThrottleEvents", "writes throttled"),
        _table(names, "ReadThrottleEvents", "reads throttled"),
        _table(names, "ConditionalCheckFailedRequests", "conditions failed"),
    ]
    return panel(
        names.region, "Table: throttles, refused writes", lines, stat="Sum", label="requests"
    )


def _cost(names: Names) -> Widget:
    """What AWS bills: requests, billed time, write units and log bytes."""
    log_bytes = ["AWS/Logs", "IncomingBytes", "LogGroupName", names.log_group]
    lines = [
        _function(names, "Invocations", label="invocations"),
        _table(names, "ConsumedWriteCapacityUnits", "write units"),
        _function(names, "Duration", stat="Sum", label="billed time", yAxis="right"),
        [*log_bytes, {"label": "log", "yAxis": "right"}],
    ]
    return panel(
        names.region,
        "What costs money",
        lines,
        stat="Sum",
        label="invocations, units",
        right="milliseconds, bytes",
    )


def _function(names: Names, metric: str, **options: Any) -> Line:
    line: Line = ["AWS/Lambda", metric, "FunctionName", names.function]
    return [*line, options] if options else line


def _table(names: Names, metric: str, label: str) -> Line:
    return ["AWS/DynamoDB", metric, "TableName", names.table, {"label": label}]


def panel(
    region: str,
    title: str,
    lines: Sequence[Line],
    *,
    stat: str,
    label: str,
    right: str | None = None,
    stacked: bool = False,
) -> Widget:
    """A panel of lines; each axis is labeled with what it counts, or with its unit."""
    axes = {"left": label} | ({} if right is None else {"right": right})
    return {
        "type": "metric",
        "width": PANEL_WIDTH,
        "height": PANEL_HEIGHT,
        "properties": {
            "title": title,
            "metrics": list(lines),
            "region": region,
            "view": "timeSeries",
            "stacked": stacked,
            "stat": stat,
            "period": 60,
            "yAxis": {
                side: {"min": 0, "label": text, "showUnits": False} for side, text in axes.items()
            },
        },
    }


def _placed(panels: Sequence[Widget], top: int) -> list[Widget]:
    columns = WIDTH // PANEL_WIDTH
    return [
        widget
        | {
            "x": number % columns * PANEL_WIDTH,
            "y": top + number // columns * PANEL_HEIGHT,
        }
        for number, widget in enumerate(panels)
    ]
