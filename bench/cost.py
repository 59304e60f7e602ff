"""Prices a million objects, and an idle stack, by part.

`python -m bench.cost` prints the tables. `prices.toml` has the prices; `make bench` writes the
figures.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

FIGURES = Path(__file__).parent / "results" / "latest.json"
# Metrics that alarms watch; AWS bills each: https://aws.amazon.com/cloudwatch/pricing/
WATCHED, AUDITED = 11, 4
STACKS = (
    ("dev", WATCHED, 0, 0),
    ("prod", WATCHED + AUDITED, 1, 0),
    ("prod, a million rows", WATCHED + AUDITED, 1, 1_000_000),
)
MILLION, GB = 1_000_000, 2**30
FORM = {float: "${:.3f}", int: "{:,}"}
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
VCPU_MB = 1769
# Billed time is rounded up, by half on average: https://aws.amazon.com/lambda/pricing/
ROUNDING_MS = 0.5

Parts = dict[str, float]  # dollars
Row = dict[str, Any]  # cells by column

TABLE = tomllib.loads(Path(__file__).with_name("prices.toml").read_text(encoding="utf-8"))
PRICES = {name: entry["price"] / entry["per"] for name, entry in TABLE["price"].items()}
"""Dollars for one unit; `prices.toml` has the unit, the date and the source."""


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """Values that cannot be measured without AWS."""

    s3_wait_ms: float = 8.0  # for HeadObject on a warm connection; AWS gives no number
    dynamodb_wait_ms: float = 4.0
    """Wait for PutItem; AWS says single-digit milliseconds:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
    """
    cold_share: float = 0.01
    """Share of invocations that start a container; AWS says fewer:
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    """
    architecture: str = "arm64"
    millions_a_month: float = 10.0  # objects that share the monthly price of the metrics
    row_bytes: int = 700  # of a row in the table
    update_bytes: int = 500  # of a record in S3's journal table; AWS gives no number


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one record costs a handler, as measured; S3 sends one record in each event."""

    cpu_ms: float
    """CPU time of a warm record on one full vCPU."""
    init_ms: float
    """Start of a container; billed. Not scaled by memory, as AWS does not say what CPU it has."""
    first_cpu_ms: float = 0.0
    """CPU time of a container's first record, minus that of a warm one."""
    api_calls: float = 1.0
    """Calls of S3 at the price of HEAD; calls of DynamoDB are billed by unit."""
    write_units: float = 1.0
    log_bytes: Mapping[str, float]
    """Billed bytes by log level, with 26 bytes for each log event, and Lambda's own lines."""
    metric_count: int = 0  # custom metrics

    def __post_init__(self) -> None:
        """Check the log's levels."""
        if not {"INFO", "WARNING"} <= self.log_bytes.keys():
            raise ValueError(f"log_bytes must have INFO and WARNING, got {list(self.log_bytes)}")

    def billed_ms(self, memory: int, given: Assumptions) -> float:
        """Billed milliseconds of an average record, with its share of cold starts.

        Memory, in MB, gives a share of a vCPU, and a record uses one vCPU at most. Waits do not
        depend on memory.
        """
        cpu_ms = self.cpu_ms + given.cold_share * self.first_cpu_ms
        waits = given.s3_wait_ms + given.dynamodb_wait_ms + given.cold_share * self.init_ms
        return cpu_ms / min(1.0, memory / VCPU_MB) + waits + ROUNDING_MS

    def cold_ms(self, memory: int, given: Assumptions) -> float:
        """Milliseconds of a container's start and first record.

        One invocation in a hundred starts a container, so this is the 99th percentile.
        """
        waits = given.s3_wait_ms + given.dynamodb_wait_ms
        cpu_ms = self.cpu_ms + self.first_cpu_ms
        return self.init_ms + cpu_ms / min(1.0, memory / VCPU_MB) + waits


def load_figures(path: Path = FIGURES) -> dict[str, Figures]:
    """Read the object ``cost`` of a file, which has figures by handler."""
    if not path.exists():
        raise FileNotFoundError(f"no figures at {path}: `make bench` measures and writes them")
    try:
        handlers = json.loads(path.read_text(encoding="utf-8"))["cost"]
        return {name: Figures(**entry) for name, entry in handlers.items()}
    except (KeyError, TypeError, AttributeError) as err:
        raise ValueError(f"figures in {path} must be as `make bench` writes them: {err!r}") from err


def times(of: Mapping[str, float]) -> dict[str, float]:
    """Convert a worker's times to those of `Figures`."""
    return {
        "cpu_ms": of["warm_cpu_us"] / 1e3,
        "init_ms": of["import_ms"],
        "first_cpu_ms": of["cold_cpu_ms"] - of["import_cpu_ms"] - of["warm_cpu_us"] / 1e3,
    }


