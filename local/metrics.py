"""Plays CloudWatch's part for a local run: figures from the log and the queue, as metrics.

What AWS measures inside its services, and nothing here does, has no figures: throttles, read
units, the wait in Lambda's own queue.
"""

import math
import re
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local import logfilter
from local.cloud import Cloud

POLL_SECONDS = 0.2
# What CloudWatch Logs bills for each event on top of its text:
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
EVENT_BYTES = 26
WRITTEN = ("completed", "deleted", "stale")
REPORT = re.compile(r"REPORT RequestId: (\S+)\s+Duration: ([\d.]+) ms")

Point = tuple[float, float]
"""Seconds since the epoch, and a value."""
Name = tuple[str, str, frozenset[tuple[str, str]]]


def series_name(namespace: str, metric: str, dimensions: Mapping[str, str]) -> Name:
    """Name one metric."""
    return namespace, metric, frozenset(dimensions.items())


@dataclass
class Metrics:
    """Points of metrics, as they were published."""

    points: dict[Name, list[Point]] = field(default_factory=lambda: defaultdict(list))

    def put(
        self, namespace: str, metric: str, dimensions: Mapping[str, str], when: float, value: float
    ) -> None:
        """Publish one point."""
        self.points[series_name(namespace, metric, dimensions)].append((when, value))

    def series(
        self, name: Name, statistic: str, start: float, end: float, period: float
    ) -> list[Point]:
        """One value a period that has points: its middle, and the statistic of its points."""
        buckets: dict[int, list[float]] = defaultdict(list)
        for when, value in self.points.get(name, []):
            if start <= when <= end:
                buckets[int((when - start) / period)].append(value)
        reduce = STATISTICS.get(statistic) or _percentile(statistic)
        return [
            (start + (number + 0.5) * period, reduce(values))
            for number, values in sorted(buckets.items())
        ]


STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Sum": math.fsum,
    "Maximum": max,
    "Minimum": min,
    "Average": statistics.fmean,
}


def _percentile(statistic: str) -> Callable[[list[float]], float]:
    rank = float(statistic.removeprefix("p")) / 100
    return lambda values: sorted(values)[max(0, math.ceil(rank * len(values)) - 1)]


def from_log(cloud: Cloud, function: str, table: str, metrics: Metrics) -> None:
    """Read the function's log: the program's own filters, and what AWS would measure."""
    found = cloud("lambda").get_function_configuration(FunctionName=function)
    group = found["LoggingConfig"]["LogGroup"]
    described = cloud("logs").describe_metric_filters(logGroupName=group)["metricFilters"]
    filters = [
        (logfilter.pattern(f["filterPattern"]), f["metricTransformations"]) for f in described
    ]
    of_function, of_table = {"FunctionName": function}, {"TableName": table}
    for event in _events(cloud, group):
        when, text = event["timestamp"] / 1000, event["message"]
        fields = logfilter.fields(text)
        for matches, transformations in filters:
            for transformation in transformations if matches(fields) else ():
                value, dimensions = logfilter.points(transformation, fields)
                place = transformation["metricNamespace"], transformation["metricName"]
                metrics.put(*place, dimensions, when, value)
        size = len(text.encode()) + EVENT_BYTES
        metrics.put("AWS/Logs", "IncomingBytes", {"LogGroupName": group}, when, size)
        if report := REPORT.match(text):
            metrics.put("AWS/Lambda", "Invocations", of_function, when, 1)
            metrics.put("AWS/Lambda", "Duration", of_function, when, float(report[2]))
        if fields.get("outcome") == "failed":
            metrics.put("AWS/Lambda", "Errors", of_function, when, 1)
        if fields.get("outcome") in WRITTEN:
            units = float(fields["count"])
            metrics.put("AWS/DynamoDB", "ConsumedWriteCapacityUnits", of_table, when, units)
        if fields.get("outcome") == "stale":
            metrics.put("AWS/DynamoDB", "ConditionalCheckFailedRequests", of_table, when, 1)


def _events(cloud: Cloud, group: str) -> Iterable[dict[str, Any]]:
    pages = cloud("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    for page in pages:
        yield from page["events"]


class QueueWatch(threading.Thread):
    """Publishes a queue's depth and the age of its oldest message, as SQS does."""

    def __init__(self, cloud: Cloud, url: str, metrics: Metrics) -> None:
        """Watch a queue."""
        super().__init__(daemon=True)
        self._cloud, self._url, self._metrics = cloud, url, metrics
        self._ended = threading.Event()

    def run(self) -> None:
        """Publish until ended."""
        of_queue = {"QueueName": self._url.rpartition("/")[2]}
        since = None
        while not self._ended.wait(POLL_SECONDS):
            answer = self._cloud("sqs").get_queue_attributes(
                QueueUrl=self._url, AttributeNames=["ApproximateNumberOfMessages"]
            )
            depth, now = int(answer["Attributes"]["ApproximateNumberOfMessages"]), time.time()
            since = (since or now) if depth else None
            age = now - since if since else 0
            self._metrics.put("AWS/SQS", "ApproximateNumberOfMessagesVisible", of_queue, now, depth)
            self._metrics.put("AWS/SQS", "ApproximateAgeOfOldestMessage", of_queue, now, age)

    def end(self) -> None:
        """Stop, and wait for it."""
        self._ended.set()
        self.join()
