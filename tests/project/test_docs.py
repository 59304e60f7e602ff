"""The documents say what the code does: their tables are read and compared with it."""

import json
import re
import subprocess
from typing import Any

import pytest

from pipeline.policies import process_files, run_batch_jobs
from pipeline.settings import KEYS
from support.fault_cases import FAULTS, OPERATIONS, SHARES
from support.pages import README, table
from support.recorder import ROOT, Program

PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def test_the_readme_says_what_watching_costs(dev: Program) -> None:
    """$0.10 a month for each metric of an alarm, $0.30 for each metric from the log.

    https://aws.amazon.com/cloudwatch/pricing/
    """
    of_alarms = sum(
        len(
            [
                query
                for query in alarm.inputs.get("metricQueries", [{"metric": 1}])
                if "metric" in query
            ]
        )
        for alarm in dev.all("aws:cloudwatch/metricAlarm:MetricAlarm")
    )
    [body] = dev.all("aws:cloudwatch/dashboard:Dashboard")
    from_log = {
        tuple(part for part in line if isinstance(part, str))
        for widget in json.loads(body.inputs["dashboardBody"])["widgets"]
        for line in widget["properties"].get("metrics", [])
        if line[0].startswith("FileMetadata/")
    }
    words = {5: "five", 11: "eleven"}
    assert (
        f"${of_alarms * 0.10:.2f} a month for the alarms ({words.get(of_alarms)} metrics)" in README
    )
    assert f"${len(from_log) * 0.30:.2f} ({words.get(len(from_log))} at $0.30)" in README


def test_the_readme_lists_every_make_target_as_make_help_does() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [phony] = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    say = ["make", "--no-print-directory", "help"]
    said = subprocess.run(say, check=True, cwd=ROOT, capture_output=True, text=True)
    helped = dict(re.split(r"\s{2,}", line) for line in said.stdout.splitlines())
    assert helped.keys() == {f"make {target}" for target in phony.split()}
    assert {row[0].strip("`"): row[1] for row in table("Command")} == helped


def test_the_readme_lists_every_folder_of_code() -> None:
    listed = {row[0].strip("`").rstrip("/") for row in table("Where")}
    folders = {path.parent.relative_to(ROOT).parts[0] for path in ROOT.glob("[a-z]*/*.py")}
    assert folders <= listed
    assert all((ROOT / name).exists() for name in listed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Any) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_of_the_code_that_is_named_exists(page: Any) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(
        r"`((?:pipeline|handler|local|tests|docs|samples|policy|examples)/[\w./]*)`", text
    )
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_correctness_page_lists_every_fault_case() -> None:
    page = (ROOT / "docs" / "correctness.md").read_text(encoding="utf-8")
    cases = {
        f"{fault}, {share} of {operation}"
        for fault in FAULTS
        for operation in OPERATIONS
        for share in SHARES
    }
    rows = table("Fault", page)
    assert cases <= {row[0] for row in rows}
    assert {tuple(row[4:6]) for row in rows} == {("0", "0")}


SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def names_of_tests() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    return {name for text in texts for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}


@pytest.mark.parametrize("row", table("Control", SECURITY), ids=lambda row: row[0])
def test_a_control_is_held_by_a_test_or_left_for_a_reason(row: list[str]) -> None:
    _, state, reason = row
    named = set(re.findall(r"`(test_\w+)`", reason))
    assert named <= names_of_tests()
    assert bool(named) == (state in {"met", "key"})
    assert state in {"met", "key", "account", "no"}
    assert reason


def test_a_control_that_a_key_meets_names_the_key() -> None:
    rows = [row for row in table("Control", SECURITY) if row[1] == "key"]
    assert rows
    assert all(set(re.findall(r"`(\w+)`", row[2])) & KEYS.keys() for row in rows)


def test_the_security_page_lists_every_statement_of_the_roles_with_its_actions() -> None:
    function = process_files(
        bucket_arn="b", table_arn="t", queue_arn="q", log_group_arn="l", key_arn="k", tracing=True
    )
    job = run_batch_jobs(bucket_arn="b", function_arn="f")
    expected = {
        statement["Sid"]: {statement["Action"]}
        if isinstance(statement["Action"], str)
        else set(statement["Action"])
        for statement in function["Statement"] + job["Statement"]
    }
    listed = {
        row[0].strip("`"): set(re.findall(r"`([^`]+)`", row[1]))
        for row in table("Statement", SECURITY)
    }
    assert listed == expected


def test_the_test_that_needs_each_permission_exists() -> None:
    named = {row[4].strip("`") for row in table("Statement", SECURITY)}
    assert named <= names_of_tests()
