"""Builds the permissions and the trust policies of the roles from ARNs. Pure."""

from typing import Any

from .policy_document import Policy, allow, policy, trust


def trust_lambda() -> Policy:
    """Let the Lambda service, and nothing else, assume the role.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    """
    return trust("LambdaAssumesRole", "lambda.amazonaws.com")


def trust_batch_operations() -> Policy:
    """Let S3 Batch Operations, and nothing else, assume the role.

    The creator of a job must be allowed to pass it the role, so both are of one account. There is
    no condition here: AWS documents no condition key that the service sets when it assumes the
    role, and a wrong one would lock the service out.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-iam-role-policies.html
    """
    return trust("BatchOperationsAssumesRole", "batchoperations.s3.amazonaws.com")


def trust_scheduler(account_id: str) -> Policy:
    """Let EventBridge Scheduler assume the role, for this account's schedules.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    condition = {"StringEquals": {"aws:SourceAccount": account_id}}
    return trust("SchedulerAssumesRole", "scheduler.amazonaws.com", condition)


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
        allow("HeadObject", "s3:GetObject", f"{bucket_arn}/*"),
        allow("DistinguishMissingObject", "s3:ListBucket", bucket_arn),
        allow("WriteRow", "dynamodb:PutItem", table_arn),
        allow("ReadRowBeforeUnorderedWrite", "dynamodb:GetItem", table_arn),
        allow("SendFailedEvent", "sqs:SendMessage", queue_arn),
        allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn}:*"),
    ]
    if key_arn is not None:
        # The function's environment, the table and the queue are decrypted, and messages to the
        # queue encrypted, with the role's permission. HeadObject needs the key for the checksum.
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        statements.append(allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], key_arn))
    return policy(*statements, *_trace(tracing=tracing))


def extract_files(
    *,
    bucket_arn: str,
    table_arn: str,
    stream_arn: str,
    log_group_arn: str,
    key_arn: str | None,
    tracing: bool,
) -> Policy:
    """Allow each call that the extractor makes, and those that Lambda makes to read the stream.

    The resource of ``ListStreams`` is as in AWS's example:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/iam-policy-example-lamda-process-dynamodb-streams.html
    """
    read_stream = ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"]
    statements = [
        allow("ReadFile", ["s3:GetObject", "s3:GetObjectVersion"], f"{bucket_arn}/*"),
        # Without it S3 answers 403 rather than 404 for a version that is gone.
        allow("DistinguishMissingFile", "s3:ListBucket", bucket_arn),
        allow("WriteWhatWasFound", "dynamodb:UpdateItem", table_arn),
        allow("ReadStream", read_stream, stream_arn),
        allow("FindStream", "dynamodb:ListStreams", f"{table_arn}/stream/*"),
        allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn}:*"),
    ]
    if key_arn is not None:
        # The files, the table, its stream and the function's environment are decrypted with the
        # role's permission; nothing is encrypted with it.
        statements.append(allow("UseKey", "kms:Decrypt", key_arn))
    return policy(*statements, *_trace(tracing=tracing))


def audit(
    *,
    bucket_arn: str,
    table_arn: str,
    repairing_arn: str | None,
    log_group_arn: str,
    key_arn: str | None,
    tracing: bool,
) -> Policy:
    """Allow each call that the audit makes; without ``repairing_arn`` it only reads."""
    statements = [
        allow("ListVersions", "s3:ListBucketVersions", bucket_arn),
        allow("HeadObject", "s3:GetObject", f"{bucket_arn}/*"),
        allow("DistinguishMissingObject", "s3:ListBucket", bucket_arn),
        allow("ReadRows", ["dynamodb:GetItem", "dynamodb:Scan"], table_arn),
        allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn}:*"),
    ]
    if repairing_arn is not None:
        statements.append(allow("RequestRepairs", "lambda:InvokeFunction", repairing_arn))
    if key_arn is not None:
        # The table and the function's environment are decrypted with the role's permission.
        statements.append(allow("UseKeyToRead", "kms:Decrypt", key_arn))
    return policy(*statements, *_trace(tracing=tracing))


def invoke_audit(function_arn: str) -> Policy:
    """Allow starting an audit, and continuing it in another invocation."""
    return policy(allow("InvokeAudit", "lambda:InvokeFunction", function_arn))


def run_batch_jobs(*, bucket_arn: str, function_arn: str) -> Policy:
    """Allow a job to list the bucket by a generated manifest, and to invoke the function.

    The job stores neither manifest nor report, so it reads and writes no object and uses no key.
    It invokes the function without a version, so the function's plain ARN is enough.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-policies.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
    """
    return policy(
        allow("GenerateManifest", "s3:PutInventoryConfiguration", bucket_arn),
        allow("InvokeFunction", "lambda:InvokeFunction", function_arn),
    )


def decrypt_objects(*, key_arn: str, region: str, dns_suffix: str) -> Policy:
    """Allow the use of a key only through S3, to read an object's checksum.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    through_s3 = {"StringEquals": {"kms:ViaService": f"s3.{region}.{dns_suffix}"}}
    return policy(allow("DecryptObjects", "kms:Decrypt", key_arn) | {"Condition": through_s3})


def _trace(*, tracing: bool) -> list[dict[str, Any]]:
    if not tracing:
        return []
    # X-Ray has no resource to name for these two:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
    return [allow("Trace", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")]
