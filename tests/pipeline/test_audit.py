"""The audit as it is declared: its function, its schedule, its metrics and what they ring."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from auditor.progress import Progress
from auditor.run_audit import MOST_RUNS, _ended
from pipeline.audit_watch import ENDED, INCOMPLETE, audit_filters
from pipeline.package import AUDIT_FILES, audit_archive
from support.recorder import ACCOUNT, CREATED, ROOT, Declared, Program, declare

COMPONENT = "file-metadata:index:Audit"
FUNCTION = "aws:lambda/function:Function"
SCHEDULE = "aws:scheduler/schedule:Schedule"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
DAY = 24 * 60 * 60
ROLES = ["rows-disagree", "audit-incomplete", "audit-missing"]


@pytest.fixture(scope="module")
def reporting() -> Program:
    return declare("dev", {"audit": "report"})


@pytest.fixture(scope="module")
def repairing() -> Program:
    return declare("dev", {"audit": "repair"})


def audit_of(program: Program, kind: str) -> list[Declared]:
    [component] = program.all(COMPONENT)
    return [found for found in program.all(kind) if found.parent == component.urn]


def actions(program: Program) -> set[str]:
    statements = [
        statement
        for policy in audit_of(program, ROLE_POLICY)
        for statement in json.loads(policy.inputs["policy"])["Statement"]
    ]
    return {
        action
        for one in statements
        for action in (one["Action"] if isinstance(one["Action"], list) else [one["Action"]])
    }


def alarm(program: Program, role: str) -> dict[str, Any]:
    [found] = [one for one in program.all(ALARM) if one.name == f"file-metadata-monitoring-{role}"]
    return found.inputs


def test_a_stack_without_an_audit_declares_nothing_of_it(dev: Program, reporting: Program) -> None:
    more = {one.urn for one in reporting.resources} - {one.urn for one in dev.resources}
    assert {one.urn for one in dev.resources} < {one.urn for one in reporting.resources}
    assert all("audit" in urn or urn.endswith("rows-disagree") for urn in more)
    board = dev.one(DASHBOARD).inputs["dashboardBody"]
    assert "Audit" not in board


def test_a_report_may_only_read_and_go_on(reporting: Program, repairing: Program) -> None:
    reads = {
        "s3:ListBucketVersions",
        "s3:GetObject",
        "s3:ListBucket",
        "dynamodb:GetItem",
        "dynamodb:Scan",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "lambda:InvokeFunction",
    }
    assert actions(reporting) == actions(repairing) == reads
    processor = reporting.outputs["LambdaFunctionName"]

    def invoked(program: Program) -> bool:
        return any(
            processor in policy.inputs["policy"] for policy in audit_of(program, ROLE_POLICY)
        )

    assert not invoked(reporting)
    assert invoked(repairing)


def test_it_is_invoked_once_a_day_and_never_again_for_a_failure(reporting: Program) -> None:
    schedule = reporting.one(SCHEDULE).inputs
    assert schedule["scheduleExpression"] == "cron(0 3 * * ? *)"
    assert schedule["flexibleTimeWindow"]["mode"] == "FLEXIBLE"
    assert schedule["target"]["retryPolicy"] == {"maximumRetryAttempts": 0}
    [once] = audit_of(reporting, "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
    assert once.inputs["maximumRetryAttempts"] == 0


def test_an_audit_ends_before_the_next_one_begins(reporting: Program) -> None:
    """Each of its invocations waits in Lambda's queue, and then runs, as long as it may."""
    [function] = audit_of(reporting, FUNCTION)
    [once] = audit_of(reporting, "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig")
    window = reporting.one(SCHEDULE).inputs["flexibleTimeWindow"]["maximumWindowInMinutes"] * 60
    longest = once.inputs["maximumEventAgeInSeconds"] + function.inputs["timeout"]
    assert window + MOST_RUNS * longest < DAY


def test_the_schedule_waits_until_the_function_may_run_as_it_should(reporting: Program) -> None:
    schedule = reporting.one(SCHEDULE)
    for kind in (ROLE_POLICY, "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"):
        assert all(reporting.needs(schedule, one) for one in audit_of(reporting, kind))


