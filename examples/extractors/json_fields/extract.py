"""The top-level fields of a JSON document, each with its type."""

import json
from collections.abc import Mapping

from extraction import File, Value

# The standard library reads the whole document, and needs up to thirty times its size as memory.
MAX_BYTES = 8 * 1024**2
TYPES = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}


def extract(file: File) -> Mapping[str, Value]:
    """Read a JSON document; return nothing for other files."""
    if not file.key.lower().endswith(".json"):
        return {}
    if file.size > MAX_BYTES:
        raise ValueError(f"document must be at most {MAX_BYTES} bytes, got {file.size}")
    document = json.load(file.open())
    if not isinstance(document, dict):
        return {"type": _type(document)}
    return {"type": "object", "fields": {name: _type(value) for name, value in document.items()}}


def _type(value: object) -> str:
    return TYPES.get(type(value), "number")
