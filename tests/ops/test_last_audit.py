"""``ops status`` on the audit: what the last one found, and that the next one is overdue."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from ops.__main__ import main
from ops.last_audit import last_audit
from ops.stack import Stack
from pipeline.names import metric_namespace
from support.journeys import Deployed
from support.tool import of

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


def ended(stack: Deployed, hours: float = 0, **values: float) -> None:
    """Put the metrics that CloudWatch Logs makes of an audit's last line, so many hours ago."""
    suffix = stack.table.removeprefix("file-metadata-table-")
    when = datetime.now(UTC) - timedelta(hours=hours)
    data = [
        {"MetricName": f"Audit{name}", "Timestamp": when, "Value": value}
        for name, value in values.items()
    ]
    stack.client("cloudwatch").put_metric_data(Namespace=metric_namespace(suffix), MetricData=data)


def seen(stack: Deployed, **after: float) -> tuple[dict[str, Any], str]:
    """The last audit and what is wrong, so long after now."""
    endpoint = stack.client("s3").meta.endpoint_url
    return last_audit(
        Stack(stack.outputs, endpoint_url=endpoint), datetime.now(UTC) + timedelta(**after)
    )


def test_that_no_audit_has_ended_is_no_problem_within_two_days_of_deployment(on: Deployed) -> None:
    assert seen(on, days=1, hours=23) == ({"on": True, "last": None}, "")


def test_that_no_audit_has_ended_is_a_problem_from_then_on(on: Deployed) -> None:
    _, problem = seen(on, days=2, minutes=1)
    assert problem == "no audit has ended in the last 14 days" + WHAT_TO_DO


def shown(stack: Deployed) -> tuple[dict[str, Any], str]:
    """What ``ops status`` shows for machines, and for people."""
    # The other parts may be findings, too.
    as_json, as_text = (
        CliRunner().invoke(main, ["status", *of(stack), *options]).stdout
        for options in (["--json"], [])
    )
    return json.loads(as_json)["audit"], as_text


def test_the_last_audit_is_shown_and_what_it_found_is_a_finding(on: Deployed) -> None:
    facts, text = shown(on)
    assert facts == {"on": True, "last": None, "problem": ""}
    assert "none in the last 14 days" in text
    ended(on, 49, Disagreements=7, Compared=3400, Incomplete=1)
    # Nothing of two days: the alarm, and so perhaps the audit, is new.
    assert seen(on)[1] == "7 rows disagree: see `verify`; it ended early: its log says why"
    ended(on, 25, Disagreements=0, Compared=3501)
    facts, text = shown(on)
    assert facts["problem"] == ""
    assert "0 of 3,501 disagree, " in text
    ended(on, 1, Disagreements=2, Compared=3502, Incomplete=1)
    facts, text = shown(on)
    assert (facts["disagree"], facts["compared"], facts["complete"]) == (2, 3502, False)
    assert "2 of 3,502 disagree, incomplete, " in text
    assert "2 rows disagree: see `verify`; it ended early" in text


def test_an_audit_that_ended_more_than_two_days_ago_is_a_problem(on: Deployed) -> None:
    ended(on, Disagreements=0, Compared=30)
    facts, problem = seen(on, days=1, hours=23)
    assert (facts["compared"], problem) == (30, "")
    _, problem = seen(on, days=3, hours=1)
    assert problem == "the last audit ended 3 days ago" + WHAT_TO_DO


def test_a_stack_without_an_audit_misses_none(off: Deployed, on: Deployed) -> None:
    """Not even the other's whose alarms have the same topic, nor what its own last one found."""
    ended(off, Disagreements=7, Compared=30)
    assert seen(off, days=9) == ({"on": False, "last": None}, "")
    facts, text = shown(off)
    assert facts == {"on": False, "last": None, "problem": ""}
    assert re.search(r"^audit +off\b", text, re.MULTILINE)
