"""The example extractors, run on bytes as the function runs them."""

import importlib.util
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from extraction import File
from result import typed
from support.recorder import ROOT

FOLDER = ROOT / "examples" / "extractors"


def extracted(name: str, content: bytes, key: str) -> dict[str, Any]:
    """What an example finds in a file, as DynamoDB gives it back."""
    path = FOLDER / name / "extract.py"
    spec = importlib.util.spec_from_file_location(f"example_{name}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    file = File(
        key=key,
        size=len(content),
        content_type="binary/octet-stream",
        metadata={},
        version=None,
        read=lambda start, length: content[start : start + length],
    )
    found: dict[str, Any] = TypeDeserializer().deserialize({"M": typed(module.extract(file))})
    return found
