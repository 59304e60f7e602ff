"""The link from bucket to function: who may call, of what S3 notifies it, and when it starts."""

from typing import Any

import pytest

from support.recorder import ACCOUNT, Program, declare

BEFORE_THE_FIRST_EVENT = (
    "Permission",
    "Function",
    "FunctionEventInvokeConfig",
    "RolePolicy",
    "LogGroup",
    "Table",
    "Queue",
    "BucketOwnershipControls",
    "BucketPublicAccessBlock",
    "BucketVersioning",
    "BucketServerSideEncryptionConfiguration",
    "BucketPolicy",
    "BucketLifecycleConfiguration",
)


def notification(program: Program) -> dict[str, Any]:
    [found] = program.one("BucketNotification").inputs["lambdaFunctions"]
    assert isinstance(found, dict)
    return found


def test_only_s3_may_invoke_the_function(dev: Program) -> None:
    permission = dev.one("Permission").inputs
    assert permission["principal"] == "s3.amazonaws.com"
    assert permission["action"] == "lambda:InvokeFunction"
    assert permission["function"] == dev.outputs["LambdaFunctionName"]


def test_only_this_bucket_may_invoke_the_function(dev: Program) -> None:
    permission = dev.one("Permission").inputs
    assert permission["sourceArn"] == dev.one("Bucket").arn
    assert permission["sourceAccount"] == ACCOUNT


def test_the_bucket_has_one_notification_with_one_target(dev: Program) -> None:
    """A second notification would replace the first."""
    declared = dev.one("BucketNotification").inputs
    assert declared.keys() == {"bucket", "lambdaFunctions"}
    assert declared["bucket"] == dev.outputs["S3BucketName"]
    assert notification(dev)["lambdaFunctionArn"] == dev.one("Function").arn


def test_the_function_is_told_of_every_kind_of_change(dev: Program) -> None:
    assert sorted(notification(dev)["events"]) == [
        "s3:LifecycleExpiration:*",
        "s3:ObjectCreated:*",
        "s3:ObjectRemoved:*",
    ]


@pytest.mark.parametrize(
    ("config", "filters"),
    [
        ({}, {}),
        ({"objectPrefix": "in/"}, {"filterPrefix": "in/"}),
        ({"objectSuffix": "in/"}, {"filterSuffix": "in/"}),
    ],
    ids=["all", "prefix", "suffix"],
)
def test_only_the_keys_asked_for_are_notified(
    config: dict[str, str], filters: dict[str, str]
) -> None:
    found = notification(declare("dev", config))
    assert {name: found[name] for name in found if name.startswith("filter")} == filters


@pytest.mark.parametrize("earlier", BEFORE_THE_FIRST_EVENT)
def test_all_is_in_place_before_the_first_event(dev: Program, earlier: str) -> None:
    assert dev.needs(dev.one("BucketNotification"), dev.one(earlier))
