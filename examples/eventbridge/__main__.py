"""A program that follows somebody else's bucket."""

import pulumi
from file_metadata_pipeline import FileMetadataPipeline, Settings

files = FileMetadataPipeline(
    "file-metadata",
    Settings(
        environment_suffix=pulumi.get_stack(),
        event_source="eventbridge",
        bucket_name=pulumi.Config().require("bucket"),
        protect_data=False,
        log_retention_days=7,
        tombstone_days=1,
    ),
)

files.export()
