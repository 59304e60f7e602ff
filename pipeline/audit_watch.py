"""The audit's monitoring, as data: metrics from its last line, alarms and a panel."""

import pulumi

from .alarms import FIVE_MINUTES, MAXIMUM, SUM, Alarm, Metric, function_metric
from .dashboard import Line, Widget, panel
from .log_metrics import Filters, Transformation
from .names import COMPARED_METRIC, DISAGREE_METRIC, INCOMPLETE_METRIC

ENDED = '{ $.audit = "ended" }'
INCOMPLETE = '{ $.audit = "ended" && $.complete IS FALSE }'
DAY = 24 * 60 * 60


def audit_filters(namespace: str) -> Filters:
    """Pattern and metric of each filter on the audit's log, by role."""

    def counted(metric: str, value: str) -> Transformation:
        return {"namespace": namespace, "name": metric, "value": value, "unit": "Count"}

    return {
        "audit-disagreements": (ENDED, counted(DISAGREE_METRIC, "$.disagree")),
        "audit-compared": (ENDED, counted(COMPARED_METRIC, "$.compared")),
        "audits-incomplete": (INCOMPLETE, counted(INCOMPLETE_METRIC, "1")),
    }


def audit_alarms(
    *, function: pulumi.Input[str], namespace: str, since: pulumi.Input[int]
) -> list[Alarm]:
    """The additional alarms of a pipeline with an audit.

    Args:
        function: the audit's function.
        namespace: of the metrics that come from the log.
        since: when the audit was created, seconds since 1970.
    """

    def metric(name: str, statistic: str) -> Metric:
        return Metric(namespace=namespace, name=name, dimensions=(), statistic=statistic)

    return [
        Alarm(
            role="rows-disagree",
            metrics=(metric(DISAGREE_METRIC, MAXIMUM),),
            threshold=0,
            period=DAY,
            means="The last audit found rows that disagree with the bucket, and did not repair"
            " them.",
            first="`python -m ops verify` names them, `python -m ops verify --repair` repairs"
            " them; then find out why.",
        ),
        Alarm(
            role="audit-incomplete",
            metrics=(metric(INCOMPLETE_METRIC, SUM), function_metric(function, "Errors")),
            threshold=0,
            period=FIVE_MINUTES,
            means="The last audit ended before it had compared everything.",
            first="read why in the last line of its log; `python -m ops verify` has no limit of"
            " time.",
        ),
        Alarm(
            role="audit-missing",
            metrics=(metric(COMPARED_METRIC, "SampleCount"),),
            threshold=0,
            period=DAY,
            periods=2,
            missing_since=since,
            means="No audit has ended for two days.",
            first="read the audit's log; check that its schedule is there and enabled.",
        ),
    ]


def audit_panels(*, namespace: str, region: str) -> list[Widget]:
    """The dashboard's panel of the audit."""
    lines: list[Line] = [
        [namespace, DISAGREE_METRIC, {"label": "rows that disagree"}],
        [namespace, COMPARED_METRIC, {"label": "keys compared", "yAxis": "right"}],
    ]
    made = panel(region, "Audit", lines, stat="Maximum", label="rows", right="keys")
    made["properties"]["period"] = DAY
    return [made]
