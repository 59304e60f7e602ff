"""The pipeline as a Pulumi component: S3 bucket, Lambda function, DynamoDB table."""

from pipeline.pipeline import FileMetadataPipeline
from pipeline.settings import Settings

__all__ = ["FileMetadataPipeline", "Settings"]
