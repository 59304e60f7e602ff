"""``status``: the state of the pipeline."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import click
from rich.table import Table
from rich.text import Text

from ops import status as statuses
from ops.cli import FINDINGS, console, of_a_stack, stack_of
from ops.last_audit import DAYS
from ops.stack import FLAGS


@click.command()
@of_a_stack
@click.option("--exact", is_flag=True, help="Count every row, not only a sample.")
def status(*, exact: bool, as_json: bool, **options: Any) -> NoReturn:
    """Show function, errors, queue, rows, last audit and alarms.

    If the stack follows somebody else's bucket, also whether its events arrive.

    Exit status 1 if one of them needs attention, or could not be read.
    """
    stack = stack_of(options, *FLAGS)
    parts = statuses.of(stack, datetime.now(UTC), exact=exact)
    if as_json:
        facts = {name: part.facts | {"problem": part.problem} for name, part in parts.items()}
        click.echo(json.dumps(facts))
    else:
        grid = Table.grid(padding=(0, 2))
        for name, part in parts.items():
            lines = list(SHOWN[name](part.facts)) if part.facts else []
            for number, line in enumerate(lines or [""]):
                grid.add_row("" if number else name, Text(line))
            if part.problem:
                grid.add_row("", Text(part.problem, style="red"))
        console(as_json=False).print(grid)
    raise click.exceptions.Exit(FINDINGS if any(p.problem for p in parts.values()) else 0)


def _function(facts: dict[str, Any]) -> Iterator[str]:
    yield f"{facts['name']}: {facts['state']}, last update {facts['lastUpdate']}"
    yield f"changed {facts['modified']}"


def _errors(facts: dict[str, Any]) -> Iterator[str]:
    yield f"{facts['lastHour']} in the last hour"
    for error in facts["newest"]:
        yield f"{error['time']} {error['key']!r}: {error['error']!r:.200}"


def _queue(facts: dict[str, Any]) -> Iterator[str]:
    oldest = facts["oldestSeconds"]
    age = f", oldest {timedelta(seconds=oldest)}" if oldest is not None else ""
    yield f"{facts['depth']} failed{age}" if facts["depth"] else "empty"


def _rows(facts: dict[str, Any]) -> Iterator[str]:
    counts = ", ".join(f"{number:,} {name}" for name, number in facts["counts"].items())
    if facts["exact"]:
        yield f"{counts or 'none'} (exact)"
    else:
        yield f"{counts} (sampled: {facts['read']:,} of about {facts['about']:,})"
    if facts["lagMedianMs"] is not None:
        lag = f"median {facts['lagMedianMs']:,} ms, most {facts['lagMostMs']:,} ms"
        yield f"newest {facts['newest']}; lag of the newest read: {lag}"
    if extraction := facts["extraction"]:
        counts = ", ".join(f"{number:,} {name}" for name, number in extraction["counts"].items())
        oldest = extraction["oldestPending"]
        yield f"extraction: {counts}" + (f"; oldest pending since {oldest}" if oldest else "")


def _audit(facts: dict[str, Any]) -> Iterator[str]:
    if not facts["on"]:
        yield "off"
    elif facts["last"] is None:
        yield f"none in the last {DAYS} days"
    else:
        end = "" if facts["complete"] else ", incomplete"
        yield f"{facts['disagree']:,} of {facts['compared']:,} disagree{end}, {facts['last']}"


def _alarms(facts: dict[str, Any]) -> Iterator[str]:
    yield f"{facts['total']} watched, {len(facts['inAlarm'])} in alarm"
    for alarm in facts["inAlarm"]:
        yield f"{alarm['name']} since {alarm['since']}: {alarm['description']}"


def _events(facts: dict[str, Any]) -> Iterator[str]:
    yield f"EventBridge {'on' if facts['on'] else 'off'}, {facts['undelivered']} undelivered"


SHOWN = {
    "function": _function,
    "errors": _errors,
    "queue": _queue,
    "rows": _rows,
    "audit": _audit,
    "alarms": _alarms,
    "events": _events,
}
