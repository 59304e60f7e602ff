"""Backfill by S3 Batch Operations, for buckets too large for one machine.

AWS lists the bucket, invokes the function once for each object, and retries by itself.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
"""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from ops.bucket import Scope

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3control import S3ControlClient
    from mypy_boto3_s3control.type_defs import (
        JobManifestGeneratorFilterTypeDef,
        KeyNameConstraintTypeDef,
        S3JobManifestGeneratorTypeDef,
    )

# Tasks have the bucket's name; with 1.0 they have its ARN. The function supports both.
SCHEMA_VERSION = "2.0"
PRIORITY = 10


def submit(
    s3control: "S3ControlClient",
    functions: "LambdaClient",
    *,
    bucket: str,
    function: str,
    role_arn: str,
    prefix: str,
    since: datetime | None,
    scope: Scope,
) -> tuple[str, str]:
    """Submit a job that re-checks every object of the scope, and starts at once.

    The job writes no report: in this bucket the report would get a row like any file, and the
    stack has no other bucket. The job counts failed tasks, and the function logs them.

    The job takes only objects that changed after ``since``, and keys of the scope: other rows would
    not be kept up to date.

    Returns:
        The account and the job's id.

    Raises:
        ValueError: no key of the scope starts with the prefix.
        botocore.exceptions.ClientError: AWS refused.
    """
    arn = functions.get_function_configuration(FunctionName=function)["FunctionArn"]
    _, partition, _, _, account, *_ = arn.split(":")
    manifest: S3JobManifestGeneratorTypeDef = {
        "ExpectedBucketOwner": account,
        "SourceBucket": f"arn:{partition}:s3:::{bucket}",
        "EnableManifestOutput": False,
    }
    if chosen := _chosen(prefix, since, scope):
        manifest["Filter"] = chosen
    job = s3control.create_job(
        AccountId=account,
        Operation={"LambdaInvoke": {"FunctionArn": arn, "InvocationSchemaVersion": SCHEMA_VERSION}},
        ManifestGenerator={"S3JobManifestGenerator": manifest},
        Report={"Enabled": False},
        Description=f"Backfill of {bucket}",
        Priority=PRIORITY,
        RoleArn=role_arn,
        ClientRequestToken=str(uuid4()),
        ConfirmationRequired=False,
        Tags=[{"Key": "Project", "Value": "DataPipeline"}],
    )
    return account, job["JobId"]


def _chosen(
    prefix: str, since: datetime | None, scope: Scope
) -> "JobManifestGeneratorFilterTypeDef":
    """Choose the objects, by at most one prefix and one suffix.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_KeyNameConstraint.html
    """
    longer, shorter = sorted((prefix, scope.prefix), key=len, reverse=True)
    if not longer.startswith(shorter):
        raise ValueError(
            f"prefix must start with {scope.prefix!r}, as every key that has a row, got {prefix!r}"
        )
    keys: KeyNameConstraintTypeDef = {}
    if longer:
        keys["MatchAnyPrefix"] = [longer]
    if scope.suffix:
        keys["MatchAnySuffix"] = [scope.suffix]
    chosen: JobManifestGeneratorFilterTypeDef = {}
    if keys:
        chosen["KeyNameConstraint"] = keys
    if since:
        chosen["CreatedAfter"] = since
    return chosen
