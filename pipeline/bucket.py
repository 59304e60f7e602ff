"""The data bucket, its policy and its settings."""

import pulumi
import pulumi_aws as aws

from . import resource_policies
from .settings import check_log_bucket
from .shared import Shared


class DataBucket(pulumi.ComponentResource):
    """A private, versioned, encrypted bucket that speaks TLS only."""

    bucket_name: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    bucket_url: pulumi.Output[str]
    """The bucket's address over HTTPS."""
    ready: pulumi.Resource
    """The last setting to be saved; a resource that depends on it comes after all of them."""

    def __init__(self, name: str, args: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the bucket; its settings are separate resources, as the provider advises."""
        super().__init__("file-metadata:index:DataBucket", name, {}, opts)
        settings = args.settings

        bucket = aws.s3.Bucket(
            f"{name}-objects",
            bucket=settings.bucket_name or None,
            force_destroy=not settings.protect_data,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        ownership = aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._after(bucket),
        )
        public_access = aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._after(ownership),
        )
        versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=self._after(public_access),
        )
        encryption = aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.bucket,
            rules=[_encryption_rule(args.key_arn)],
            opts=self._after(versioning),
        )
        tls_only = aws.s3.BucketPolicy(
            f"{name}-tls-only",
            bucket=bucket.bucket,
            policy=pulumi.Output.json_dumps(
                bucket.arn.apply(resource_policies.bucket_requires_tls)
            ),
            opts=self._after(encryption),
        )
        lifecycle = self.ready = aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.bucket,
            rules=_lifecycle_rules(settings.noncurrent_version_days),
            opts=self._after(tls_only),
        )
        if settings.access_log_bucket:
            self.ready = aws.s3.BucketLogging(
                f"{name}-access-logs",
                bucket=bucket.bucket,
                target_bucket=pulumi.Output.all(settings.access_log_bucket, bucket.bucket).apply(
                    lambda names: _log_bucket(*names)
                ),
                target_prefix=pulumi.Output.concat(bucket.bucket, "/"),
                # Holds no data, and a protected resource could not be taken away by the setting.
                opts=pulumi.ResourceOptions(parent=self, protect=False, depends_on=[lifecycle]),
            )
        self.bucket_name = bucket.bucket
        self.bucket_arn = bucket.arn
        self.bucket_url = pulumi.Output.concat("https://", bucket.bucket_regional_domain_name)
        self.register_outputs(
            {
                "bucket_name": self.bucket_name,
                "bucket_arn": self.bucket_arn,
                "bucket_url": self.bucket_url,
            }
        )

    def _after(self, previous: pulumi.Resource) -> pulumi.ResourceOptions:
        # S3 answers "conflicting conditional operation" to settings of one bucket that are
        # saved at the same moment (https://github.com/aws/aws-cdk/issues/27644): one by one.
        return pulumi.ResourceOptions(parent=self, depends_on=[previous])


def _log_bucket(log_bucket: str, bucket: str) -> str:
    """Check the bucket for the logs, now that the name that Pulumi made is known."""
    try:
        check_log_bucket(log_bucket, bucket)
    except ValueError as err:
        raise pulumi.RunError(str(err)) from err
    return log_bucket


def _encryption_rule(
    key_arn: pulumi.Input[str] | None,
) -> aws.s3.BucketServerSideEncryptionConfigurationRuleArgsDict:
    return {
        "apply_server_side_encryption_by_default": {
            "sse_algorithm": "AES256" if key_arn is None else "aws:kms",
            "kms_master_key_id": key_arn,
        },
        # One call to KMS for many objects, instead of one each.
        "bucket_key_enabled": key_arn is not None,
        # HeadObject of an SSE-C object needs the customer's key, so it could never have a row:
        # S3 refuses such an upload.
        "blocked_encryption_types": ["SSE-C"],
    }


def _lifecycle_rules(
    noncurrent_version_days: int,
) -> list[aws.s3.BucketLifecycleConfigurationRuleArgsDict]:
    return [
        {
            "id": "abort-incomplete-uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
        },
        {
            "id": "expire-noncurrent-versions",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "noncurrent_version_expiration": {"noncurrent_days": noncurrent_version_days},
        },
        {
            "id": "drop-expired-delete-markers",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "expiration": {"expired_object_delete_marker": True},
        },
    ]
