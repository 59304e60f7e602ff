"""The metrics that CloudWatch makes from the function's log, as data.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
"""

import pulumi_aws as aws

OUTCOME_METRIC, LAG_METRIC = "Records", "FreshnessLag"

Transformation = aws.cloudwatch.LogMetricFilterMetricTransformationArgsDict
Filters = dict[str, tuple[str, Transformation]]
"""Pattern and metric of each filter, by role."""

# Lines that must not be counted have no `count`.
COUNTED = "{ $.outcome = * && $.count > 0 }"
FRESH = '{ ($.outcome = "completed" || $.outcome = "deleted") && $.count > 0 && $.lag_ms >= 0 }'


def processor_filters(namespace: str) -> Filters:
    """The filters on the log of the function that writes the rows."""
    return {
        "records": (COUNTED, outcomes(namespace, OUTCOME_METRIC)),
        "freshness": (FRESH, lag(namespace, LAG_METRIC)),
    }


def outcomes(namespace: str, metric: str) -> Transformation:
    """A metric that counts lines by ``outcome``."""
    return {
        "namespace": namespace,
        "name": metric,
        "value": "$.count",
        "unit": "Count",
        "dimensions": {"Outcome": "$.outcome"},
    }


def lag(namespace: str, metric: str) -> Transformation:
    """A metric of ``lag_ms``."""
    return {"namespace": namespace, "name": metric, "value": "$.lag_ms", "unit": "Milliseconds"}
