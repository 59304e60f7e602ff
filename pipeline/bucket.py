"""The data bucket, its policy and its settings."""

import pulumi
import pulumi_aws as aws

from . import resource_policies
from .settings import check_log_bucket
from .shared import Shared


class DataBucket(pulumi.ComponentResource):
    """A private, versioned, encrypted bucket that accepts TLS only."""

    bucket_name: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    bucket_url: pulumi.Output[str]
    """The bucket's address over HTTPS."""
    ready: pulumi.Resource
    """The setting that is saved last; a resource that depends on it is made after all settings."""

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
                # Not protected: it holds no data, and unsetting `accessLogBucket` must delete it.
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
        # One setting after the other: S3 answers "conflicting conditional operation" if two are
        # saved at the same time (https://github.com/aws/aws-cdk/issues/27644).
        return pulumi.ResourceOptions(parent=self, depends_on=[previous])


def _log_bucket(log_bucket: str, bucket: str) -> str:
    """Check the log bucket once the data bucket's name, which Pulumi may generate, is known."""
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
        # S3 refuses SSE-C uploads: HeadObject would need the customer's key, so the object could
        # not get a row.
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
