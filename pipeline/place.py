"""The account, region and partition of a stack."""

from dataclasses import dataclass
from typing import Self

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class Place:
    """The account, the region and the partition.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """

    account_id: pulumi.Output[str]
    region: pulumi.Output[str]
    partition: pulumi.Output[str]
    """``aws``, ``aws-cn`` or ``aws-us-gov``: the second part of every ARN."""
    dns_suffix: pulumi.Output[str]
    """The end of the names of the region's services, such as ``amazonaws.com``."""

    @classmethod
    def of(cls, component: pulumi.Resource) -> Self:
        """Look up where a component's provider makes resources."""
        opts = pulumi.InvokeOutputOptions(parent=component)
        partition = aws.get_partition_output(opts=opts)
        return cls(
            account_id=aws.get_caller_identity_output(opts=opts).account_id,
            region=aws.get_region_output(opts=opts).region,
            partition=partition.partition,
            dns_suffix=partition.dns_suffix,
        )
