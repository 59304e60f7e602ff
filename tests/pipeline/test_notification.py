"""The link from bucket to function: who may call, of what S3 notifies it, and when it starts."""

from typing import Any

import pytest

from support.recorder import ACCOUNT, REGION, Program, declare

PERMISSION = "aws:lambda/permission:Permission"
NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"
BEFORE_THE_FIRST_EVENT = (
    PERMISSION,
    "aws:lambda/function:Function",
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:dynamodb/table:Table",
    "aws:sqs/queue:Queue",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
)


def notification(program: Program) -> dict[str, Any]:
    [found] = program.one(NOTIFICATION).inputs["lambdaFunctions"]
    assert isinstance(found, dict)
    return found


def test_there_is_one_permission(dev: Program) -> None:
    assert len(dev.all(PERMISSION)) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("principal", "s3.amazonaws.com"),
        ("action", "lambda:InvokeFunction"),
        ("function", "file-metadata-processor-function-1234567"),
    ],
)
def test_only_s3_may_invoke_the_function(dev: Program, name: str, value: str) -> None:
    assert dev.one(PERMISSION).inputs[name] == value


def test_only_this_bucket_may_invoke_the_function(dev: Program) -> None:
    arn = f"arn:aws:s3:{REGION}:{ACCOUNT}:{dev.outputs['S3BucketName']}"
    assert dev.one(PERMISSION).inputs["sourceArn"] == arn


def test_only_this_account_s_bucket_may_invoke_the_function(dev: Program) -> None:
    assert dev.one(PERMISSION).inputs["sourceAccount"] == ACCOUNT


def test_the_bucket_has_one_notification(dev: Program) -> None:
    """A second one would replace the first."""
    buckets = [found.inputs["bucket"] for found in dev.all(NOTIFICATION)]
    assert buckets == [dev.outputs["S3BucketName"]]


def test_the_notification_has_no_other_target(dev: Program) -> None:
    assert set(dev.one(NOTIFICATION).inputs) == {"bucket", "lambdaFunctions"}


def test_the_function_is_told_of_every_kind_of_change(dev: Program) -> None:
    assert sorted(notification(dev)["events"]) == [
        "s3:LifecycleExpiration:*",
        "s3:ObjectCreated:*",
        "s3:ObjectRemoved:*",
    ]


def test_the_function_that_is_told_is_ours(dev: Program) -> None:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:{dev.outputs['LambdaFunctionName']}"
    assert notification(dev)["lambdaFunctionArn"] == arn


@pytest.mark.parametrize("name", ["filterPrefix", "filterSuffix"])
def test_every_key_is_notified_unless_told(dev: Program, name: str) -> None:
    assert name not in notification(dev)


@pytest.mark.parametrize(
    ("key", "filters"),
    [
        ("objectPrefix", {"filterPrefix": "in/"}),
        ("objectSuffix", {"filterSuffix": "in/"}),
    ],
)
def test_only_the_keys_asked_for_are_notified(key: str, filters: dict[str, str]) -> None:
    found = notification(declare("dev", {key: "in/"}))
    assert {name: found[name] for name in found if name.startswith("filter")} == filters


@pytest.mark.parametrize("earlier", BEFORE_THE_FIRST_EVENT)
def test_all_is_in_place_before_the_first_event(dev: Program, earlier: str) -> None:
    assert dev.needs(dev.one(NOTIFICATION), dev.one(earlier))
