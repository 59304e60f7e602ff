"""An existing bucket that somebody else owns; the pipeline declares nothing of it."""

from dataclasses import dataclass
from typing import Self

import pulumi
import pulumi_aws as aws

from .bucket import DataBucket
from .role_policies import decrypt_objects
from .shared import Shared


@dataclass(frozen=True, kw_only=True)
class BucketReference:
    """What the pipeline needs to know of an existing bucket in the stack's region."""

    bucket_name: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    bucket_url: pulumi.Output[str]
    """The bucket's address over HTTPS."""
    account_id: pulumi.Output[str]
    """The account that owns the bucket."""

    @classmethod
    def of(cls, shared: Shared) -> Self:
        """Refer to the bucket that the settings name."""
        place, settings = shared.place, shared.settings
        name = pulumi.Output.from_input(settings.bucket_name)
        return cls(
            bucket_name=name,
            bucket_arn=pulumi.Output.concat("arn:", place.partition, ":s3:::", name),
            bucket_url=pulumi.Output.concat(
                "https://", name, ".s3.", place.region, ".", place.dns_suffix
            ),
            account_id=(
                pulumi.Output.from_input(settings.bucket_account_id)
                if settings.bucket_account_id
                else place.account_id
            ),
        )


def decryption(
    name: str, role_name: pulumi.Input[str], shared: Shared, opts: pulumi.ResourceOptions
) -> list[aws.iam.RolePolicy]:
    """Allow a role to decrypt the bucket's objects, if ``bucket_kms_key_arn`` is set."""
    place, key_arn = shared.place, shared.settings.bucket_kms_key_arn
    if not key_arn:
        return []
    where = pulumi.Output.all(key_arn=key_arn, region=place.region, dns_suffix=place.dns_suffix)
    policy = where.apply(lambda of: decrypt_objects(**of))
    return [
        aws.iam.RolePolicy(name, role=role_name, policy=pulumi.Output.json_dumps(policy), opts=opts)
    ]


AnyBucket = DataBucket | BucketReference
"""The bucket of a pipeline: its own, or somebody else's."""


def owner(bucket: AnyBucket) -> dict[str, pulumi.Input[str]]:
    """The environment variable with the expected bucket owner, for a bucket of somebody else."""
    if isinstance(bucket, BucketReference):
        return {"S3_BUCKET_ACCOUNT_ID": bucket.account_id}
    return {}
