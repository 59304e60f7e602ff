"""What every part of a pipeline is made with."""

from dataclasses import dataclass

import pulumi

from .place import Place
from .settings import Settings

Tags = pulumi.Input[dict[str, pulumi.Input[str]]]


@dataclass(frozen=True, kw_only=True)
class Shared:
    """The settings, and what follows from them for all parts."""

    settings: Settings
    place: Place
    tags: Tags
    key_arn: pulumi.Input[str] | None
    """The KMS key to encrypt with; None for keys of AWS's own."""
