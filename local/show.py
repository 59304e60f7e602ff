"""The demo's output: stages with their seconds, progress, and the rows as a table."""

import io
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from handler.attributes import COMPLETED, DELETED
from local.printable import printable

PLAIN_WIDTH = 120
CELL_WIDTH = 14
STATUS_STYLES = {COMPLETED: "green", DELETED: "yellow"}


def console(*, picture: bool = False) -> Console:
    """Make the console: colours and progress bars on a terminal, plain text elsewhere.

    For a picture the console records its output in colours, without progress bars.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The rows' marks are not in every terminal's encoding.
        sys.stdout.reconfigure(errors="backslashreplace")
    if picture:
        return Console(highlight=False, width=PLAIN_WIDTH, record=True, force_terminal=True)
    made = Console(highlight=False)
    if not made.is_terminal:
        made = Console(highlight=False, width=PLAIN_WIDTH, no_color=True)
    return made


@contextmanager
def stage(out: Console, name: str) -> Iterator[None]:
    """Print a stage's name and, once it is done, the seconds that it took."""
    started = time.monotonic()
    yield
    out.print(f"[bold]{name:<44}[/] {time.monotonic() - started:6.2f} s")


def progress(out: Console) -> Progress:
    """Make progress bars, which show on a terminal only."""
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn())
    return Progress(
        *columns, TimeElapsedColumn(), console=out, disable=not out.is_terminal or out.record
    )


def rows_table(rows: Sequence[dict[str, Any]], *, extracted: bool = False) -> Table:
    """Make a table of the rows, if ``extracted`` with the extractor's results."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("file_key", overflow="fold", ratio=1)
    table.add_column("processing_status", no_wrap=True)
    table.add_column("file_size", justify="right", no_wrap=True)
    table.add_column("content_type", no_wrap=True)
    table.add_column("checksum", no_wrap=True)
    table.add_column("lag", justify="right", no_wrap=True)
    if extracted:
        table.add_column("extracted", overflow="fold", ratio=2)
    for row in rows:
        status = row["processing_status"]
        deleted = "file_size" not in row
        table.add_row(
            Text(printable(row["file_key"])),
            Text(status, style=STATUS_STYLES.get(status, "red")),
            "" if deleted else decimal(int(row["file_size"])),
            Text(printable(row.get("content_type", ""))),
            Text(_cut(row.get("checksum", ""))),
            f"{_lag(row) // timedelta(milliseconds=1)} ms",
            *([Text(printable(_extracted(row)))] if extracted else []),
        )
    return table


def _extracted(row: dict[str, Any]) -> str:
    if "extraction_error" in row:
        return f"{row['extraction']}: {row['extraction_error']}"
    found = row.get("extracted")
    return json.dumps(found, default=_number) if found is not None else row.get("extraction", "")


def _number(value: Decimal) -> int | float:
    return int(value) if value == int(value) else float(value)


def _cut(text: str) -> str:
    return text if len(text) <= CELL_WIDTH else f"{text[: CELL_WIDTH - 1]}\N{HORIZONTAL ELLIPSIS}"


def _lag(row: dict[str, Any]) -> timedelta:
    processed = datetime.fromisoformat(row["processed_at"])
    return processed - datetime.fromisoformat(row["event_time"])
