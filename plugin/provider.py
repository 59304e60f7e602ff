"""The component provider of the Pulumi package."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.provider.experimental.component import ComponentProvider

from pipeline import Settings
from pipeline.keys import check_known
from pipeline.settings import KEYS
from plugin.component import FileMetadataPipeline, FileMetadataPipelineArgs

PACKAGE = "file-metadata"


class PipelineProvider(ComponentProvider):
    """The SDK's component provider, which also checks the inputs.

    The SDK infers the schema and makes the component. Without the check, an invalid input would
    end in a traceback, and an output in an error of the SDK.
    """

    def __init__(self) -> None:
        """Infer the schema. Pulumi replaces this version by that of the git tag."""
        super().__init__([FileMetadataPipeline], PACKAGE, version="0.0.0")

    def map_inputs(
        self,
        inputs: Mapping[str, Any],
        component_def: object,  # noqa: ARG002 - the SDK's parameter
    ) -> dict[str, Any]:
        """Read the component's inputs, before it makes any resource.

        Raises:
            pulumi.InputPropertyError: as `checked` says.
        """
        return dict(checked(inputs, pulumi.get_stack()))


def checked(inputs: Mapping[str, Any], stack: str) -> FileMetadataPipelineArgs:
    """Read a component's inputs as the program reads its configuration: an empty text is none.

    Args:
        inputs: values by key, as Pulumi's engine sends them.
        stack: the stack's name, the default of ``environmentSuffix``.

    Raises:
        pulumi.InputPropertyError: a value is not known yet, has the wrong type, or breaks its
            rule. The error names the key, and Pulumi prints it without a traceback.
    """
    args = FileMetadataPipelineArgs(environment_suffix=stack)
    for name, value in inputs.items():
        try:
            check_known(name, KEYS)
        except ValueError as err:
            raise pulumi.InputPropertyError(name, str(err)) from err
        key = KEYS[name]
        # The engine sends every number as a float.
        whole = key.kind is int and isinstance(value, float) and value.is_integer()
        if value not in (None, "", {}):
            args[key.field] = int(value) if whole else value  # type: ignore[literal-required]
    try:
        Settings(**args)
    except ValueError as err:
        name, _, _ = str(err).partition(" ")
        raise pulumi.InputPropertyError(name, str(err)) from err
    return args
