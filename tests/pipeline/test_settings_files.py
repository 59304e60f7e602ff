"""The project's and the stacks' files: what they declare and choose is what the program reads."""

import contextvars
from typing import Any

import pulumi
import pytest
import yaml

from local import engine
from pipeline.settings import PROJECT, Settings
from support.recorder import ROOT


def project() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    return loaded


def of_stack(stack: str) -> Settings:
    """Read the settings that a stack's file makes."""

    def read() -> Settings:
        pulumi.runtime.set_all_config(engine.stack_config(ROOT, stack))
        return Settings.from_config(pulumi.Config(PROJECT), stack)

    return contextvars.Context().run(read)


@pytest.mark.parametrize(
    ("field", "in_dev", "in_prod"),
    [
        ("protect_data", False, True),
        ("memory_size", 128, 128),
        ("timeout", 15, 15),
        ("log_retention_days", 7, 90),
        ("tracing", False, False),
        ("reserved_concurrency", -1, -1),
        ("object_prefix", "", ""),
        ("object_suffix", "", ""),
        ("tombstone_days", 1, 30),
        ("noncurrent_version_days", 7, 90),
        ("log_level", "INFO", "WARNING"),
        ("batch_operations", False, False),
        ("customer_managed_key", False, True),
        ("audit", "off", "report"),
    ],
)
def test_dev_and_prod_differ_where_they_should(field: str, in_dev: Any, in_prod: Any) -> None:
    chosen = (getattr(of_stack("dev"), field), getattr(of_stack("prod"), field))
    assert chosen == (in_dev, in_prod)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stack_s_file_sets_only_what_is_declared(stack: str) -> None:
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    declared = {f"{PROJECT}:{key}" for key in project()["config"]}
    assert yaml.safe_load(text)["config"].keys() - declared == {"aws:region"}


def test_the_project_has_the_name_that_its_keys_start_with() -> None:
    assert project()["name"] == PROJECT
