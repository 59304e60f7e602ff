"""``ops status`` on the audit: what the last one found, and that the next one is overdue."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.last_audit import last_audit
from ops.stack import Stack
from pipeline.names import metric_namespace
from support.journeys import Deployed

WHAT_TO_DO = ": see docs/operations.md#audit-missing, and run `verify` meanwhile"


@pytest.fixture(scope="module")
def off(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy(environmentSuffix="unaudited")


@pytest.fixture(scope="module")
def on(deploy: Callable[..., Deployed], off: Deployed) -> Deployed:
    """It shares the topic of its alarms with another, which has no audit."""
    return deploy(
        environmentSuffix="overdue", audit="report", alarmTopicArn=off.outputs["AlarmTopicArn"]
    )


def ended(stack: Deployed, suffix: str) -> None:
    """Put the metrics that CloudWatch Logs makes of an audit's last line."""
    data = [
        {"MetricName": f"Audit{name}", "Value": value}
        for name, value in (("Disagreements", 0), ("Compared", 30))
    ]
    stack.client("cloudwatch").put_metric_data(Namespace=metric_namespace(suffix), MetricData=data)


def seen(stack: Deployed, **after: float) -> tuple[dict[str, Any], str]:
    """The last audit and what is wrong, so long after now."""
    endpoint = stack.client("s3").meta.endpoint_url
    return last_audit(
        Stack(stack.outputs, endpoint_url=endpoint), datetime.now(UTC) + timedelta(**after)
    )


def test_that_no_audit_has_ended_is_no_problem_within_two_days_of_deployment(on: Deployed) -> None:
    assert seen(on, days=1, hours=23) == ({"last": None}, "")


def test_that_no_audit_has_ended_is_a_problem_from_then_on(on: Deployed) -> None:
    _, problem = seen(on, days=2, minutes=1)
    assert problem == "no audit has ended in the last 14 days" + WHAT_TO_DO


def test_an_audit_that_ended_more_than_two_days_ago_is_a_problem(on: Deployed) -> None:
    ended(on, "overdue")
    facts, problem = seen(on, days=1, hours=23)
    assert (facts["compared"], problem) == (30, "")
    _, problem = seen(on, days=3, hours=1)
    assert problem == "the last audit ended 3 days ago" + WHAT_TO_DO


def test_a_stack_without_an_audit_misses_none(off: Deployed, on: Deployed) -> None:
    """Not even the other's whose alarms have the same topic, nor its own of earlier days."""
    assert seen(off, days=9) == ({"last": None}, "")
    ended(off, "unaudited")
    facts, problem = seen(off, days=9)
    assert (facts["compared"], problem) == (30, "")
