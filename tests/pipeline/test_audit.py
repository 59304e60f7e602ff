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

DAY = 24 * 60 * 60


@pytest.fixture(scope="module")
def reporting() -> Program:
    return declare("dev", {"audit": "report"})


@pytest.fixture(scope="module")
def repairing() -> Program:
    return declare("dev", {"audit": "repair"})


def policies(program: Program) -> list[Declared]:
    component = program.named("audit").urn
    return [found for found in program.all("RolePolicy") if found.parent == component]


def actions(program: Program) -> set[str]:
    found: set[str] = set()
    for policy in policies(program):
        for one in policy.statements().values():
            found |= {one["Action"]} if isinstance(one["Action"], str) else set(one["Action"])
    return found


def test_a_stack_without_an_audit_declares_nothing_of_it(dev: Program, reporting: Program) -> None:
    more = {one.urn for one in reporting.resources} - {one.urn for one in dev.resources}
    assert {one.urn for one in dev.resources} < {one.urn for one in reporting.resources}
    assert all("audit" in urn or urn.endswith("rows-disagree") for urn in more)
    assert "Audit" not in dev.one("Dashboard").inputs["dashboardBody"]


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
        return any(processor in policy.inputs["policy"] for policy in policies(program))

    assert not invoked(reporting)
    assert invoked(repairing)


def test_it_is_invoked_once_a_day_and_never_again_for_a_failure(reporting: Program) -> None:
    schedule = reporting.one("Schedule").inputs
    assert schedule["scheduleExpression"] == "cron(0 3 * * ? *)"
    assert schedule["flexibleTimeWindow"]["mode"] == "FLEXIBLE"
    assert schedule["target"]["retryPolicy"] == {"maximumRetryAttempts": 0}
    assert reporting.named("audit-once").inputs["maximumRetryAttempts"] == 0


def test_an_audit_ends_before_the_next_one_begins(reporting: Program) -> None:
    """Each of its invocations waits in Lambda's queue, and then runs, as long as it may."""
    waits = reporting.named("audit-once").inputs["maximumEventAgeInSeconds"]
    runs = reporting.named("audit-function").inputs["timeout"]
    window = reporting.one("Schedule").inputs["flexibleTimeWindow"]["maximumWindowInMinutes"] * 60
    assert window + MOST_RUNS * (waits + runs) < DAY


def test_the_schedule_waits_until_the_function_may_run_as_it_should(reporting: Program) -> None:
    for earlier in (*policies(reporting), reporting.named("audit-once")):
        assert reporting.needs(reporting.one("Schedule"), earlier)


def test_only_this_accounts_schedules_may_take_on_the_schedulers_role(reporting: Program) -> None:
    trust = reporting.named("audit-scheduler").statements("assumeRolePolicy")
    [statement] = trust.values()
    assert statement["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_the_function_has_a_vcpu_two_gigabytes_and_fifteen_minutes(reporting: Program) -> None:
    function = reporting.named("audit-function").inputs
    size = {"memorySize": 1769, "timeout": 900, "ephemeralStorage": {"size": 2048}}
    assert size.items() <= function.items()
    assert "reservedConcurrentExecutions" not in function


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


def test_an_audit_that_is_missing_for_two_days_rings_but_not_for_days_before_it_was_created(
    reporting: Program,
) -> None:
    """No emulator knows metric math, so the expression is held as it is."""
    missing = reporting.named("monitoring-audit-missing").inputs
    metric, total = missing["metricQueries"]
    created = int(datetime.fromisoformat(CREATED).timestamp())
    assert total["expression"] == f"IF(EPOCH(FILL(m1, 0)) < {created}, 0, FILL(m1, 0) < 1)"
    assert metric["metric"]["stat"] == "SampleCount"
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    assert metric["metric"]["period"] * missing["evaluationPeriods"] == 2 * DAY <= 7 * DAY


def test_the_dashboard_shows_what_was_found_of_how_many(reporting: Program) -> None:
    board = json.loads(reporting.one("Dashboard").inputs["dashboardBody"])
    [panel] = [w["properties"] for w in board["widgets"] if w["properties"].get("title") == "Audit"]
    assert [line[1] for line in panel["metrics"]] == ["AuditDisagreements", "AuditCompared"]
    assert panel["period"] == DAY
