"""What all parts of a pipeline share."""

from dataclasses import dataclass

import pulumi

from .place import Place
from .settings import Settings

Tags = pulumi.Input[dict[str, pulumi.Input[str]]]


@dataclass(frozen=True, kw_only=True)
class Shared:
    """The settings, and values that follow from them."""

    settings: Settings
    place: Place
    tags: Tags
    key_arn: pulumi.Input[str] | None
    """The KMS key to encrypt with; None for AWS's own keys."""
