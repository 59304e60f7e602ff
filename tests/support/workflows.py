"""GitHub's workflows, read."""

from pathlib import Path
from typing import Any

import yaml

from support.recorder import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
FILES = [*WORKFLOWS, *ACTIONS]
DEPLOYMENT = GITHUB / "workflows" / "deploy.yml"
DRIFT = GITHUB / "workflows" / "drift.yml"
PREVIEW = GITHUB / "workflows" / "preview.yml"

Job = dict[str, Any]


def loaded(path: Path) -> dict[str, Any]:
    # "on" is a boolean to YAML.
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # noqa: S506


def jobs(path: Path) -> dict[str, Job]:
    return loaded(path)["jobs"]


def steps(path: Path) -> list[dict[str, Any]]:
    if path in ACTIONS:
        return loaded(path)["runs"]["steps"]
    return [step for job in jobs(path).values() for step in job["steps"]]