def per_million(figures: Figures, given: Assumptions, memory: int, level: str) -> Parts:
    """Dollars for a million records, by part, without the storage of the log."""
    gb_seconds = figures.billed_ms(memory, given) / 1000 * MILLION * memory / 1024
    return {
        "requests": PRICES["lambda_request"] * MILLION,
        "compute": PRICES[f"lambda_{given.architecture}"] * gb_seconds,
        "S3 calls": PRICES["s3_read"] * figures.api_calls * MILLION,
        "table": PRICES["dynamodb_write"] * figures.write_units * MILLION,
        "logs": PRICES["logs_ingested"] * figures.log_bytes[level] * MILLION / GB,
        "metrics": PRICES["metric"] * figures.metric_count / given.millions_a_month,
    }


def idle_month(
    given: Assumptions,
    *,
    alarm_metrics: int = WATCHED,
    keys: int = 0,
    rows: int = 0,
) -> Parts:
    """Dollars a month for an idle stack, by part, without the storage of the bucket."""
    gigabytes = rows * given.row_bytes / GB
    return {
        "alarms": PRICES["alarm"] * alarm_metrics,
        "dashboard": PRICES["dashboard"],
        "key": PRICES["kms_key"] * keys,
        "table": PRICES["dynamodb_storage"] * gigabytes,
        "recovery": PRICES["dynamodb_recovery"] * gigabytes,
    }


def watching(figures: Figures, given: Assumptions) -> Parts:
    """Dollars a month for the monitoring at log level WARNING, by part."""
    parts = per_million(figures, given, 128, "WARNING")
    return {
        "tally lines": parts["logs"] * given.millions_a_month,
        "metrics": parts["metrics"] * given.millions_a_month,
        "alarms": idle_month(given)["alarms"],
    }


def tables(
    handlers: Mapping[str, Figures], given: Assumptions, memory: Sequence[int]
) -> dict[str, list[Row]]:
    """The table of an idle month; with figures also those of a million objects and monitoring."""
    idle = [
        totalled(
            {"idle month": name},
            idle_month(given, alarm_metrics=watched, keys=keys, rows=rows),
        )
        for name, watched, keys, rows in STACKS
    ]
    if not handlers:
        return {"idle": idle}
    objects = [
        totalled(
            {"a million objects": name, "level": level, "MB": size}
            | {
                "billed ms": round(figures.billed_ms(size, given)),
                "cold ms": round(figures.cold_ms(size, given)),
            },
            per_million(figures, given, size, level),
        )
        for name, figures in handlers.items()
        for level in figures.log_bytes
        for size in memory
    ]
    # In a journal table, without queries.
    updates = PRICES["s3_metadata_update"] * MILLION
    stored = PRICES["s3_table_storage"] * MILLION * given.update_bytes / GB
    objects.append({"a million objects": "S3 Metadata tables", "total": updates + stored})
    watched = [
        totalled(
            {f"{given.millions_a_month:g} million objects a month": name},
            watching(figures, given),
        )
        for name, figures in handlers.items()
        if figures.metric_count
    ]
    return {"idle": idle, "cost": objects, "watching": watched}


def totalled(head: Row, parts: Parts) -> Row:
    """A table's row: some cells, the cost of each part, and the sum."""
    return {**head, **parts, "total": sum(parts.values())}


def markdown(rows: Sequence[Row]) -> str:
    """A table with the first row's columns; numbers with a fraction are dollars."""
    head = list(rows[0]) if rows else ["-"]
    shown = [[FORM.get(type(c := row.get(n, "-")), "{}").format(c) for n in head] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *shown])


def replaced(page: str, name: str, block: str) -> str:
    """Replace the text between the comments ``<!-- name -->`` and ``<!-- /name -->`` of a page."""
    pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    new, found = re.subn(pattern, lambda m: f"{m[1]}{block}\n{m[2]}", page, flags=re.DOTALL)
    if found != 1:
        raise ValueError(f"the page must have <!-- {name} --> once, got {found}")
    return new


def show(made: Mapping[str, Sequence[Row]], page: Path | None, as_json: bool = False) -> None:
    """Print tables, or write each into a page, between the comments with its name."""
    if page is None:
        text = "\n\n".join(markdown(rows) for rows in made.values())
        click.echo(json.dumps(made, indent=1) if as_json else text)
        return
    text = page.read_text(encoding="utf-8")
    for name, rows in made.items():
        text = replaced(text, name, markdown(rows))
    page.write_text(text, encoding="utf-8")


@click.command()
@click.option(
    "--figures", type=click.Path(path_type=Path), default=FIGURES, help="Measured figures."
)
@click.option("--memory", default="128,256,512", help="Sizes in MB.")
@click.option("--idle", is_flag=True, help="Only the idle month, which needs no figures.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.option("--write", type=click.Path(path_type=Path, exists=True), help="Page to write to.")
def main(figures: Path, memory: str, idle: bool, as_json: bool, write: Path | None) -> None:
    """Price a million objects, by part."""
    try:
        handlers, sizes = {} if idle else load_figures(figures), map(int, memory.split(","))
        show(tables(handlers, Assumptions(), tuple(sizes)), write, as_json)
    except (ValueError, FileNotFoundError) as err:
        raise click.ClickException(str(err)) from err


if __name__ == "__main__":
    main()
