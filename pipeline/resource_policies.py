"""Builds the policies of the bucket, the queues, the topic and the key from ARNs. Pure."""

from collections.abc import Sequence
from typing import Any

from .policy_document import Policy, allow_service, deny, policy

PLAIN_HTTP = {"Bool": {"aws:SecureTransport": "false"}}


def bucket_requires_tls(bucket_arn: str) -> Policy:
    """Deny access to the bucket by plain HTTP, and by TLS older than 1.2.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    """
    resources = [bucket_arn, f"{bucket_arn}/*"]
    return policy(
        deny("DenyPlainHttp", "s3:*", resources, PLAIN_HTTP),
        deny("DenyOldTls", "s3:*", resources, {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    )


def queue_takes_only_from(*, queue_arn: str, sender_arn: str) -> Policy:
    """Deny access to the queue by plain HTTP, and sending by anybody except one role.

    Lambda sends failed events with the function's role, and a role's sessions have the role's ARN
    as ``aws:PrincipalArn``:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html

    Args:
        queue_arn: the queue.
        sender_arn: the role.
    """
    return policy(*_deny_others(queue_arn, {"aws:PrincipalArn": sender_arn}))


def queue_takes_only_from_rule(*, queue_arn: str, rule_arn: str) -> Policy:
    """Allow EventBridge to send a rule's undelivered events over TLS; deny all other messages.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html
    """
    rule = {"aws:SourceArn": rule_arn}
    send = allow_service(
        "RuleSendsUndelivered",
        "events.amazonaws.com",
        "sqs:SendMessage",
        queue_arn,
        {"ArnEquals": rule},
    )
    return policy(send, *_deny_others(queue_arn, rule))


def _deny_others(queue_arn: str, sender: dict[str, str]) -> list[dict[str, Any]]:
    return [
        deny("DenyPlainHttp", "sqs:*", queue_arn, PLAIN_HTTP),
        deny("DenySendingToOthers", "sqs:SendMessage", queue_arn, {"ArnNotEquals": sender}),
    ]


def alarms_may_publish(*, topic_arn: str, account_id: str) -> Policy:
    """Allow only this account's alarms to publish to a topic, and only over TLS.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html
    """
    publish = allow_service(
        "AlarmsPublish",
        "cloudwatch.amazonaws.com",
        "sns:Publish",
        topic_arn,
        {"StringEquals": {"aws:SourceAccount": account_id}},
    )
    return policy(publish, deny("DenyPlainHttp", "sns:Publish", topic_arn, PLAIN_HTTP))


def use_of_key(
    *,
    account_id: str,
    region: str,
    partition: str,
    dns_suffix: str,
    log_group_prefixes: Sequence[str],
    event_bridge: bool = False,
) -> Policy:
    """Let the account manage the key, and let the services that need it use it for the account.

    CloudWatch Logs (for the pipeline's log groups only) and this account's alarms use the key
    without a caller. DynamoDB, S3 and SQS use it on behalf of their caller. A caller of this
    account needs no permission on the key for that: whoever may upload a file can do so. The table
    also needs this while it moves to the key, because the function's role gets its permission
    later. Lambda uses the key with the role's own permission.

    In a key policy, ``*`` is the key itself:
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
    """
    # Without this statement no IAM policy could allow anybody to manage the key:
    # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    account = {
        "Sid": "AccountDecides",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account_id}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    log_groups = [
        f"arn:{partition}:logs:{region}:{account_id}:log-group:{prefix}*"
        for prefix in log_group_prefixes
    ]
    logs = allow_service(
        "LogsEncryptOurLogGroups",
        f"logs.{region}.{dns_suffix}",
        [
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:DescribeKey",
        ],
        "*",
        {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": _plain(log_groups)}},
    )
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    use = ["kms:Decrypt", "kms:GenerateDataKey"]
    here = {"StringEquals": {"aws:SourceAccount": account_id}}
    alarms = allow_service("AlarmsPublishToTopic", "cloudwatch.amazonaws.com", use, "*", here)
    # The same condition is in the policies of the AWS managed keys of these services:
    # https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    through_services = {
        "Sid": "AccountUsesKeyThroughServices",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": use,
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:CallerAccount": account_id,
                "kms:ViaService": [
                    f"{service}.{region}.{dns_suffix}" for service in ("dynamodb", "s3", "sqs")
                ],
            }
        },
    }
    statements = [account, logs, alarms, through_services]
    if event_bridge:
        # EventBridge sends to an encrypted queue without a caller:
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        statements.append(
            allow_service("EventBridgeSendsToQueue", "events.amazonaws.com", use, "*", here)
        )
    return policy(*statements)


def _plain(values: list[str]) -> str | list[str]:
    """A single value without a list, as AWS's pages write it."""
    return values[0] if len(values) == 1 else values
