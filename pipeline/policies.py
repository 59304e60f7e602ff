"""IAM and resource policies as plain documents: ARNs in, a dict out."""

from collections.abc import Sequence
from typing import Any

Policy = dict[str, Any]
VERSION = "2012-10-17"


def trust_lambda() -> Policy:
    """Let the Lambda service, and nothing else, assume the role.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    """
    return _policy(
        {
            "Sid": "LambdaAssumesRole",
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    )


def process_files(
    *,
    bucket_arn: str,
    table_arn: str,
    queue_arn: str,
    log_group_arn: str,
    key_arn: str | None,
    tracing: bool,
) -> Policy:
    """Allow each call that the function makes, and no other.

    ``HeadObject`` needs ``s3:GetObject``, and answers 404 rather than 403 for a missing key
    only with ``s3:ListBucket``:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    """
    statements = [
        _allow("HeadObject", "s3:GetObject", f"{bucket_arn}/*"),
        _allow("DistinguishMissingObject", "s3:ListBucket", bucket_arn),
        _allow("WriteRow", "dynamodb:PutItem", table_arn),
        _allow("ReadRowBeforeUnorderedWrite", "dynamodb:GetItem", table_arn),
        _allow("SendFailedEvent", "sqs:SendMessage", queue_arn),
        _allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn}:*"),
    ]
    if key_arn is not None:
        # The function's environment, the table and the queue are decrypted, and what goes into
        # the queue encrypted, in the role's name. HeadObject needs the key for the checksum.
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        statements.append(_allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], key_arn))
    if tracing:
        statements.append(_trace())
    return _policy(*statements)


def extract_files(
    *,
    bucket_arn: str,
    table_arn: str,
    stream_arn: str,
    log_group_arn: str,
    key_arn: str | None,
    tracing: bool,
) -> Policy:
    """Allow each call that the extractor makes, those with which Lambda reads the stream for it.

    The resource of ``ListStreams`` is as in AWS's example:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/iam-policy-example-lamda-process-dynamodb-streams.html
    """
    read_stream = ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"]
    statements = [
        _allow("ReadFile", ["s3:GetObject", "s3:GetObjectVersion"], f"{bucket_arn}/*"),
        # Without it S3 answers 403 rather than 404 for a version that is gone.
        _allow("DistinguishMissingFile", "s3:ListBucket", bucket_arn),
        _allow("WriteWhatWasFound", "dynamodb:UpdateItem", table_arn),
        _allow("ReadStream", read_stream, stream_arn),
        _allow("FindStream", "dynamodb:ListStreams", f"{table_arn}/stream/*"),
        _allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn}:*"),
    ]
    if key_arn is not None:
        # The files, the table, its stream and the function's environment are decrypted in the
        # role's name; nothing is encrypted in it.
        statements.append(_allow("UseKey", "kms:Decrypt", key_arn))
    if tracing:
        statements.append(_trace())
    return _policy(*statements)


