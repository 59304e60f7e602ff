"""The Pulumi program: one stack is one environment of the pipeline."""

import pulumi

from pipeline import FileMetadataPipeline, Settings

FileMetadataPipeline(
    "file-metadata", Settings.from_config(pulumi.Config(), pulumi.get_stack())
).export()
