"""What is generated is fresh, and a change of its source makes the check fail by name."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from attributes import ATTRIBUTES, EXTRACTION_ATTRIBUTES
from events import Notification
from generate.__main__ import FILES
from pipeline.keys import config_key
from pipeline.outputs import OUTPUTS
from row import row
from support.pages import README
from support.plugin_process import copy_repository, environment
from support.recorder import ROOT, Program

PAGE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "generate", *options]
    return subprocess.run(
        command, check=False, cwd=folder, env=environment(), capture_output=True, text=True
    )


@pytest.mark.parametrize("name", FILES)
def test_a_generated_file_is_fresh(name: str) -> None:
    old = (ROOT / name).read_text(encoding="utf-8")
    assert FILES[name](old) == old, "run `make generate`"


def test_a_changed_description_makes_the_files_stale_until_they_are_generated(
    tmp_path: Path,
) -> None:
    copy = copy_repository(tmp_path)
    (copy / "docs").mkdir()
    (copy / "docs" / "reference.md").write_text(PAGE, encoding="utf-8")
    settings = copy / "pipeline" / "settings.py"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(
        text.replace("its CPU share grows with it", "CPU comes with it"), encoding="utf-8"
    )
    refused = run(copy, "--check")
    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [
        "Pulumi.yaml is stale; run `make generate`",
        "plugin/component.py is stale; run `make generate`",
        "docs/reference.md is stale; run `make generate`",
    ]
    assert run(copy).returncode == 0
    assert run(copy, "--check").returncode == 0
    for name in FILES:
        assert "CPU comes with it" in (copy / name).read_text(encoding="utf-8")


NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = {
    "ContentLength": 1,
    "ETag": '"e"',
    "LastModified": NOW,
    "ChecksumSHA256": "AAAA",
    "Metadata": {"name": "value"},
}


def made(answer: Any) -> dict[str, Any]:
    """The row that the function makes of S3's answer."""
    notification = Notification("bucket", "key", "ObjectCreated:Put", NOW, "0" * 32)
    return row(notification, answer, sequencer="0", region="r", now=NOW, tombstone_days=1)


def test_the_attributes_are_those_of_the_rows_that_the_function_makes() -> None:
    kinds = {int: "N", str: "S", dict: "M of S"}
    of_rows = {name: kinds[type(value)] for name, value in (made(HEAD) | made(None)).items()}
    assert {
        name: kind for name, (kind, _) in ATTRIBUTES.items() if name not in EXTRACTION_ATTRIBUTES
    } == {"unordered_until": "S"} | of_rows


def test_the_readme_shows_a_row_with_every_attribute_of_an_object() -> None:
    [text] = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    kinds = {name: type(value) for name, value in json.loads(text).items()}
    assert kinds == {name: type(value) for name, value in made(HEAD).items()}


def test_the_program_exports_every_output_and_no_other(dev: Program) -> None:
    assert list(dev.outputs) == list(OUTPUTS)


def test_an_output_of_the_component_is_named_as_other_languages_see_it() -> None:
    assert all(f"`{config_key(output.attribute)}`" in PAGE for output in OUTPUTS.values())


def test_the_page_has_every_alarm(dev: Program) -> None:
    alarms = dev.all("aws:cloudwatch/metricAlarm:MetricAlarm")
    roles = [alarm.name.removeprefix("file-metadata-monitoring-") for alarm in alarms]
    assert roles
    assert all(f"| `{role}` |" in PAGE for role in roles)
