"""Measures and prices an extractor for a million files: `python -m bench.extraction`.

The function runs `examples/extractors/csv_columns` on a CSV of 48 KB, which is one `GetObject`.
"""

import json
import math
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bench import runtime
from bench.cost import (
    Assumptions,
    Figures,
    Parts,
    Row,
    load_figures,
    per_million,
    show,
    times,
    totalled,
)
from bench.counting import UNIT_BYTES, item_bytes
from bench.handlers import calls, medians
from bench.testbed import BUCKET, FILES, ROOT, TABLE, Resources, key, running
from bench.worker import WARM_UP
from pipeline.extractor_watch import OUTCOMES
from pipeline.settings import Settings

FOUND = Path(__file__).parent / "results" / "extraction.json"
EXAMPLE = ROOT / "examples" / "extractors" / "csv_columns"
CSV = b"order_id,customer,amount,currency,placed_at\n" + b"".join(
    b"%06d,Acme Ltd,249.90,EUR,2026-03-02T09:14:00Z\n" % number for number in range(1_000)
)
LEVELS = {"INFO": "INFO", "WARNING": "WARN"}
# Wait for the first byte of `GetObject`: an assumption, as AWS gives no number.
GIVEN = replace(Assumptions(), s3_wait_ms=30.0)


def measure(resources: Resources, rounds: int = 5, records: int = 400) -> dict[str, Any]:
    """Measure both functions; times are the median over ``rounds`` processes."""
    for number in range(FILES):
        resources.cloud("s3").put_object(
            Bucket=BUCKET, Key=key(number), Body=CSV, ContentType="text/csv"
        )
    # The first function writes each row once.
    first = calls(resources, "this project", min(records, FILES), EXTRACTION="on")
    pending = _items(resources)
    events = _events(pending, WARM_UP + records)
    with tempfile.TemporaryDirectory() as name:
        handler = function(Path(name)), "extract_file"
        # The first fills the table's rows with results.
        of = medians([resources.measure(handler, events) for _ in range(rounds)])
        counted = resources.count(handler, events)
        logs = {
            level: runtime.log_bytes(resources, handler, events[:records], "JSON", as_lambda_says)
            for level, as_lambda_says in LEVELS.items()
        }
    return {
        "first": first,
        "bytes": len(CSV),
        "extractor": {
            **times(of),
            "api_calls": counted["GET"],
            "write_units": write_units(pending, _items(resources)) * counted["UpdateItem"],
            "log_bytes": logs,
            "metric_count": len(OUTCOMES) + 1,
        },
    }


def function(folder: Path) -> Path:
    """Lay out the function's code as `pipeline/package.py` does."""
    for part in ("handler", "extractor"):
        shutil.copytree(ROOT / part, folder, dirs_exist_ok=True)
    shutil.copytree(EXAMPLE, folder / "user")
    return folder


def write_units(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> int:
    """The write units of one result; AWS bills the larger of the row before and after it.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """
    if not all(row["extraction"] == {"S": "done"} for row in after):
        raise RuntimeError("each row must have a result, got one without")
    return math.ceil(max(map(item_bytes, before + after)) / UNIT_BYTES)


def _items(resources: Resources) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = resources.cloud("dynamodb").scan(TableName=TABLE)["Items"]
    return items


def _events(pending: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    records = [
        {"dynamodb": {"Keys": {"file_key": row["file_key"]}, "NewImage": row}} for row in pending
    ]
    return [{"Records": [records[number % len(records)]]} for number in range(count)]


def table(found: dict[str, Any]) -> list[Row]:
    """The table of a million files: without an extractor, with only the stream, with an extractor.

    The last row but one is the extractor's own part.
    """
    alone, now = load_figures()["this project"], found["first"]
    first = replace(
        alone,
        api_calls=now["calls"] - now["write_units"],
        write_units=now["write_units"],
    )
    extractor = Figures(**found["extractor"])

    def without(level: str, figures: Figures = alone) -> Parts:
        return per_million(figures, Assumptions(), Settings.memory_size, level)

    def second(level: str) -> Parts:
        return per_million(extractor, GIVEN, Settings.extractor_memory_size, level)

    def both(level: str) -> Parts:
        more = second(level)
        return {part: dollars + more[part] for part, dollars in without(level, first).items()}

    return [
        totalled({"a million files": name, "level": level}, of(level))
        for name, of, level in (
            ("without an extractor", without, "INFO"),
            ("with only `stream: true`", without, "INFO"),
            ("with an extractor", both, "INFO"),
            ("the extractor's part of that", second, "INFO"),
            ("with an extractor", both, "WARNING"),
        )
    ]


@click.command()
@click.option("--write", type=click.Path(path_type=Path, exists=True), help="Page to write to.")
def main(write: Path | None) -> None:
    """Measure an extraction, and price a million files."""
    with running() as resources:
        found = measure(resources)
    FOUND.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    show({"extraction": table(found)}, write)


if __name__ == "__main__":
    main()