def trust_batch_operations() -> Policy:
    """Let S3 Batch Operations, and nothing else, assume the role.

    A job takes only a role that its creator may pass, and so only one of its own account. AWS
    names no condition key that the service sets as it assumes the role, so there is none here:
    it could keep the service itself out.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-iam-role-policies.html
    """
    return _policy(
        {
            "Sid": "BatchOperationsAssumesRole",
            "Effect": "Allow",
            "Principal": {"Service": "batchoperations.s3.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    )


def run_batch_jobs(*, bucket_arn: str, function_arn: str) -> Policy:
    """Allow a job to list the bucket by a generated manifest, and to invoke the function.

    Neither manifest nor report is stored, so that no object is read or written, and no key used.
    A job names the function without a version, and needs no other ARN of it.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-policies.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
    """
    return _policy(
        _allow("GenerateManifest", "s3:PutInventoryConfiguration", bucket_arn),
        _allow("InvokeFunction", "lambda:InvokeFunction", function_arn),
    )


def bucket_requires_tls(bucket_arn: str) -> Policy:
    """Deny the bucket to plain HTTP and to TLS older than 1.2.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    """
    resources = [bucket_arn, f"{bucket_arn}/*"]
    return _policy(
        _deny("DenyPlainHttp", "s3:*", resources, {"Bool": {"aws:SecureTransport": "false"}}),
        _deny("DenyOldTls", "s3:*", resources, {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    )


def queue_takes_only_from(*, queue_arn: str, sender_arn: str) -> Policy:
    """Deny the queue to plain HTTP, and sending to it to all but one role.

    Lambda sends failed events in the name of the function's role, and a role's sessions have
    the role's ARN as ``aws:PrincipalArn``:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html

    Args:
        queue_arn: the queue.
        sender_arn: the role.
    """
    others = {"ArnNotEquals": {"aws:PrincipalArn": sender_arn}}
    return _policy(
        _deny("DenyPlainHttp", "sqs:*", queue_arn, {"Bool": {"aws:SecureTransport": "false"}}),
        _deny("DenySendingToOthers", "sqs:SendMessage", queue_arn, others),
    )


def alarms_may_publish(*, topic_arn: str, account_id: str) -> Policy:
    """Let this account's alarms, and nobody else, publish to a topic, and over TLS only.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html
    """
    publish = {
        "Sid": "AlarmsPublish",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
    }
    plain_http = {"Bool": {"aws:SecureTransport": "false"}}
    return _policy(publish, _deny("DenyPlainHttp", "sns:Publish", topic_arn, plain_http))


def use_of_key(
    *,
    account_id: str,
    region: str,
    partition: str,
    dns_suffix: str,
    log_group_prefixes: Sequence[str],
    event_bridge: bool = False,
) -> Policy:
    """Give the key to the account, and its use to the services that need it, for the account.

    CloudWatch Logs, for our log groups alone, and this account's alarms act in no caller's
    name. DynamoDB, S3 and SQS use the key in their caller's, who needs no permission on the key as
    long as the call comes from this account and through them: whoever may upload a file may. A
    table that comes under the key does so before the function's role may use it. Lambda uses the
    key with the role's own permission.

    In a key policy, ``*`` is the key itself:
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
    """
    # Without it the account's own IAM policies could not manage the key, nor anyone ever:
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
    logs = {
        "Sid": "LogsEncryptOurLogGroups",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{region}.{dns_suffix}"},
        "Action": [
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:DescribeKey",
        ],
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": _plain(log_groups)}},
    }
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    alarms = {
        "Sid": "AlarmsPublishToTopic",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
    }
    # As in the policies of the keys that AWS manages for the three:
    # https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    through_services = {
        "Sid": "AccountUsesKeyThroughServices",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
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
        # A rule sends to an encrypted queue in nobody's name:
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        sender = {"Service": "events.amazonaws.com"}
        statements.append(alarms | {"Sid": "EventBridgeSendsToQueue", "Principal": sender})
    return _policy(*statements)


def audit(
    *,
    bucket_arn: str,
    table_arn: str,
    repairing_arn: str | None,
    log_group_arn: str,
    key_arn: str | None,
    tracing: bool,
) -> Policy:
    """Allow each call that the audit makes; without a function that repairs it only reads."""
    statements = [
        _allow("ListVersions", "s3:ListBucketVersions", bucket_arn),
        _allow("HeadObject", "s3:GetObject", f"{bucket_arn}/*"),
        _allow("DistinguishMissingObject", "s3:ListBucket", bucket_arn),
        _allow("ReadRows", ["dynamodb:GetItem", "dynamodb:Scan"], table_arn),
        _allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn}:*"),
    ]
    if repairing_arn is not None:
        statements.append(_allow("RequestRepairs", "lambda:InvokeFunction", repairing_arn))
    if key_arn is not None:
        # The table and the function's environment are decrypted in the role's name.
        statements.append(_allow("UseKeyToRead", "kms:Decrypt", key_arn))
    if tracing:
        statements.append(_trace())
    return _policy(*statements)


def invoke_audit(function_arn: str) -> Policy:
    """Allow to begin an audit, or to go on with it in another invocation."""
    return _policy(_allow("InvokeAudit", "lambda:InvokeFunction", function_arn))


def trust_scheduler(account_id: str) -> Policy:
    """Let EventBridge Scheduler assume the role, for this account's schedules.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    return _policy(
        {
            "Sid": "SchedulerAssumesRole",
            "Effect": "Allow",
            "Principal": {"Service": "scheduler.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
        }
    )


def _plain(values: list[str]) -> str | list[str]:
    """One value without its list, as AWS's pages write it."""
    return values[0] if len(values) == 1 else values


def _trace() -> dict[str, Any]:
    # X-Ray has no resource to name for these two:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
    return _allow("Trace", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")


def _policy(*statements: dict[str, Any]) -> Policy:
    return {"Version": VERSION, "Statement": list(statements)}


def _allow(sid: str, action: str | list[str], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}


def _deny(
    sid: str, action: str, resource: str | list[str], condition: dict[str, Any]
) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    }
