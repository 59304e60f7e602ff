"""S3: the bucket and each of its settings."""

from typing import Any

from local.cloud import Cloud
from local.inputs import Inputs, Outputs, of_module, pascal, renamed


def _bucket(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    inputs.take("forceDestroy")  # only for `pulumi destroy`
    name = inputs.auto_name("bucket")
    cloud("s3").create_bucket(Bucket=name, **location(cloud.region))
    cloud("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": inputs.tag_list()})
    domain = f"{name}.s3.{cloud.region}.amazonaws.com"
    arn = f"arn:aws:s3:::{name}"
    return name, {"bucket": name, "arn": arn, "bucketRegionalDomainName": domain}


def location(region: str) -> dict[str, Any]:
    """The parameters for a new bucket's region."""
    # us-east-1 is the one region that may not be named:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    if region == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": region}}


def _ownership(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    bucket = inputs.take("bucket")
    controls = {"Rules": [pascal(inputs.take("rule"))]}
    cloud("s3").put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
    return bucket, {}


def _public_access(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    bucket = inputs.take("bucket")
    keys = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    block = inputs.parameters(*keys)
    cloud("s3").put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    return bucket, {}


def _versioning(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    bucket = inputs.take("bucket")
    configuration = pascal(inputs.take("versioningConfiguration"))
    cloud("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration=configuration)
    return bucket, {}


def _encryption(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    bucket = inputs.take("bucket")
    rules = [_encryption_rule(declared) for declared in inputs.take("rules")]
    cloud("s3").put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules}
    )
    return bucket, {}


def _encryption_rule(declared: dict[str, Any]) -> dict[str, Any]:
    default = renamed(
        declared["applyServerSideEncryptionByDefault"],
        sseAlgorithm="SSEAlgorithm",
        kmsMasterKeyId="KMSMasterKeyID",
    )
    changed = {
        "applyServerSideEncryptionByDefault": default,
        "blockedEncryptionTypes": {"EncryptionType": declared["blockedEncryptionTypes"]},
    }
    rule: dict[str, Any] = pascal({**declared, **changed})
    return rule


def _logging(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    bucket = inputs.take("bucket")
    enabled = inputs.parameters("targetBucket", "targetPrefix")
    cloud("s3").put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": enabled})
    return bucket, {}


def _bucket_policy(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    bucket = inputs.take("bucket")
    cloud("s3").put_bucket_policy(Bucket=bucket, Policy=inputs.take("policy"))
    return bucket, {}


def _lifecycle(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    bucket = inputs.take("bucket")
    rules = [pascal(renamed(declared, id="ID")) for declared in inputs.take("rules")]
    cloud("s3").put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": rules}
    )
    return bucket, {}


def _notification(cloud: Cloud, inputs: Inputs) -> tuple[str, Outputs]:
    bucket = inputs.take("bucket")
    functions = [_function_target(target) for target in inputs.take("lambdaFunctions", [])]
    cloud("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": functions}
    )
    return bucket, {}


def _function_target(declared: dict[str, Any]) -> dict[str, Any]:
    filters = [
        {"Name": name, "Value": declared[key]}
        for name, key in (("prefix", "filterPrefix"), ("suffix", "filterSuffix"))
        if declared.get(key)
    ]
    target = {"LambdaFunctionArn": declared["lambdaFunctionArn"], "Events": declared["events"]}
    return target | ({"Filter": {"Key": {"FilterRules": filters}}} if filters else {})


RULES = of_module(
    "s3",
    {
        "Bucket": _bucket,
        "BucketOwnershipControls": _ownership,
        "BucketPublicAccessBlock": _public_access,
        "BucketVersioning": _versioning,
        "BucketServerSideEncryptionConfiguration": _encryption,
        "BucketPolicy": _bucket_policy,
        "BucketLifecycleConfiguration": _lifecycle,
        "BucketLogging": _logging,
        "BucketNotification": _notification,
    },
)
