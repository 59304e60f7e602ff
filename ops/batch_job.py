"""Backfill by S3 Batch Operations, for buckets too large for one machine.

AWS lists the bucket and invokes the function once an object, with retries of its own.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
"""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3control import S3ControlClient
    from mypy_boto3_s3control.type_defs import JobManifestGeneratorFilterTypeDef

SCHEMA_VERSION = "1.0"
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
) -> tuple[str, str]:
    """Submit a job that announces every object, and starts at once.

    It writes no report: in the bucket itself the report would be announced as a file, and no
    other bucket is ours. What fails is counted by the job and logged by the function.

    Args:
        s3control: the client of S3 Control.
        functions: the client of Lambda.
        bucket: its name.
        function: its name.
        role_arn: the role that the job assumes.
        prefix: only keys that start so.
        since: only objects that changed at this time or later.

    Returns:
        The account and the job's id, by which AWS knows the job.

    Raises:
        botocore.exceptions.ClientError: AWS refused.
    """
    found = functions.get_function_configuration(FunctionName=function)
    account = found["FunctionArn"].split(":")[4]
    chosen: JobManifestGeneratorFilterTypeDef = {}
    if prefix:
        chosen["KeyNameConstraint"] = {"MatchAnyPrefix": [prefix]}
    if since:
        chosen["CreatedAfter"] = since
    job = s3control.create_job(
        AccountId=account,
        Operation={
            "LambdaInvoke": {
                "FunctionArn": found["FunctionArn"],
                "InvocationSchemaVersion": SCHEMA_VERSION,
            }
        },
        ManifestGenerator={
            "S3JobManifestGenerator": {
                "ExpectedBucketOwner": account,
                "SourceBucket": f"arn:aws:s3:::{bucket}",
                "Filter": chosen,
                "EnableManifestOutput": False,
            }
        },
        Report={"Enabled": False},
        Description=f"Backfill of {bucket}",
        Priority=PRIORITY,
        RoleArn=role_arn,
        ClientRequestToken=str(uuid4()),
        ConfirmationRequired=False,
        Tags=[{"Key": "Project", "Value": "DataPipeline"}],
    )
    return account, job["JobId"]
