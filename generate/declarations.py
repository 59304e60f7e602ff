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
  # Pulumi requires a key without a default in every stack, so each key has a default.
  # An empty text means "not set".
"""

COMPONENT = '''\
"""The component as other languages see it: the SDK infers the schema from these two classes.

Written by `make generate` from pipeline/settings.py and pipeline/outputs.py.
https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/
"""

from typing import TypedDict

import pulumi

import pipeline
from pipeline import Settings


class FileMetadataPipelineArgs(TypedDict, total=False):
    """The configuration of one environment; `Settings` has the rules.

    Arguments of a plain type decide which resources exist, so a typed language refuses an output
    there at compile time.
    """

{args}


class FileMetadataPipeline(pipeline.FileMetadataPipeline):
    """One up-to-date row for each object key of a bucket."""

{outputs}

    def __init__(
        self,
        name: str,
        args: FileMetadataPipelineArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the pipeline; `provider.py` has checked the arguments."""
        super().__init__(name, Settings(**args), opts)
'''


def project(old: str) -> str:
    """Pulumi.yaml with its last block, the keys, replaced."""
    above, _, _ = old.partition("config:\n")
    return above + CONFIG + "".join(map(_declaration, KEYS.values()))


def _declaration(key: Declared) -> str:
    default = "" if key.default is None else key.default
    # JSON is valid YAML, and quotes texts such as "off", which YAML would read as a boolean.
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
    # Imported here, because this run may have just written the component.
    from plugin.provider import PipelineProvider  # noqa: PLC0415

    return json.dumps(json.loads(PipelineProvider().schema or ""), indent=2) + "\n"
