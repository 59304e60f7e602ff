"""The pipeline as a Pulumi component: S3 bucket, Lambda function, DynamoDB table."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .pipeline import FileMetadataPipeline
    from .settings import Settings

__all__ = ["FileMetadataPipeline", "Settings"]


def __getattr__(name: str) -> Any:
    """Import the component only when it is used: `ops` reads names and outputs without Pulumi."""
    if name in __all__:
        from . import pipeline  # noqa: PLC0415

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
