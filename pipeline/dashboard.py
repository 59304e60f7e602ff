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
    panels = [*_of_the_records(names), *_of_the_waits(names), *_of_the_costs(names), *more]
    return {"widgets": [head, alarms, *_placed(panels, top=4)]}


def _first_steps(names: Names) -> str:
    return (
        f"**{names.function}** keeps **{names.table}** up to date with **{names.bucket}**.\n\n"
        "An alarm? Its description says what to do first. Then `python -m ops status`;"
        f" the runbook is `{RUNBOOK}`."
    )


def _of_the_records(names: Names) -> list[Widget]:
    outcomes: list[Line] = [
        [names.namespace, OUTCOME_METRIC, "Outcome", outcome, {"label": outcome}]
        for outcome in OUTCOMES
    ]
    lags: list[Line] = [
        [names.namespace, LAG_METRIC, {"stat": stat, "label": f"lag {stat}"}]
        for stat in ("p50", "p99")
    ]
    errors = [
        _function(names, "Errors"),
        _function(names, "Throttles"),
        _function(names, "DestinationDeliveryFailures"),
        _function(names, "ConcurrentExecutions", stat="Maximum", yAxis="right"),
    ]
    return [
        panel(
            names.region,
            "Records by outcome",
            outcomes,
            stat="Sum",
            label="records",
            stacked=True,
        ),
        panel(names.region, "Freshness: from event to row", lags, stat="p50", label="milliseconds"),
        panel(
            names.region,
            "Errors, throttles, concurrency",
            errors,
            stat="Sum",
            label="invocations",
            right="at the same time",
        ),
    ]


def _of_the_waits(names: Names) -> list[Widget]:
    age = {"label": "age of the oldest", "yAxis": "right"}
    failed = [
        _queue(names.queue, "ApproximateNumberOfMessagesVisible", label="failed events"),
        _queue(names.queue, "ApproximateAgeOfOldestMessage", **age),
    ]
    if names.undelivered:
        failed.append(
            _queue(
                names.undelivered, "ApproximateNumberOfMessagesVisible", label="undelivered events"
            )
        )
    waits = [
        _function(names, "AsyncEventAge", stat="Maximum", label="longest wait"),
        _function(names, "AsyncEventAge", stat="p50", label="median wait"),
    ]
    lines = [_function(names, "Duration", stat=stat, label=stat) for stat in ("p50", "p99")]
    durations = panel(
        names.region, "Duration of invocations", lines, stat="p50", label="milliseconds"
    )
    limit = {"label": "timeout", "value": names.timeout * 1000}
    durations["properties"]["annotations"] = {"horizontal": [limit]}
    return [
        panel(
            names.region, "Failure queue", failed, stat="Maximum", label="events", right="seconds"
        ),
        panel(names.region, "Wait for the function", waits, stat="Maximum", label="milliseconds"),
        durations,
    ]


def _of_the_costs(names: Names) -> list[Widget]:
    """The table's load, and what AWS bills: requests, billed time, write units and log bytes."""
    units = [
        _table(names, "ConsumedWriteCapacityUnits", "write units"),
        _table(names, "ConsumedReadCapacityUnits", "read units"),
    ]
    refused = [
        _table(names, "WriteThrottleEvents", "writes throttled"),
        _table(names, "ReadThrottleEvents", "reads throttled"),
        _table(names, "ConditionalCheckFailedRequests", "conditions failed"),
    ]
    log = {"label": "log", "yAxis": "right"}
    billed = [
        _function(names, "Invocations", label="invocations"),
        _table(names, "ConsumedWriteCapacityUnits", "write units"),
        _function(names, "Duration", stat="Sum", label="billed time", yAxis="right"),
        ["AWS/Logs", "IncomingBytes", "LogGroupName", names.log_group, log],
    ]
    return [
        panel(names.region, "Table: consumed units", units, stat="Sum", label="units"),
        panel(
            names.region, "Table: throttles, refused writes", refused, stat="Sum", label="requests"
        ),
        panel(
            names.region,
            "What costs money",
            billed,
            stat="Sum",
            label="invocations, units",
            right="milliseconds, bytes",
        ),
    ]


def _queue(queue: str, metric: str, **options: Any) -> Line:
    return ["AWS/SQS", metric, "QueueName", queue, options]


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
