"""The Pulumi package, fetched to another place and started there as Pulumi starts it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pulumi
import pytest
import yaml
from pulumi.runtime.rpc import UNKNOWN

from pipeline.keys import Declared
from pipeline.settings import KEYS
from plugin.provider import checked
from support.extractors import EXTRACTOR
from support.plugin_process import (
    MARKER,
    TOKEN,
    Plugin,
    copy_repository,
    environment,
    refusals,
    resources,
    running_plugin,
)
from support.recorder import ACCOUNT, REGION, ROOT, Program, declare

DEV = {
    "protectData": False,
    "logRetentionDays": 7,
    "tombstoneDays": 1,
    "noncurrentVersionDays": 7,
}
"""What Pulumi.dev.yaml changes."""

PINNED: dict[str, Any] = json.loads((ROOT / "plugin" / "schema.json").read_text(encoding="utf-8"))
COMPONENT: dict[str, Any] = PINNED["resources"][TOKEN]
UNKNOWN_YET = "must be known before any resource is made, got an output of a resource or a secret"
TYPES = {str: "string", int: "integer", bool: "boolean", dict: "object"}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    copy = copy_repository(tmp_path_factory.mktemp("plugins"))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(EXTRACTOR, elsewhere / "reader")
    with running_plugin(copy, elsewhere) as running:
        yield running


def test_the_plugin_s_schema_is_the_pinned_one(plugin: Plugin) -> None:
    assert json.loads(plugin.schema()) == PINNED, "run `make generate`"


def test_pulumi_runs_it_by_python_with_what_the_program_needs() -> None:
    """Nothing is downloaded: all that is pinned is here already, or pip would fail."""
    folder = ROOT / "plugin"
    manifest = yaml.safe_load((folder / "PulumiPlugin.yaml").read_text(encoding="utf-8"))
    assert manifest["runtime"]["name"] == "python"
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-deps"]
    requirements = ["--disable-pip-version-check", "-r", "requirements.txt"]
    found = subprocess.run(
        [*pip, *requirements], check=True, cwd=folder, env=environment(), capture_output=True
    )
    assert b"already satisfied: pulumi-aws==" in found.stdout


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_a_setting_is_an_input_with_its_type_default_and_description(key: Declared) -> None:
    declared = COMPONENT["inputProperties"][key.name]
    assert (declared["type"], declared.get("plain", False)) == (
        TYPES[key.kind],
        not key.takes_outputs,
    )
    assert declared["description"].startswith(key.description)
    if key.default not in (None, "", {}):
        default = str(key.default).lower() if key.kind is bool else key.default
        assert declared["description"].endswith(f"; {default} by default")


def test_every_input_is_a_setting_and_none_is_required() -> None:
    assert list(COMPONENT["inputProperties"]) == list(KEYS)
    assert COMPONENT["requiredInputs"] == []


def test_every_output_is_described() -> None:
    assert all(output["description"] for output in COMPONENT["properties"].values())
    assert COMPONENT["required"] == sorted(COMPONENT["properties"])


def test_the_plugin_makes_what_the_program_makes(plugin: Plugin, dev: Program) -> None:
    assert resources(plugin.construct(DEV)) == resources(dev)


def test_the_settings_reach_the_resources(plugin: Plugin) -> None:
    config = {"memorySize": 512, "customerManagedKey": True, "batchOperations": True}
    program = declare("dev", {key: str(value).lower() for key, value in config.items()})
    assert resources(plugin.construct(DEV | config)) == resources(program)


def test_an_extractor_is_a_folder_beside_the_program(plugin: Plugin) -> None:
    """Pulumi starts the plugin in the program's folder, wherever the plugin itself is."""
    made = plugin.construct(DEV | {"extractor": "reader", "extractorTimeout": 900})
    assert resources(made) == resources(
        declare("dev", {"extractor": EXTRACTOR, "extractorTimeout": "900"})
    )


