"""The extractor's monitoring, as data: metrics from its log, alarms and panels.

Metrics of event source mappings:
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html#event-source-mapping-metrics
"""

from typing import Any

import pulumi

from .alarms import FIVE_MINUTES, MAXIMUM, SUM, Alarm, Metric, function_metric
from .dashboard import Line, Widget, panel
from .log_metrics import COUNTED, Filters, lag, outcomes

OUTCOMES = ("done", "failed", "superseded", "error")
FAILED = "failed"
EXTRACTION_METRIC, EXTRACTION_LAG_METRIC = "Extractions", "ExtractionLag"
DONE = '{ $.outcome = "done" && $.lag_ms >= 0 }'

FIFTEEN_MINUTES = 15 * 60
AGE_MS = 60 * 60 * 1000


def extractor_alarms(
    *, function: pulumi.Input[str], mapping: pulumi.Input[str], namespace: str
) -> list[Alarm]:
    """The additional alarms of a pipeline with an extractor.

    Args:
        function: the extractor's function.
        mapping: the event source mapping's id.
        namespace: of the metrics that come from the log.
    """
    failed = Metric(
        namespace=namespace,
        name=EXTRACTION_METRIC,
        dimensions=(("Outcome", FAILED),),
        statistic=SUM,
    )
    # This metric does not count records that expire in the stream or go to a destination. Neither
    # happens: the mapping's limits come first, and it has no destination.
    given_up = Metric(
        namespace="AWS/Lambda",
        name="DroppedEventCount",
        dimensions=(("EventSourceMappingUUID", mapping),),
        statistic=SUM,
    )
    return [
        Alarm(
            role="extraction-failures",
            metrics=(failed,),
            threshold=0,
            # A long period, so that many bad files at once start the alarm only once.
            period=FIFTEEN_MINUTES,
            means="The extractor's code failed on a file; its row says `failed` and why.",
            first="read the rows' `extraction_error`: the cause is the file or the extractor."
            " After a fix, `python -m ops extract`.",
        ),
        Alarm(
            role="extractions-given-up",
            metrics=(given_up,),
            threshold=0,
            period=FIVE_MINUTES,
            means="Lambda discarded records of files after 100 retries or 6 hours; the files' rows"
            " stay `pending`.",
            first="read the extractor's log for timeouts, lack of memory, and errors of S3; then"
            " `python -m ops extract`.",
        ),
        Alarm(
            role="extraction-age",
            metrics=(function_metric(function, "IteratorAge", MAXIMUM),),
            threshold=AGE_MS,
            period=FIVE_MINUTES,
            means="A row has been `pending` for more than an hour.",
            first="during a backfill, wait; otherwise check the extractor's errors, duration and"
            " throttles. Then `python -m ops extract` for files whose records were discarded.",
        ),
        Alarm(
            # Lambda retries by itself, so a single error needs no action.
            role="extraction-errors",
            metrics=(
                function_metric(function, "Errors"),
                # Without invocations Lambda reports no `IteratorAge`.
                function_metric(function, "Throttles"),
            ),
            threshold=0,
            period=FIVE_MINUTES,
            periods=3,
            means="The extractor has failed or been throttled in three five-minute periods in a"
            " row: out of memory, out of time, no concurrency left in the account, or S3 or"
            " DynamoDB refuses its calls.",
            first="read its log; raise `extractorMemorySize` or `extractorTimeout`; then"
            " `python -m ops extract` for files whose records were discarded.",
        ),
    ]


def extractor_filters(namespace: str) -> Filters:
    """Pattern and metric of each filter on the extractor's log, by role."""
    return {
        "extractions": (COUNTED, outcomes(namespace, EXTRACTION_METRIC)),
        "extraction-lag": (DONE, lag(namespace, EXTRACTION_LAG_METRIC)),
    }


def extractor_panels(*, function: str, mapping: str, namespace: str, region: str) -> list[Widget]:
    """The dashboard's panels about the extractor."""

    def line(metric: str, **options: Any) -> Line:
        return ["AWS/Lambda", metric, "FunctionName", function, options]

    by_outcome: list[Line] = [
        [namespace, EXTRACTION_METRIC, "Outcome", outcome, {"label": outcome}]
        for outcome in OUTCOMES
    ]
    times: list[Line] = [
        [namespace, EXTRACTION_LAG_METRIC, {"stat": "p50", "label": "lag p50"}],
        [namespace, EXTRACTION_LAG_METRIC, {"stat": "p99", "label": "lag p99"}],
        line("IteratorAge", stat="Maximum", label="oldest record"),
        line("Duration", stat="p99", label="duration p99"),
    ]
    dropped: Line = ["AWS/Lambda", "DroppedEventCount", "EventSourceMappingUUID", mapping]
    errors = [
        line("Errors", label="errors"),
        line("Throttles", label="throttles"),
        [*dropped, {"label": "given up"}],
        line("ConcurrentExecutions", stat="Maximum", label="at once", yAxis="right"),
    ]
    return [
        panel(
            region, "Extractions by outcome", by_outcome, stat="Sum", label="files", stacked=True
        ),
        panel(region, "Extraction: from row to result", times, stat="p50", label="milliseconds"),
        panel(
            region,
            "Extractor: errors, given up",
            errors,
            stat="Sum",
            label="invocations, files",
            right="at the same time",
        ),
    ]