def test_only_this_accounts_schedules_may_take_on_the_schedulers_role(reporting: Program) -> None:
    trusts = [
        json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]
        for role in audit_of(reporting, "aws:iam/role:Role")
    ]
    [trust] = [one for one in trusts if one["Principal"]["Service"] == "scheduler.amazonaws.com"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_the_function_has_a_vcpu_two_gigabytes_and_fifteen_minutes(reporting: Program) -> None:
    [function] = audit_of(reporting, FUNCTION)
    size = {"memorySize": 1769, "timeout": 900, "ephemeralStorage": {"size": 2048}}
    assert size.items() <= function.inputs.items()
    assert "reservedConcurrentExecutions" not in function.inputs


def test_the_archive_holds_all_that_the_function_imports_and_no_more(tmp_path: Path) -> None:
    """With boto3 alone, which the runtime has."""
    for name, asset in audit_archive().assets.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(asset.text, encoding="utf-8")
    code = (
        "import sys; sys.modules |= dict.fromkeys(('click', 'rich', 'pulumi'));"
        "import auditor.run_audit as m;"
        "print('\\n'.join(str(f) for o in list(sys.modules.values())"
        " if (f := getattr(o, '__file__', None))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    here = {Path(line) for line in done.stdout.splitlines() if line.startswith(str(tmp_path))}
    assert {path.relative_to(tmp_path).as_posix() for path in here} == set(AUDIT_FILES)
    assert all((ROOT / name).exists() for name in AUDIT_FILES)


def matches(pattern: str, line: dict[str, Any]) -> bool:
    """Of the patterns' syntax, the two that are used.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """
    ended = line["audit"] == "ended"
    return {ENDED: ended, INCOMPLETE: ended and line["complete"] is False}[pattern]


@pytest.mark.parametrize(
    ("because", "expected"),
    [
        ("", {"AuditDisagreements": 3, "AuditCompared": 100}),
        ("denied", {"AuditDisagreements": 3, "AuditCompared": 100, "AuditIncomplete": 1}),
    ],
    ids=["complete", "incomplete"],
)
def test_the_metrics_are_made_of_the_last_line(because: str, expected: dict[str, int]) -> None:
    line = _ended(Progress(compared=100, found={"missing": 5}, repaired=2), because)
    counted = {
        metric["name"]: line.get(str(metric["value"]).removeprefix("$."), 1)
        for pattern, metric in audit_filters("n").values()
        if matches(pattern, line)
    }
    assert counted == expected


def test_the_filters_read_the_audits_log(reporting: Program) -> None:
    [group] = audit_of(reporting, "aws:cloudwatch/logGroup:LogGroup")
    reads = [one.inputs["logGroupName"] for one in reporting.all(FILTER)]
    assert reads.count(f"{group.name}-1234567") == 3


def test_an_audit_that_is_missing_for_two_days_rings_but_not_for_days_before_it_was_created(
    reporting: Program,
) -> None:
    """No emulator knows metric math, so the expression is held as it is."""
    missing = alarm(reporting, "audit-missing")
    metric, total = missing["metricQueries"]
    created = int(datetime.fromisoformat(CREATED).timestamp())
    assert total["expression"] == f"IF(EPOCH(FILL(m1, 0)) < {created}, 0, FILL(m1, 0) < 1)"
    assert missing["comparisonOperator"] == "GreaterThanThreshold"
    assert missing["threshold"] == 0
    assert (metric["metric"]["metricName"], metric["metric"]["stat"]) == (
        "AuditCompared",
        "SampleCount",
    )
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert metric["metric"]["period"] * missing["evaluationPeriods"] == 2 * DAY <= 7 * DAY


def test_an_audit_that_is_missing_rings_also_where_its_metric_has_no_data_to_fill(
    reporting: Program,
) -> None:
    missing = alarm(reporting, "audit-missing")
    assert missing["treatMissingData"] == "missing"
    assert missing["insufficientDataActions"] == missing["alarmActions"]


@pytest.mark.parametrize("role", [role for role in ROLES if role != "audit-missing"])
def test_no_data_is_no_reason_to_ring(reporting: Program, role: str) -> None:
    found = alarm(reporting, role)
    assert found["treatMissingData"] == "notBreaching"
    assert {"okActions", "insufficientDataActions"} & found.keys() == set()


def test_an_audit_that_is_killed_rings_as_one_that_ends_early_does(reporting: Program) -> None:
    """It leaves no line."""
    queries = alarm(reporting, "audit-incomplete")["metricQueries"]
    metrics = [query["metric"] for query in queries if "metric" in query]
    [function] = audit_of(reporting, FUNCTION)
    assert [one["metricName"] for one in metrics] == ["AuditIncomplete", "Errors"]
    assert metrics[1]["dimensions"] == {"FunctionName": f"{function.name}-1234567"}
    [total] = [query for query in queries if query.get("returnData")]
    assert total["expression"] == "FILL(m1, 0) + FILL(m2, 0)"


@pytest.mark.parametrize("role", ROLES)
def test_an_alarm_says_what_to_do_and_where_to_read_on(reporting: Program, role: str) -> None:
    description = alarm(reporting, role)["alarmDescription"]
    assert description.endswith(f"More: docs/operations.md#{role}")
    heading = f"\n### {role.replace('-', ' ').capitalize()}\n"
    assert heading in (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_the_dashboard_shows_what_was_found_of_how_many(reporting: Program) -> None:
    board = json.loads(reporting.one(DASHBOARD).inputs["dashboardBody"])
    [panel] = [w["properties"] for w in board["widgets"] if w["properties"].get("title") == "Audit"]
    assert [line[1] for line in panel["metrics"]] == ["AuditDisagreements", "AuditCompared"]
    assert panel["period"] == DAY
