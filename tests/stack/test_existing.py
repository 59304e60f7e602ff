"""A stack with a key and a topic that exist already, and tags of its own, on the emulator."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.cloud import Cloud
from support.journeys import Deployed


@pytest.fixture(scope="module")
def key_arn(cloud: Cloud) -> str:
    return str(cloud("kms").create_key()["KeyMetadata"]["Arn"])


@pytest.fixture(scope="module")
def topic_arn(cloud: Cloud) -> str:
    return str(cloud("sns").create_topic(Name="ops-of-the-account")["TopicArn"])


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed], key_arn: str, topic_arn: str) -> Deployed:
    return deploy(
        environmentSuffix="existing",
        kmsKeyArn=key_arn,
        alarmTopicArn=topic_arn,
        tags=json.dumps({"Team": "data"}),
    )


def test_a_file_gets_its_row(stack: Deployed) -> None:
    stack.completed("existing.txt", stack.put("existing.txt"))


def test_the_table_is_under_the_key(stack: Deployed, key_arn: str) -> None:
    table = stack.client("dynamodb").describe_table(TableName=stack.table)["Table"]
    assert table["SSEDescription"]["KMSMasterKeyArn"] == key_arn


def test_the_tags_are_on_bucket_and_function(stack: Deployed) -> None:
    function = stack.client("lambda").get_function(FunctionName=stack.function)["Tags"]
    answer: dict[str, Any] = stack.client("s3").get_bucket_tagging(Bucket=stack.bucket)
    bucket = {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}
    expected = {"Environment": "existing", "Project": "DataPipeline", "Team": "data"}
    assert bucket == function == expected
