"""The failure path: retries, then a queue that keeps what still failed."""

import json
from typing import Any

import pytest

from support.recorder import ACCOUNT, REGION, Program

QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
FAILURE_PATH = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ROLE = "aws:iam/role:Role"
FUNCTION = "aws:lambda/function:Function"
ROLE_ARN = f"arn:aws:iam:{REGION}:{ACCOUNT}:{{}}-1234567"
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:file-metadata-failures-events-1234567"


def test_there_is_one_queue(dev: Program) -> None:
    assert len(dev.all(QUEUE)) == 1


def test_failed_events_are_kept_for_14_days(dev: Program) -> None:
    assert dev.one(QUEUE).inputs["messageRetentionSeconds"] == 14 * 24 * 60 * 60


def test_failed_events_are_encrypted(dev: Program) -> None:
    assert dev.one(QUEUE).inputs["sqsManagedSseEnabled"] is True


def test_the_queue_s_policy_is_on_the_queue(dev: Program) -> None:
    assert dev.one(QUEUE_POLICY).inputs["queueUrl"] == dev.outputs["FailureQueueUrl"]


def refusal(program: Program, sid: str) -> dict[str, Any]:
    statements = json.loads(program.one(QUEUE_POLICY).inputs["policy"])["Statement"]
    [found] = [statement for statement in statements if statement["Sid"] == sid]
    return {name: value for name, value in found.items() if name != "Sid"}


def test_everybody_is_refused_at_the_queue_over_plain_http(dev: Program) -> None:
    assert refusal(dev, "DenyPlainHttp") == {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": QUEUE_ARN,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_only_this_function_s_role_may_send_to_the_queue(dev: Program) -> None:
    role = dev.one(ROLE)
    assert refusal(dev, "DenySendingToOthers") == {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": QUEUE_ARN,
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": ROLE_ARN.format(role.name)}},
    }
    assert dev.one(FUNCTION).inputs["role"] == ROLE_ARN.format(role.name)


def test_the_queue_s_policy_allows_nothing(dev: Program) -> None:
    statements = json.loads(dev.one(QUEUE_POLICY).inputs["policy"])["Statement"]
    assert {statement["Effect"] for statement in statements} == {"Deny"}


def test_the_queue_s_policy_is_protected_in_prod(prod: Program) -> None:
    assert prod.one(QUEUE_POLICY).protect


def test_the_failure_path_is_this_function_s(dev: Program) -> None:
    assert dev.one(FAILURE_PATH).inputs["functionName"] == dev.outputs["LambdaFunctionName"]


def test_the_failure_path_holds_for_every_version_of_the_function(dev: Program) -> None:
    assert "qualifier" not in dev.one(FAILURE_PATH).inputs


@pytest.mark.parametrize(
    ("name", "value"),
    [("maximumRetryAttempts", 2), ("maximumEventAgeInSeconds", 21_600)],
)
def test_a_failed_event_is_tried_again(dev: Program, name: str, value: int) -> None:
    assert dev.one(FAILURE_PATH).inputs[name] == value


def test_what_still_fails_goes_to_the_queue(dev: Program) -> None:
    destinations = dev.one(FAILURE_PATH).inputs["destinationConfig"]
    assert destinations == {"onFailure": {"destination": QUEUE_ARN}}


def test_the_role_may_send_before_the_destination_is_saved(dev: Program) -> None:
    """By an edge of its own: Lambda checks it, whatever the function waits for."""
    assert dev.one(ROLE_POLICY).urn in dev.one(FAILURE_PATH).dependencies
