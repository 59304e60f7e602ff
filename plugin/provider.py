"""Makes the component for a program in another language."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pulumi
from pulumi.output import Unknown
from pulumi.provider import ConstructResult, Provider

from pipeline import FileMetadataPipeline, Settings
from pipeline.settings import config_key
from plugin import schema

FIELDS = {config_key(field.name): field for field in fields(Settings)}
KINDS: dict[Any, str] = {bool: "true or false", int: "a whole number", str: "a text"}


class PipelineProvider(Provider):
    """Answers for the package ``file-metadata``."""

    def __init__(self) -> None:
        """Answer with the package's schema."""
        super().__init__(schema.VERSION, json.dumps(schema.package()))

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: Mapping[str, pulumi.Input[Any]],
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Make one pipeline.

        Raises:
            pulumi.InputPropertyError: an input breaks its rule.
            ValueError: the package has no such type.
        """
        if resource_type != schema.TOKEN:
            raise ValueError(f"type must be {schema.TOKEN}, got {resource_type!r}")
        pipeline = FileMetadataPipeline(name, settings(inputs, pulumi.get_stack()), options)
        outputs = {config_key(output): getattr(pipeline, output) for output in schema.OUTPUTS}
        return ConstructResult(pipeline.urn, outputs)


def settings(inputs: Mapping[str, Any], stack: str) -> Settings:
    """Read a component's inputs as the program reads its configuration: an empty text is none.

    Args:
        inputs: values by key, as they come over the wire.
        stack: the stack's name, the default of ``environmentSuffix``.

    Raises:
        pulumi.InputPropertyError: a value is unknown yet, of the wrong type, or breaks its rule;
            it names the key, and Pulumi prints it without a traceback.
    """
    values: dict[str, Any] = {"environment_suffix": stack}
    for key, value in inputs.items():
        if key not in FIELDS:
            raise pulumi.InputPropertyError(
                key, f"input must be one of {', '.join(FIELDS)}, got {key!r}"
            )
        plain = _plain(key, value)
        if plain not in (None, ""):
            values[FIELDS[key].name] = plain
    try:
        return Settings(**values)
    except ValueError as err:
        key, _, _ = str(err).partition(" ")
        raise pulumi.InputPropertyError(key, str(err)) from err


def _plain(key: str, value: object) -> object:
    if isinstance(value, pulumi.Output | Unknown):
        raise pulumi.InputPropertyError(
            key,
            f"{key} must be known before any resource is made,"
            " got an output of a resource or a secret",
        )
    kind = FIELDS[key].type
    # The wire knows no whole numbers.
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if value is not None and type(value) is not kind:
        raise pulumi.InputPropertyError(key, f"{key} must be {KINDS[kind]}, got {value!r}")
    return value
