"""The stack as a whole: names, tags, parents, outputs, and that nothing changes by itself."""

import re
from pathlib import Path

import pytest

from support.extractors import EXTRACTOR
from support.plugin_process import resources
from support.recorder import (
    ACCOUNT,
    EVENTBRIDGE,
    REGIONS,
    ROOT,
    Declared,
    Program,
    accepts_tags,
    declare,
    declare_anew,
    declare_by,
    shipped_config,
)

COMPONENT = "file-metadata:index:FileMetadataPipeline"
BUCKET = "aws:s3/bucket:Bucket"
TABLE = "aws:dynamodb/table:Table"
OPTIONAL = {"extractor": EXTRACTOR, "audit": "report", "batchOperations": "true"}
FIXED_NAMES = {
    "dashboardName",
    "name",
    "namePrefix",
    "bucketPrefix",
    "statementId",
    "statementIdPrefix",
}


def fixed_names(program: Program) -> dict[str, set[str]]:
    """Physical names that Pulumi does not make up, by resource."""
    found = {}
    for resource in program.resources:
        named_by = FIXED_NAMES | ({"bucket"} if resource.type == BUCKET else set())
        if names := {str(resource.inputs[key]) for key in named_by & resource.inputs.keys()}:
            found[resource.name] = names
    return found


def named(folder: Path, name: str) -> Program:
    """Declare a component with another name."""
    return declare_by(
        folder,
        "settings = Settings(environment_suffix='dev', batch_operations=True)\n"
        f"FileMetadataPipeline({name!r}, settings)\n",
    )


def test_the_component_keeps_its_type_and_name(dev: Program) -> None:
    """Another type or name is another URN, and Pulumi would replace all that is under it."""
    component = dev.one(COMPONENT)
    _, project, _, name = component.urn.split("::")
    assert (project, name) == ("file-metadata-pipeline", "file-metadata")


@pytest.mark.parametrize(
    ("type_token", "path"),
    [
        (BUCKET, f"file-metadata:index:DataBucket${BUCKET}::file-metadata-bucket-objects"),
        (TABLE, f"file-metadata:index:MetadataTable${TABLE}::file-metadata-table-rows"),
    ],
)
def test_the_data_keeps_its_urn(dev: Program, type_token: str, path: str) -> None:
    """Another URN would be another, empty bucket or table."""
    assert dev.one(type_token).urn == f"urn:pulumi:dev::file-metadata-pipeline::{path}"


@pytest.mark.parametrize("config", [OPTIONAL, EVENTBRIDGE], ids=["all options", "following"])
def test_only_the_component_is_directly_under_the_stack(config: dict[str, str]) -> None:
    more = {"customerManagedKey": "true", "alarmEmail": "a@example.com"}
    program = declare("dev", more | config)
    urns = {resource.urn for resource in program.resources}
    top = [resource.type for resource in program.resources if resource.parent not in urns]
    assert top == [COMPONENT]


def test_every_child_s_name_starts_with_its_parent_s(dev: Program) -> None:
    strays = [
        resource.name
        for resource in dev.resources
        if resource.type != COMPONENT
        and not resource.name.startswith(f"{dev.by_urn(resource.parent).name}-")
    ]
    assert strays == []


def test_the_component_s_provider_is_every_child_s(tmp_path: Path) -> None:
    program = declare_by(
        tmp_path,
        "import pulumi_aws\n"
        "elsewhere = pulumi_aws.Provider('elsewhere', region='ap-south-1')\n"
        "options = pulumi.ResourceOptions(provider=elsewhere)\n"
        "FileMetadataPipeline('file-metadata', Settings(environment_suffix='dev'), options)\n",
    )
    provided = {one.name: one.provider for one in program.resources if one.type.startswith("aws:")}
    assert len(provided) > 10
    assert program.lookups.keys() == {
        "aws:index/getCallerIdentity:getCallerIdentity",
        "aws:index/getPartition:getPartition",
        "aws:index/getRegion:getRegion",
    }
    asked = provided | program.lookups
    assert [name for name, provider in asked.items() if "::elsewhere::" not in provider] == []


