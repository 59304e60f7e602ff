"""The example extractors find what is there, and raise where a file is not what it says."""

import json
import runpy
import struct
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer

from extraction import File
from result import typed
from support.recorder import ROOT

SAMPLES, EXAMPLES = ROOT / "samples", ROOT / "examples" / "extractors"
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 70_000)
GIF = b"GIF89a" + struct.pack("<HH", 320, 200) + bytes(3)
EXIF = b"\xff\xe1" + struct.pack(">H", 60_002) + bytes(60_000)
SOF = b"\xff\xc2" + struct.pack(">HBHHB", 17, 8, 480, 640, 3)
HUFFMAN = b"\xff\xc4" + struct.pack(">H", 4) + b"\x01\x02"
JPEG = b"\xff\xd8" + EXIF + EXIF + HUFFMAN + SOF
# Fill bytes may come before a marker: https://www.w3.org/Graphics/JPEG/itu-t81.pdf, B.1.1.2
FILLED = b"\xff\xd8\xff" + EXIF + b"\xff\xff" + SOF


def extracted(name: str, content: bytes, key: str) -> dict[str, Any]:
    """What an example finds in a file, as DynamoDB gives it back."""
    file = File(
        key=key,
        size=len(content),
        content_type="binary/octet-stream",
        metadata={},
        version=None,
        read=lambda start, length: content[start : start + length],
    )
    extract = runpy.run_path(str(EXAMPLES / name / "extract.py"))["extract"]
    found: dict[str, Any] = TypeDeserializer().deserialize({"M": typed(extract(file))})
    return found


@pytest.mark.parametrize(
    ("content", "columns", "rows"),
    [
        (b"id,amount\r\n1,2\r\n3,4\r\n", ["id", "amount"], 2),
        (b"\xef\xbb\xbfid\n1\n\n2", ["id"], 2),
        (b'"a\nb","c,d"\n1,"2\n3"\n', ["a\nb", "c,d"], 1),
        ("\u00e9,\U0001f4ce\n".encode(), ["\u00e9", "\U0001f4ce"], 0),
        (b"", [], 0),
        (b"id\n" + b"1\n" * 100_000, ["id"], 100_000),
    ],
)
def test_a_csv_has_columns_and_rows(content: bytes, columns: list[str], rows: int) -> None:
    assert extracted("csv_columns", content, "A.CSV") == {"columns": columns, "rows": rows}


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", b'"a', b'"a"b\n', b"x" * 200_000, b"1," * 2**20],
    ids=["bytes", "open", "quote", "long", "line"],
)
def test_what_is_no_csv_is_an_error(content: bytes) -> None:
    with pytest.raises(
        Exception, match=r"codec|unexpected end|expected after|field larger|a line must"
    ):
        extracted("csv_columns", content, "a.csv")


@pytest.mark.parametrize(
    ("content", "kind", "width", "height"),
    [
        (PNG, "png", 640, 70_000),
        (GIF, "gif", 320, 200),
        (JPEG, "jpeg", 640, 480),
        (FILLED, "jpeg", 640, 480),
    ],
    ids=["png", "gif", "jpeg", "filled"],
)
def test_an_image_has_a_size(content: bytes, kind: str, width: int, height: int) -> None:
    found = {"format": kind, "width": width, "height": height}
    assert extracted("image_size", content, "no suffix") == found
    assert extracted("image_size", content + bytes(1000), "a.txt") == found


@pytest.mark.parametrize("content", [b"", b"text", PNG[:20], GIF[:9], b"\xff\xd8"])
def test_of_what_is_no_image_nothing_is_found(content: bytes) -> None:
    assert extracted("image_size", content, "a.png") == {}


@pytest.mark.parametrize(
    "content",
    [
        JPEG[:-7],
        b"\xff\xd8" + b"\xff\xe0\x00\x02" * 2_000,
        b"\xff\xd8\xff\xe0\x00\x01",
        b"\xff\xd8\xff" + b"x" * 9,
        b"\xff\xd8" + b"\xff" * 2_000 + SOF,
    ],
    ids=["cut", "endless", "short", "text", "endless fill"],
)
def test_a_jpeg_without_a_size_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError, match="JPEG must have a segment with its size"):
        extracted("image_size", content, "a.jpg")


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({}, {"type": "object", "fields": {}}),
        (
            {"a": {}, "b": [], "c": "", "d": 1, "e": 1.5, "f": True, "g": None},
            {
                "type": "object",
                "fields": {
                    "a": "object",
                    "b": "array",
                    "c": "string",
                    "d": "number",
                    "e": "number",
                    "f": "boolean",
                    "g": "null",
                },
            },
        ),
        ([1], {"type": "array"}),
    ],
)
def test_a_json_document_has_fields(document: Any, found: dict[str, Any]) -> None:
    assert extracted("json_fields", json.dumps(document).encode(), "a.json") == found


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"{", json.JSONDecodeError),
        (b"[" * 100_000, RecursionError),
        (b'{"": 1}', ValueError),
        (b"{}" + bytes([32]) * 8 * 1024**2, ValueError),
    ],
    ids=["cut", "deep", "empty name", "large"],
)
def test_a_document_that_cannot_be_stored_is_an_error(
    content: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        extracted("json_fields", content, "a.json")


@pytest.mark.parametrize(
    ("name", "suffix"), [("csv_columns", ".csv"), ("image_size", ".png"), ("json_fields", ".json")]
)
@pytest.mark.parametrize(
    "sample", ["chart.png", "invoice.pdf", "notes.txt", "orders.csv", "sensor.json"]
)
def test_every_sample_is_extracted_by_every_example(name: str, suffix: str, sample: str) -> None:
    found = extracted(name, (SAMPLES / sample).read_bytes(), sample)
    assert bool(found) == sample.endswith(suffix)
