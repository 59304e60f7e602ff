"""A bucket that somebody else owns, by its name: nothing of it is declared."""

from dataclasses import dataclass
from typing import Self

import pulumi

from .bucket import DataBucket
from .shared import Shared


@dataclass(frozen=True, kw_only=True)
class BucketReference:
    """What the pipeline needs to know of a bucket that is there, in the region of the stack."""

    bucket_name: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    bucket_url: pulumi.Output[str]
    """The bucket's address over HTTPS."""
    account_id: pulumi.Output[str]
    """Of the account that owns it."""

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


AnyBucket = DataBucket | BucketReference
"""The bucket of a pipeline: its own, or somebody else's."""