@pytest.mark.parametrize(
    ("config", "environment"),
    [({}, "dev"), (OPTIONAL, "dev"), (EVENTBRIDGE, "dev"), ({"environmentSuffix": "blue"}, "blue")],
    ids=["least", "with all options", "following a bucket", "another suffix"],
)
def test_everything_taggable_says_which_environment_it_is(
    config: dict[str, str], environment: str
) -> None:
    expected = {"Environment": environment, "Project": "DataPipeline"}
    tags = {
        resource.name: resource.inputs.get("tags")
        for resource in declare("dev", {"customerManagedKey": "true"} | config).resources
        if accepts_tags(resource)
    }
    assert {name: tag for name, tag in tags.items() if tag != expected} == {}


@pytest.mark.parametrize("partition", REGIONS)
def test_every_arn_is_of_the_partition_that_the_stack_is_in(partition: str) -> None:
    everything = {"batchOperations": "true", "accessLogBucket": "logs", "tracing": "true"}
    program = declare("prod", everything, region=REGIONS[partition])
    written = [
        str({key: value for key, value in resource.inputs.items() if key != "code"})
        for resource in program.resources
    ]
    assert set(re.findall(r"\barn:([^:]*):", " ".join(written))) == {partition}


def test_only_table_and_dashboard_have_fixed_names(dev: Program) -> None:
    assert fixed_names(dev).keys() == {
        "file-metadata-table-rows",
        "file-metadata-monitoring-dashboard",
    }


# What AWS takes as a name, of what has the narrowest limits.
NAMES = {
    BUCKET: r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "aws:lambda/function:Function": r"[A-Za-z0-9-_]{1,64}",
    "aws:iam/role:Role": r"[\w+=,.@-]{1,64}",
    "aws:sqs/queue:Queue": r"[A-Za-z0-9_-]{1,80}",
}


@pytest.mark.parametrize("name", ["a", "0", "a" * 37, "team-1-files"])
def test_a_name_within_the_rule_makes_names_that_aws_takes(tmp_path: Path, name: str) -> None:
    program = named(tmp_path, name)
    for kind, rule in NAMES.items():
        made = [f"{resource.name}-1234567" for resource in program.all(kind)]
        assert made
        assert [other for other in made if not re.fullmatch(rule, other)] == []


@pytest.mark.parametrize(
    "name", ["", "a" * 38, "Files", "my_files", "-files", "files.x", "fil\nes"]
)
def test_a_name_that_would_make_an_invalid_one_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"^name must be ") as caught:
        named(tmp_path, name)
    rule = "name must be 1-37 characters of a-z, 0-9 and -, the first not -"
    assert str(caught.value) == f"{rule}, got {name!r}"


def test_a_bucket_that_is_named_has_that_name() -> None:
    assert declare("dev", {"bucketName": "my-old-bucket"}).one(BUCKET).inputs["bucket"] == (
        "my-old-bucket"
    )


def holds_data(resource: Declared) -> bool:
    """Whether a resource is data, or guards data that is there."""
    return resource.type.startswith(("aws:s3/", "aws:dynamodb/", "aws:sqs/"))


def test_data_and_its_guards_are_protected_in_prod_and_nothing_else(prod: Program) -> None:
    protected = {resource.name for resource in prod.resources if resource.protect}
    custom = {resource.name for resource in prod.resources if resource.custom}
    assert protected & custom == {r.name for r in prod.resources if holds_data(r)}


def test_nothing_is_protected_in_dev(dev: Program) -> None:
    assert [resource.name for resource in dev.resources if resource.protect] == []


def test_the_stack_says_where_its_parts_are(dev: Program) -> None:
    bucket, queue = dev.one("Bucket").id, dev.one("Queue").id
    expected = {
        "S3BucketName": bucket,
        "S3BucketURL": f"https://{bucket}.s3.eu-west-1.amazonaws.com",
        "DynamoDBTableName": "file-metadata-table-dev",
        "LambdaFunctionName": dev.one("Function").id,
        "FailureQueueUrl": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/{queue}",
        "AlarmTopicArn": dev.one("Topic").arn,
    }
    assert {name: dev.outputs[name] for name in expected} == expected


def test_the_same_configuration_declares_the_same(dev: Program) -> None:
    again = declare_anew(ROOT, "dev", tuple(shipped_config("dev").items()))
    assert resources(again) == resources(dev)
