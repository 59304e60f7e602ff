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
    stream_arn: pulumi.Output[str]
    """Empty where the table has no stream."""

    def __init__(self, name: str, args: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("file-metadata:index:MetadataTable", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        settings = args.settings
        streams = bool(settings.stream or settings.extractor)

        table = aws.dynamodb.Table(
            f"{name}-rows",
            name=table_name(settings.environment_suffix),
            billing_mode="PAY_PER_REQUEST",
            hash_key=PARTITION_KEY,
            attributes=[{"name": PARTITION_KEY, "type": "S"}],
            ttl={"attribute_name": TTL_ATTRIBUTE, "enabled": True},
            point_in_time_recovery={"enabled": True},
            # Always declared: without this block the provider would keep the table's old key.
            server_side_encryption={
                "enabled": args.key_arn is not None,
                "kms_key_arn": args.key_arn,
            },
            stream_enabled=streams or None,
            # Consumers of the stream may need the old row.
            stream_view_type="NEW_AND_OLD_IMAGES" if streams else None,
            deletion_protection_enabled=settings.protect_data,
            tags=args.tags,
            opts=child,
        )
        self.table_name = table.name
        self.table_arn = table.arn
        self.stream_arn = table.stream_arn if streams else pulumi.Output.from_input("")
        self.register_outputs(
            {
                "table_name": self.table_name,
                "table_arn": self.table_arn,
                "stream_arn": self.stream_arn,
            }
        )
