"""What an extractor costs: `python -m bench.extraction` measures and prices a million files.

The function runs `examples/extractors/csv_columns` on a CSV of 50 KB, which is one `GetObject`.
"""

import json
import math
import shutil
import statistics
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bench import runtime
from bench.cost import (
    Assumptions,
    Figures,
    Parts,
    Prices,
    Row,
    load_figures,
    load_prices,
    per_million,
    show,
)
from bench.counting import UNIT_BYTES, counting, item_bytes
from bench.testbed import (
    BUCKET,
    FILES,
    HANDLERS,
    ROOT,
    TABLE,
    Resources,
    key,
    running,
    write_events,
)
from bench.worker import WARM_UP
from pipeline.extractor_watch import OUTCOMES
from pipeline.settings import Settings

FOUND = Path(__file__).parent / "results" / "extraction.json"
EXAMPLE = ROOT / "examples" / "extractors" / "csv_columns"
CSV = b"order_id,customer,amount,currency,placed_at\n" + b"".join(
    b"%06d,Acme Ltd,249.90,EUR,2026-03-02T09:14:00Z\n" % number for number in range(1_000)
)
LEVELS = {"INFO": "INFO", "WARNING": "WARN"}
# For the first byte of `GetObject`: a guess.
GIVEN = replace(Assumptions(), s3_wait_ms=30.0)


def measure(resources: Resources, rounds: int = 5, records: int = 400) -> dict[str, Any]:
    """Both functions' figures; times are the median of so many processes."""
    upload(resources)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = run_first(resources, folder, min(records, FILES))
        pending = _items(resources)
        code = function(folder / "function")
        # The first fills the table's rows with results.
        ran = [_worker(resources, code, folder, pending, records) for _ in range(rounds)]
        of = {figure: statistics.median(each[figure] for each in ran) for figure in ran[0]}
        calls = count_calls(resources, code, folder, pending, records)
        logs = {level: _logged(resources, code, pending, records, level) for level in LEVELS}
    return {
        "first": first,
        "bytes": len(CSV),
        "extractor": {
            "cpu_ms": of["warm_cpu_us"] / 1e3,
            "init_ms": of["import_ms"],
            "first_cpu_ms": of["cold_cpu_ms"] - of["import_cpu_ms"] - of["warm_cpu_us"] / 1e3,
            "api_calls": calls["GET"],
            "write_units": write_units(pending, _items(resources)) * calls["UpdateItem"],
            "log_bytes": logs,
            "metric_count": len(OUTCOMES) + 1,
        },
    }


def upload(resources: Resources) -> None:
    """Make each file a CSV."""
    for number in range(FILES):
        resources.cloud("s3").put_object(
            Bucket=BUCKET, Key=key(number), Body=CSV, ContentType="text/csv"
        )


def run_first(resources: Resources, folder: Path, files: int) -> dict[str, float]:
    """Have a stack's first function write so many rows; its calls and write units for each."""
    seen: Counter[str] = Counter()
    events = write_events(folder, resources.events(files))
    where, module = HANDLERS["this project"]
    with counting(resources.cloud.endpoint, seen) as endpoint:
        resources.run(
            "bench.worker", str(where), module, events, AWS_ENDPOINT_URL=endpoint, EXTRACTION="on"
        )
    units = seen.pop("write units")
    return {"calls": seen.total() / files, "write_units": units / files}


def function(folder: Path) -> Path:
    """Lay out the function's code as `pipeline/package.py` does."""
    for part in ("handler", "extractor"):
        shutil.copytree(ROOT / part, folder, dirs_exist_ok=True)
    shutil.copytree(EXAMPLE, folder / "user")
    return folder


def count_calls(
    resources: Resources,
    code: Path,
    folder: Path,
    pending: list[dict[str, Any]],
    records: int,
) -> dict[str, float]:
    """The second function's calls for a file, by name."""
    seen: Counter[str] = Counter()
    with counting(resources.cloud.endpoint, seen) as endpoint:
        _worker(resources, code, folder, pending, records, AWS_ENDPOINT_URL=endpoint)
    return {name: count / (WARM_UP + records) for name, count in seen.items()}


def write_units(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> int:
    """What one result takes: the larger of the row before and after it is billed.

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


def _worker(
    resources: Resources,
    code: Path,
    folder: Path,
    pending: list[dict[str, Any]],
    records: int,
    **more: str,
) -> dict[str, float]:
    events = write_events(folder, _events(pending, WARM_UP + records))
    found: dict[str, float] = json.loads(
        resources.run("bench.worker", str(code), "extract_file", events, **more)
    )
    return found


def _logged(
    resources: Resources, code: Path, pending: list[dict[str, Any]], records: int, level: str
) -> float:
    ran = runtime.run(
        code,
        "extract_file",
        _events(pending, records),
        resources.environment(),
        log_format="JSON",
        log_level=LEVELS[level],
    )
    return runtime.billed(ran.lines) / records


def table(found: dict[str, Any], prices: Prices) -> list[Row]:
    """A million files without an extractor, with the stream alone, and with an extractor."""
    alone, now = load_figures()["this project"], found["first"]
    first = replace(
        alone,
        api_calls=now["calls"] - now["write_units"],
        write_units=now["write_units"],
    )

    def priced(figures: Figures, given: Assumptions, memory: int, level: str) -> Parts:
        return per_million(figures, prices, given, memory, level)

    def without(level: str) -> Parts:
        return priced(alone, Assumptions(), Settings.memory_size, level)

    def second(level: str) -> Parts:
        of = Figures(**found["extractor"])
        return priced(of, GIVEN, Settings.extractor_memory_size, level)

    def both(level: str) -> Parts:
        more = second(level)
        writes = priced(first, Assumptions(), Settings.memory_size, level)
        return {part: writes[part] + more[part] for part in more}

    return [
        {
            "a million files": name,
            "level": level,
            **(parts := of(level)),
            "total": sum(parts.values()),
        }
        for name, of, level in (
            ("without an extractor", without, "INFO"),
            ("with `stream: true` alone", without, "INFO"),
            ("with an extractor", both, "INFO"),
            ("its own part of that", second, "INFO"),
            ("with an extractor", both, "WARNING"),
        )
    ]


@click.command()
@click.option("--write", type=click.Path(path_type=Path, exists=True), help="Put into a page.")
def main(write: Path | None) -> None:
    """Measure an extraction, and price a million."""
    with running() as resources:
        found = measure(resources)
    FOUND.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    show({"extraction": table(found, load_prices())}, write, as_json=False)


if __name__ == "__main__":
    main()
