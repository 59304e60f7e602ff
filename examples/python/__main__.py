"""A program that uses the component."""

import pulumi
from file_metadata_pipeline import FileMetadataPipeline, Settings

files = FileMetadataPipeline(
    "file-metadata",
    Settings(
        environment_suffix=pulumi.get_stack(),
        protect_data=False,
        log_retention_days=7,
        tombstone_days=1,
        noncurrent_version_days=7,
    ),
)

pulumi.export("bucket", files.bucket_name)
pulumi.export("table", files.table_name)
