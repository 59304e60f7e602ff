"""The package's schema: inputs as Pulumi.yaml declares the configuration, and the outputs.

https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/

``python -m plugin.schema > plugin/schema.json`` writes the copy that the tests compare with.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from pipeline import FileMetadataPipeline
from pipeline.settings import config_key

PROJECT_FILE = Path(__file__).resolve().parent.parent / "Pulumi.yaml"

PACKAGE = "file-metadata"
# Pulumi puts the version of the git tag in its place.
VERSION = "0.0.0"
TOKEN = f"{PACKAGE}:index:FileMetadataPipeline"

OUTPUTS = {
    "bucket_name": "The bucket to put files into",
    "bucket_url": "Its address over HTTPS",
    "table_name": "The table to query",
    "function_name": "The function between them",
    "failure_queue_url": "Where an event waits, whole, after its last retry",
    "dashboard_url": "Everything at a glance, in CloudWatch",
    "alarm_topic_arn": "Where alarms ring; subscribe what your team uses",
    "batch_operations_role_arn": "The role for S3 Batch Operations; empty without batchOperations",
}
"""The component's attributes, and what each is."""

LANGUAGES = ("nodejs", "python", "csharp", "java", "go")

Schema = dict[str, Any]


def package() -> Schema:
    """The schema of the whole package: one component."""
    outputs = {
        config_key(name): {"type": "string", "description": means}
        for name, means in OUTPUTS.items()
    }
    component: Schema = {
        "isComponent": True,
        "description": FileMetadataPipeline.__doc__,
        "type": "object",
        "inputProperties": inputs(),
        "requiredInputs": [],
        "properties": outputs,
        "required": sorted(outputs),
    }
    return {
        "name": PACKAGE,
        "version": VERSION,
        "displayName": "File metadata pipeline",
        "description": _project()["description"],
        "license": "Apache-2.0",
        "resources": {TOKEN: component},
        "types": {},
        "language": {language: {"respectSchemaVersion": True} for language in LANGUAGES},
    }


def inputs() -> Schema:
    """The inputs by key.

    All are plain: the component decides by them what to make, so that typed languages refuse
    an output there before anything runs.
    """
    return {
        key: {
            "type": declared["type"],
            "description": _described(declared["description"], declared["default"]),
            "plain": True,
        }
        for key, declared in _project()["config"].items()
    }


def _described(means: str, default: object) -> str:
    # An SDK would carry a default of the schema into every stack; said only, it stays ours.
    shown = str(default).lower() if isinstance(default, bool) else default
    return means if default == "" else f"{means} ({shown} by default)"


def _project() -> Schema:
    loaded: Schema = yaml.safe_load(PROJECT_FILE.read_text(encoding="utf-8"))
    return loaded


if __name__ == "__main__":
    print(json.dumps(package(), indent=2))
