"""The program and the examples under Pulumi's own engine, its AWS provider stood for."""

import shutil
from pathlib import Path

import pytest
from pulumi import automation

from local.cloud import Cloud
from pipeline.settings import PROJECT
from support.journeys import assert_a_file_gets_its_row
from support.pulumi_command import NEEDS_PULUMI, Open
from support.recorder import Program

pytestmark = NEEDS_PULUMI
ABOVE = 1
"""The stack itself, which is a resource too."""


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_second_update_changes_nothing(
    open_stack: Open,
    repository: Path,
    cloud: Cloud,
    name: str,
    request: pytest.FixtureRequest,
) -> None:
    program: Program = request.getfixturevalue(name)
    stack = open_stack(name, environmentSuffix=f"engine-{name}", protectData="true")
    pack = [str(repository / "policy")]
    first = stack.up(policy_packs=pack)
    everything = len(program.resources) + ABOVE
    assert first.summary.resource_changes == {"create": everything}
    assert stack.up(policy_packs=pack).summary.resource_changes == {"same": everything}
    stack.preview(refresh=True, expect_no_changes=True)
    outputs = stack.outputs()
    assert outputs.keys() == program.outputs.keys()
    bucket, table = (outputs[name].value for name in ("S3BucketName", "DynamoDBTableName"))
    assert_a_file_gets_its_row(cloud, bucket, table)


def test_what_keeps_its_data_is_not_destroyed(open_stack: Open, dev: Program) -> None:
    stack = open_stack("kept", environmentSuffix="engine-kept", protectData="true")
    stack.up()
    with pytest.raises(automation.CommandError, match="because it is protected"):
        stack.destroy()
    left = stack.export_stack().deployment["resources"]
    types = {resource["type"] for resource in left}
    assert {resource.type for resource in dev.resources if resource.protect} <= types


def test_a_bad_value_stops_the_preview_in_its_own_words(open_stack: Open) -> None:
    stack = open_stack("bad", environmentSuffix="engine-bad", memorySize="64")
    with pytest.raises(automation.CommandError) as caught:
        stack.preview()
    said = "configuration of stack 'bad': memorySize must be 128-10240 MB, got 64"
    assert said in str(caught.value)
    assert "Traceback" not in str(caught.value)


TRANSFORM = """
import pulumi
from pipeline import FileMetadataPipeline, Settings


def double(args):
    if args.type_ == "aws:lambda/function:Function":
        return pulumi.ResourceTransformResult({**args.props, "memorySize": 512}, args.opts)


settings = Settings.from_config(pulumi.Config(), pulumi.get_stack())
opts = pulumi.ResourceOptions(transforms=[double])
FileMetadataPipeline("file-metadata", settings, opts).export()
"""


def test_a_transform_and_tags_reach_what_the_component_makes(
    open_stack: Open, repository: Path, cloud: Cloud
) -> None:
    folder = repository / "transformed"
    folder.mkdir()
    for name in ("Pulumi.yaml", ".venv", "pipeline", "handler"):
        (folder / name).symlink_to(repository / name)
    (folder / "__main__.py").write_text(TRANSFORM, encoding="utf-8")
    stack = open_stack("transformed", project="transformed")
    stack.set_config(f"{PROJECT}:tags.Team", automation.ConfigValue("data"), path=True)
    stack.up()
    name = stack.outputs()["LambdaFunctionName"].value
    function = cloud("lambda").get_function(FunctionName=name)
    assert function["Configuration"]["MemorySize"] == 512
    assert function["Tags"]["Team"] == "data"


NEEDS_NPM = pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm on the PATH")


@pytest.mark.parametrize("language", ["yaml", pytest.param("typescript", marks=NEEDS_NPM)])
def test_an_example_runs_from_a_clone(
    open_stack: Open, cloud: Cloud, dev: Program, language: str
) -> None:
    stack = open_stack(f"of-{language}", project=f"examples/{language}")
    stack.workspace.install()
    everything = len(dev.resources) + ABOVE
    assert stack.up().summary.resource_changes == {"create": everything}
    assert stack.up().summary.resource_changes == {"same": everything}
    outputs = stack.outputs()
    assert_a_file_gets_its_row(cloud, outputs["bucket"].value, outputs["table"].value)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("logRetentionDays: 7", "logRetentionDays: 8", "got 8"),
        ("logRetentionDays: 7", "logRetentionDay: 7", "logRetentionDay does not exist"),
        ("protectData: false", "protectData: maybe", "type 'string' to type 'boolean'"),
        (
            "tombstoneDays: 1",
            "objectPrefix: ${files.bucketName}",
            "must be known before any resource is made",
        ),
    ],
    ids=["value", "key", "type", "output"],
)
def test_bad_input_of_another_language_is_refused_by_name(
    open_stack: Open,
    repository: Path,
    old: str,
    new: str,
    reason: str,
    request: pytest.FixtureRequest,
) -> None:
    folder = repository / "examples" / f"bad-{request.node.callspec.id}"
    shutil.copytree(repository / "examples" / "yaml", folder)
    text = (folder / "Pulumi.yaml").read_text(encoding="utf-8")
    if "${files" in new:
        other = "  files:\n    type: file-metadata:FileMetadataPipeline\n  second:\n"
        text = text.replace("  files:\n", other).replace("name: file-metadata\n", "name: two\n")
    (folder / "Pulumi.yaml").write_text(text.replace(old, new), encoding="utf-8")
    stack = open_stack(folder.name, project=f"examples/{folder.name}")
    stack.workspace.install()
    with pytest.raises(automation.CommandError) as caught:
        stack.preview()
    assert reason in str(caught.value)
    assert "Traceback" not in str(caught.value)
