"""The failure path: retries, then a queue that keeps what still failed."""

from support.recorder import Program


def test_failed_events_are_kept_for_14_days(dev: Program) -> None:
    assert dev.one("Queue").inputs["messageRetentionSeconds"] == 14 * 24 * 60 * 60


def test_failed_events_are_encrypted(dev: Program) -> None:
    assert dev.one("Queue").inputs["sqsManagedSseEnabled"] is True


def test_everybody_is_refused_at_the_queue_over_plain_http(dev: Program) -> None:
    policy = dev.one("QueuePolicy")
    assert policy.inputs["queueUrl"] == dev.outputs["FailureQueueUrl"]
    assert {statement["Effect"] for statement in policy.statements().values()} == {"Deny"}
    assert policy.statements()["DenyPlainHttp"] == {
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": dev.one("Queue").arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_only_this_function_s_role_may_send_to_the_queue(dev: Program) -> None:
    role = dev.one("Role").arn
    assert dev.one("QueuePolicy").statements()["DenySendingToOthers"] == {
        "Sid": "DenySendingToOthers",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": dev.one("Queue").arn,
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": role}},
    }
    assert dev.one("Function").inputs["role"] == role


def test_a_failed_event_is_tried_again_and_then_goes_to_the_queue(dev: Program) -> None:
    """Whichever version of the function failed: no qualifier."""
    assert dev.one("FunctionEventInvokeConfig").inputs == {
        "functionName": dev.outputs["LambdaFunctionName"],
        "maximumRetryAttempts": 2,
        "maximumEventAgeInSeconds": 21_600,
        "destinationConfig": {"onFailure": {"destination": dev.one("Queue").arn}},
    }


def test_the_role_may_send_before_the_destination_is_saved(dev: Program) -> None:
    """By an edge of its own: Lambda checks it, whatever the function waits for."""
    assert dev.one("RolePolicy").urn in dev.one("FunctionEventInvokeConfig").dependencies