def test_an_extractor_that_is_not_there_is_refused_by_name(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        plugin.construct({"extractor": "nowhere"}, preview=True)
    said = "extractor must be a folder with extract.py, got 'nowhere'"
    assert refusals(caught.value) == {"extractor": said}


def test_the_handler_s_code_is_that_of_the_fetched_repository(plugin: Plugin) -> None:
    function = plugin.construct(DEV).one("aws:lambda/function:Function")
    assert MARKER in function.inputs["code"].assets


def test_the_plugin_answers_with_the_component_s_outputs(plugin: Plugin, dev: Program) -> None:
    outputs = plugin.construct(DEV).outputs
    assert set(outputs) == set(COMPONENT["properties"])
    assert sorted(outputs.values()) == sorted(dev.outputs.values())
    assert outputs["bucketName"] == dev.outputs["S3BucketName"]


def test_the_environment_is_the_stack_unless_it_is_named(plugin: Plugin) -> None:
    [table] = plugin.construct(DEV, stack="blue").all("aws:dynamodb/table:Table")
    [named] = plugin.construct(DEV | {"environmentSuffix": "green"}).all(table.type)
    assert (table.inputs["name"], named.inputs["name"]) == (
        "file-metadata-table-blue",
        "file-metadata-table-green",
    )


def test_an_output_of_a_resource_is_refused_by_name(plugin: Plugin) -> None:
    """At once, in a preview, not when half of the stack is there."""
    with pytest.raises(grpc.RpcError) as caught:
        plugin.construct({"memorySize": UNKNOWN}, preview=True)
    assert refusals(caught.value) == {"memorySize": f"memorySize {UNKNOWN_YET}"}


@pytest.mark.parametrize("key", ["bucketName", "memorySize"])
def test_an_output_is_refused_even_when_it_is_known(plugin: Plugin, key: str) -> None:
    """Else an update would do what its preview refused."""
    made_elsewhere = ["urn:pulumi:dev::other::aws:s3/bucket:Bucket::logs"]
    with pytest.raises(grpc.RpcError) as caught:
        plugin.construct({key: "logs"}, dependencies={key: made_elsewhere})
    assert refusals(caught.value) == {key: f"{key} {UNKNOWN_YET}"}


MADE_ELSEWHERE = ["urn:pulumi:dev::other::aws:kms/key:Key::mine"]
EXISTING: dict[str, Any] = {
    "kmsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1",
    "alarmTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:ops",
    "accessLogBucket": "audit-logs",
    "permissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    "tags": {"Team": "data"},
}


def test_what_names_something_may_be_an_output(plugin: Plugin) -> None:
    plain = plugin.construct(DEV | EXISTING)
    late = plugin.construct(DEV | EXISTING, dependencies=dict.fromkeys(EXISTING, MADE_ELSEWHERE))
    assert late.outputs["alarmTopicArn"] == EXISTING["alarmTopicArn"]
    assert {one.urn for one in late.resources} == {one.urn for one in plain.resources}
    queue = late.one("aws:sqs/queue:Queue")
    assert queue.inputs["kmsMasterKeyId"] == EXISTING["kmsKeyArn"]
    assert queue.inputs["tags"]["Team"] == "data"


def test_an_output_that_is_not_known_yet_is_taken_in_a_preview(plugin: Plugin) -> None:
    unknown = dict.fromkeys(EXISTING, UNKNOWN)
    everything = plugin.construct(DEV | unknown, preview=True)
    assert "sqsManagedSseEnabled" not in everything.one("aws:sqs/queue:Queue").inputs
    assert everything.all("aws:sns/topic:Topic") == []
    assert plugin.construct(DEV | {"tags": {"Team": UNKNOWN}}, preview=True).resources


def test_a_bad_value_is_refused_with_the_program_s_own_words(plugin: Plugin) -> None:
    with pytest.raises(pulumi.RunError) as of_program:
        declare("dev", {"memorySize": "64"})
    with pytest.raises(grpc.RpcError) as of_plugin:
        plugin.construct({"memorySize": 64})
    [(key, reason)] = refusals(of_plugin.value).items()
    assert key == "memorySize"
    assert str(of_program.value) == f"configuration of stack 'dev': {reason}"


def test_a_name_that_aws_would_refuse_is_refused_with_its_rule(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        plugin.construct(DEV, name="myFiles")
    assert "name must be 1-37 characters of a-z, 0-9 and -" in caught.value.details()


def test_production_keeps_its_data(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        plugin.construct({"protectData": False}, stack="prod")
    assert list(refusals(caught.value)) == ["protectData"]


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("memorySize", 256.5, "memorySize must be a whole number, got 256.5"),
        ("memorySize", "256", "memorySize must be a whole number, got '256'"),
        ("memorySize", True, "memorySize must be a whole number, got True"),
        ("tracing", "yes", "tracing must be true or false, got 'yes'"),
        ("tracing", 1.0, "tracing must be true or false, got 1.0"),
        ("bucketName", 7.0, "bucketName must be a text, got 7.0"),
        ("logLevel", "ERROR", "logLevel must be one of DEBUG, INFO, WARNING, got 'ERROR'"),
        ("timeout", float("inf"), "timeout must be a whole number, got inf"),
    ],
)
def test_a_wrong_value_is_refused(key: str, value: object, reason: str) -> None:
    with pytest.raises(pulumi.InputPropertyError) as caught:
        checked({key: value}, "dev")
    assert (caught.value.property_path, caught.value.reason) == (key, reason)


def test_a_misspelt_input_is_refused() -> None:
    with pytest.raises(pulumi.InputPropertyError) as caught:
        checked({"memorysize": 256.0}, "dev")
    assert caught.value.property_path == "memorysize"
    assert caught.value.reason == "unknown key 'memorysize'; did you mean 'memorySize'?"


def test_what_is_empty_or_null_is_not_set() -> None:
    inputs = {"environmentSuffix": "", "memorySize": None, "protectData": False, "timeout": 20.0}
    assert checked(inputs, "dev") == {
        "environment_suffix": "dev",
        "protect_data": False,
        "timeout": 20,
    }
