"""``get`` and ``list``: read rows."""

import csv
import json
import sys
import threading
from collections.abc import Iterator
from itertools import islice
from typing import Any, NoReturn

import click
from rich.table import Table
from rich.text import Text

from handler.attributes import ATTRIBUTES, COMPLETED, DELETED, EXTRACTION_ATTRIBUTES
from ops import rows
from ops.cli import FINDINGS, Moment, Past, console, of_a_stack, stack_of
from pipeline.outputs import DYNAMODB_TABLE_NAME

FORMULA_STARTS = tuple("=+-@\t\r\n\0＝＋－＠")  # noqa: RUF001 - full-width ones count too
SHOWN = ("file_key", "processing_status", "file_size", "content_type", "processed_at")


@click.command()
@of_a_stack
@click.argument("key")
def get(*, key: str, as_json: bool, **options: Any) -> NoReturn:
    """Show the row of one object KEY. Exit status 1 if there is none."""
    if not key:
        raise click.UsageError("KEY must not be empty")
    stack = stack_of(options, DYNAMODB_TABLE_NAME)
    row = rows.get(stack.dynamodb, stack.table, key)
    out = console(as_json=as_json)
    if as_json:
        click.echo(json.dumps(row))
    elif row is None:
        out.print(f"no row for {key!r}; `verify` says whether there should be one", markup=False)
    else:
        out.print(_grid(row))
    raise click.exceptions.Exit(0 if row else FINDINGS)


@click.command("list")
@of_a_stack
@click.option("--prefix", default="", help="Only keys with this prefix.")
@click.option(
    "--status", type=click.Choice([COMPLETED, DELETED]), help="Only rows with this status."
)
@click.option(
    "--since", type=Moment(), help="Only rows written since: ISO 8601, or 36h, 7d, 90m, 30s."
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Rows, at most; 0 for all.",
)
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="Print CSV with every attribute. A ' precedes text that would run as a formula.",
)
@click.option(
    "--extraction", is_flag=True, help="Also show an extractor's results; JSON always has them."
)
def list_rows(
    *,
    prefix: str,
    status: str | None,
    since: Past | None,
    limit: int,
    as_csv: bool,
    extraction: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """List rows, in no order.

    Reads the table until there are enough rows, because its only index is the key. With --json,
    prints one line for each row.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json must not be given together")
    stack = stack_of(options, DYNAMODB_TABLE_NAME)
    query = rows.only(
        {
            "begins_with(file_key, :prefix)": (":prefix", prefix),
            "processing_status = :status": (":status", status or ""),
            "processed_at >= :since": (":since", rows.written(since.time) if since else ""),
        }
    )
    pages = rows.pages(stack.dynamodb, stack.table, query, threading.Event())
    found = (row for page in pages for row in page)
    some = islice(found, limit or None)
    if as_csv:
        _print_csv(_noted(some, limit), extraction=extraction)
    elif as_json:
        for row in _noted(some, limit):
            click.echo(json.dumps(row))
    else:
        _print_table(some, limit, extraction=extraction)


def _noted(some: Iterator[rows.Row], limit: int) -> Iterator[rows.Row]:
    """Say on standard error that there may be more rows, for output that a program reads."""
    left = limit
    for row in some:
        left -= 1
        yield row
    if limit and not left:
        click.echo(f"--limit {limit} reached", err=True)


def _print_csv(some: Iterator[rows.Row], *, extraction: bool) -> None:
    names = [name for name in ATTRIBUTES if extraction or name not in EXTRACTION_ATTRIBUTES]
    # Quoted, so that no key is split where a spreadsheet has another separator than the comma.
    writer = csv.DictWriter(sys.stdout, names, extrasaction="ignore", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in some)


def _cell(value: Any) -> str | int:
    """Keep a spreadsheet from running a text as a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    text = _plain(value)
    return f"'{text}" if isinstance(text, str) and text[:1] in FORMULA_STARTS else text


def _print_table(some: Iterator[rows.Row], limit: int, *, extraction: bool) -> None:
    out = console(as_json=False)
    names = (*SHOWN, *EXTRACTION_ATTRIBUTES) if extraction else SHOWN
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in some:
        table.add_row(*(Text(_shown(row.get(name, ""))) for name in names))
    if table.row_count:
        out.print(table)
    more = f", --limit {limit} reached" if limit and table.row_count == limit else ""
    out.print(f"{table.row_count} row{'' if table.row_count == 1 else 's'}{more}")


def _grid(row: rows.Row) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name in (*ATTRIBUTES, *sorted(row.keys() - set(ATTRIBUTES))):
        if name in row:
            grid.add_row(name, Text(_shown(row[name])))
    return grid


def _shown(value: Any) -> str:
    """Show a value on a terminal, with special characters escaped."""
    text = _plain(value)
    return repr(text)[1:-1] if isinstance(text, str) else str(text)


def _plain(value: Any) -> str | int:
    """A text or a number as it is, anything else as JSON."""
    return value if isinstance(value, str | int) else json.dumps(value)
