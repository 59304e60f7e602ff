"""IAM and resource policies as plain documents: ARNs in, a dict out."""

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
    *, bucket_arn: str, table_arn: str, queue_arn: str, log_group_arn: str, tracing: bool
) -> Policy:
    """Allow each call that the function makes, and no other.

    ``HeadObject`` needs ``s3:GetObject``, and answers 404 rather than 403 for a missing key
    only with ``s3:ListBucket``:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    """
    statements = [
        _allow("LookAtObject", "s3:GetObject", f"{bucket_arn}/*"),
        _allow("TellMissingFromForbidden", "s3:ListBucket", bucket_arn),
        _allow("WriteRow", "dynamodb:PutItem", table_arn),
        _allow("ReadRowBeforeUnorderedWrite", "dynamodb:GetItem", table_arn),
        _allow("ParkFailedEvent", "sqs:SendMessage", queue_arn),
        _allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{log_group_arn}:*"),
    ]
    if tracing:
        # X-Ray has no resource to name for these two:
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
        actions = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        statements.append(_allow("Trace", actions, "*"))
    return _policy(*statements)


def bucket_requires_tls(bucket_arn: str) -> Policy:
    """Deny the bucket to plain HTTP and to TLS older than 1.2.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    """
    resources = [bucket_arn, f"{bucket_arn}/*"]
    return _policy(
        _deny("DenyPlainHttp", "s3:*", resources, {"Bool": {"aws:SecureTransport": "false"}}),
        _deny("DenyOldTls", "s3:*", resources, {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    )


def queue_requires_tls(queue_arn: str) -> Policy:
    """Deny the queue to plain HTTP.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html
    """
    return _policy(
        _deny("DenyPlainHttp", "sqs:*", queue_arn, {"Bool": {"aws:SecureTransport": "false"}})
    )


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
