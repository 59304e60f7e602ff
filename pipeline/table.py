"""The metadata table: one row for each object key."""

import pulumi
import pulumi_aws as aws

from .names import table_name
from .shared import Shared

PARTITION_KEY = "file_key"
TTL_ATTRIBUTE = "expires_at"


class MetadataTable(pulumi.ComponentResource):
    """An on-demand table with point-in-time recovery, whose tombstones expire."""

    table_name: pulumi.Output[str]
    table_arn: pulumi.Output[str]

    def __init__(self, name: str, args: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the table."""
        super().__init__("file-metadata:index:MetadataTable", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        table = aws.dynamodb.Table(
            f"{name}-rows",
            name=table_name(args.settings.environment_suffix),
            billing_mode="PAY_PER_REQUEST",
            hash_key=PARTITION_KEY,
            attributes=[{"name": PARTITION_KEY, "type": "S"}],
            ttl={"attribute_name": TTL_ATTRIBUTE, "enabled": True},
            point_in_time_recovery={"enabled": True},
            # The provider keeps a key that is no longer declared; only this moves the table off it.
            server_side_encryption={
                "enabled": args.key_arn is not None,
                "kms_key_arn": args.key_arn,
            },
            deletion_protection_enabled=args.settings.protect_data,
            tags=args.tags,
            opts=child,
        )
        self.table_name = table.name
        self.table_arn = table.arn
        self.register_outputs({"table_name": self.table_name, "table_arn": self.table_arn})
