"""The documents say what the code does: their tables are read and compared with it."""

import json
import re
import subprocess
from datetime import UTC, datetime
from typing import Any

import click
import pytest
import yaml

from events import Notification
from ops.__main__ import main
from ops.cli import of_a_stack
from pipeline.policies import process_files, run_batch_jobs
from pipeline.settings import PROJECT, config_key
from row import row
from support.fault_cases import FAULTS, OPERATIONS, SHARES
from support.pages import README, table
from support.recorder import ROOT, Program, shipped_config

PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def config_of(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))["config"]
    return loaded


def shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text else "none"


DECLARED = config_of("Pulumi.yaml")


def test_the_readme_lists_every_configuration_key_in_order() -> None:
    assert [row[0] for row in table("Key")] == [f"`{key}`" for key in DECLARED]


@pytest.mark.parametrize("row", table("Key"), ids=lambda row: row[0])
def test_a_configuration_row_has_the_declared_type_default_and_choices(row: list[str]) -> None:
    key = row[0].strip("`")
    default = DECLARED[key]["default"]
    dev, prod = (shipped_config(stack)[f"{PROJECT}:{key}"] for stack in ("dev", "prod"))
    expected_default = "the stack's name" if key == "environmentSuffix" else shown(default)
    assert row[1:5] == [DECLARED[key]["type"], expected_default, shown(dev), shown(prod)]


def test_what_a_change_does_is_said_of_every_configuration_key_in_order() -> None:
    changes = (ROOT / "docs" / "changes.md").read_text(encoding="utf-8")
    assert [row[0] for row in table("Setting", changes)] == [f"`{key}`" for key in DECLARED]


def test_the_readme_lists_every_output(dev: Program) -> None:
    assert {row[0].strip("`") for row in table("Output")} == set(dev.outputs)


def test_the_readme_says_of_which_output_of_the_component_each_is() -> None:
    program = (ROOT / "__main__.py").read_text(encoding="utf-8")
    exported = re.findall(r'export\("(\w+)", pipeline\.(\w+)\)', program)
    expected = {name: config_key(of) for name, of in exported}
    assert {row[0].strip("`"): row[1].strip("`") for row in table("Output")} == expected


def test_the_readme_lists_every_alarm(dev: Program) -> None:
    listed = [row[0].strip("`") for row in table("Alarm")]
    prefix = "file-metadata-monitoring-"
    declared = [alarm.name for alarm in dev.all("aws:cloudwatch/metricAlarm:MetricAlarm")]
    assert sorted(f"{prefix}{name}" for name in listed) == sorted(declared)


@pytest.mark.parametrize("row", table("Alarm"), ids=lambda row: row[0])
def test_the_readme_tells_to_do_first_what_the_alarm_tells(dev: Program, row: list[str]) -> None:
    [alarm] = [
        declared
        for declared in dev.all("aws:cloudwatch/metricAlarm:MetricAlarm")
        if declared.name == f"file-metadata-monitoring-{row[0].strip('`')}"
    ]
    told = re.findall(r"`python -m ops ([^`]+)`", alarm.inputs["alarmDescription"])
    assert row[1]
    assert row[2]
    assert re.findall(r"`([^`]+)`", row[2]) == told


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


def test_the_readme_lists_every_attribute_of_a_row_with_its_type() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    notification = Notification("bucket", "key", "ObjectCreated:Put", now, "0" * 32)
    head: Any = {"ContentLength": 1, "ETag": '"e"', "LastModified": now}
    head |= {"ChecksumSHA256": "AAAA", "Metadata": {"name": "value"}}
    made = {"unordered_until": "S"} | {
        name: {int: "N", str: "S", dict: "M of S"}[type(value)]
        for answer in (head, None)
        for name, value in row(
            notification, answer, sequencer="0", region="r", now=now, tombstone_days=1
        ).items()
    }
    assert {cells[0].strip("`"): cells[1] for cells in table("Attribute")} == made


SHARED = [option.opts[0] for option in click.command()(of_a_stack(lambda: None)).params]


def test_the_readme_lists_every_option_that_all_commands_take() -> None:
    assert [cells[0].strip("`") for cells in table("Option")] == SHARED


def test_the_readme_lists_every_command_with_its_own_options() -> None:
    own = {
        name: [
            option.opts[0]
            for option in command.params
            if isinstance(option, click.Option) and option.opts[0] not in SHARED
        ]
        for name, command in main.commands.items()
    }
    listed = {
        cells[0].strip("`"): re.findall(r"`([^`]+)`", cells[2])
        for cells in table("`python -m ops`")
    }
    assert listed == own


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
    assert all(set(re.findall(r"`(\w+)`", row[2])) & DECLARED.keys() for row in rows)


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
