"""The configuration keys and outputs, for Pulumi's project file and for other languages."""

import json

from pipeline.keys import Declared
from pipeline.outputs import OUTPUTS
from pipeline.settings import KEYS

TYPES = {str: "string", bool: "boolean", int: "integer", dict: "object"}
"""What Pulumi calls the types of configuration keys."""

CONFIG = """\
config:
  # Written by `make generate` from pipeline/settings.py.
  # Pulumi demands every key without a default from every stack, so each has one;
  # an empty text means "not set".
"""

COMPONENT = '''\
"""The component as other languages see it: the SDK reads the schema off these two classes.

Written by `make generate` from pipeline/settings.py and pipeline/outputs.py.
https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/
"""

from typing import TypedDict

import pulumi

import pipeline
from pipeline import Settings


class FileMetadataPipelineArgs(TypedDict, total=False):
    """What one environment chooses; `Settings` holds the rules.

    What is plain decides which resources there are, so that a typed language refuses an output
    there before anything runs.
    """

{args}


class FileMetadataPipeline(pipeline.FileMetadataPipeline):
    """One row an object key that equals the bucket's true state."""

{outputs}

    def __init__(
        self,
        name: str,
        args: FileMetadataPipelineArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the pipeline, of arguments that were checked; see `provider.py`."""
        super().__init__(name, Settings(**args), opts)
'''


def project(old: str) -> str:
    """Pulumi.yaml with the keys in the place of those that it has, as its last block."""
    above, _, _ = old.partition("config:\n")
    return above + CONFIG + "".join(map(_declaration, KEYS.values()))


def _declaration(key: Declared) -> str:
    default = "" if key.default is None else key.default
    # JSON is YAML, and quotes what would be read otherwise.
    return (
        f"  {key.name}:\n"
        f"    type: {TYPES[key.kind]}\n"
        f"    default: {json.dumps(default)}\n"
        f"    description: {json.dumps(key.description)}\n"
    )


def component(_old: str) -> str:
    """The component's arguments and outputs, typed and described."""
    return COMPONENT.format(
        args="\n".join(f"    {key.field}: {_type(key)}\n    {_doc(key)}" for key in KEYS.values()),
        outputs="\n".join(
            f'    {output.attribute}: pulumi.Output[str]\n    """{output.means}"""'
            for output in OUTPUTS.values()
        ),
    )


def _type(key: Declared) -> str:
    kind = "dict[str, pulumi.Input[str]]" if key.kind is dict else str(key.kind.__name__)
    return f"pulumi.Input[{kind}]" if key.takes_outputs else kind


def shown(default: object) -> str:
    """A default as a configuration file has it."""
    return default if isinstance(default, str) else json.dumps(default)


def _doc(key: Declared) -> str:
    default = "" if key.default in (None, "", {}) else f"; {shown(key.default)} by default"
    return f'"""{key.description}{default}"""'


def schema(_old: str) -> str:
    """The package's schema, as the SDK infers it."""
    # The component may have been written a moment ago.
    from plugin.provider import PipelineProvider  # noqa: PLC0415

    return json.dumps(json.loads(PipelineProvider().schema or ""), indent=2) + "\n"
