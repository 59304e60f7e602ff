"""The documents say what the code does: their tables are read and compared with it."""

import re
from pathlib import Path
from typing import Any

import pytest

from pipeline import role_policies
from pipeline.settings import KEYS
from support.faults import FAULTS, OPERATIONS, SHARES
from support.pages import README, anchors, table
from support.recorder import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 130


def test_the_architecture_page_lists_every_folder_of_code() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = {row[0].strip("`").rstrip("/") for row in table("Where", page)}
    folders = {path.parent.relative_to(ROOT).parts[0] for path in ROOT.glob("[a-z]*/*.py")}
    assert folders <= listed
    assert all((ROOT / name).exists() for name in listed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Any) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_heading_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text(encoding="utf-8"))
    wrong = [
        f"{file}#{anchor}"
        for file, anchor in links
        if anchor not in anchors(page.parent / file if file else page)
    ]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_of_the_code_that_is_named_exists(page: Any) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(
        r"`((?:pipeline|handler|local|tests|docs|samples|policy|examples)/[\w./]*)`", text
    )
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_page_on_tests_names_every_fault_and_neither_wrong_rows_nor_lost_keys() -> None:
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    rows = table("Fault", page)
    told = " ".join(row[0] for row in rows)
    named = [*FAULTS, *OPERATIONS, *SHARES]
    assert [name for name in named if name not in told] == []
    assert {tuple(row[3:5]) for row in rows} == {("0", "0")}


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
    all_have: Any = {"bucket_arn": "b", "table_arn": "t", "log_group_arn": "l"}
    all_have |= {"key_arn": "k", "tracing": True}
    assert listed("Statement") == actions_of(
        role_policies.process_files(**all_have, queue_arn="q"),
        role_policies.decrypt_objects(key_arn="o", region="r", dns_suffix="d"),
        role_policies.run_batch_jobs(bucket_arn="b", function_arn="f"),
    )
    assert listed("The extractor's statement") == actions_of(
        role_policies.extract_files(**all_have, stream_arn="s"),
        role_policies.decrypt_objects(key_arn="o", region="r", dns_suffix="d"),
    )
    audit = role_policies.audit(**all_have, repairing_arn="f")
    audited = actions_of(audit, role_policies.invoke_audit("a"))
    assert listed("The audit's statement") == audited


def listed(head: str) -> dict[str, set[str]]:
    return {
        row[0].strip("`"): set(re.findall(r"`([^`]+)`", row[1])) for row in table(head, SECURITY)
    }


def actions_of(*policies: dict[str, Any]) -> dict[str, set[str]]:
    return {
        statement["Sid"]: {statement["Action"]}
        if isinstance(statement["Action"], str)
        else set(statement["Action"])
        for policy in policies
        for statement in policy["Statement"]
    }


def test_the_test_that_needs_each_permission_exists() -> None:
    named = {row[4].strip("`") for row in table("Statement", SECURITY)}
    assert named <= names_of_tests()
