"""``redrive``: replay the failure queue."""

import json
from datetime import UTC, datetime
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops import redrive as redrives
from ops.cli import FINDINGS, console, of_a_stack, progress, stack_of, stop_on_interrupt
from ops.parked import Parked

SHOWN_KEYS = 3


@click.command()
@of_a_stack
@click.option("--dry-run", is_flag=True, help="Show what is parked, and leave it there.")
@click.option(
    "--rate",
    type=click.FloatRange(min=redrives.SLOWEST_RATE),
    default=10,
    show_default=True,
    help="Events a second, at most.",
)
def redrive(*, dry_run: bool, rate: float, as_json: bool, **options: Any) -> NoReturn:
    """Send the failure queue's events to the function again.

    An event leaves the queue only once Lambda has accepted it. What cannot be read stays, and is
    reported; what is parked after the start is left for the next run.
    """
    stack = stack_of(options)
    queue = redrives.FailureQueue(stack.sqs, stack.output("FailureQueueUrl"))
    out = console(as_json=as_json)
    with stop_on_interrupt() as stop, progress(out) as bar:
        advance = bar("parked", queue.depth())
        if dry_run:
            parked = []
            for message in redrives.peek(queue, stop):
                parked.append(message)
                advance(1)
            report = redrives.Report(unreadable=[p for p in parked if p.payload is None])
        else:
            report = redrives.redrive(
                queue,
                stack.functions,
                stack.output("LambdaFunctionName"),
                rate=rate,
                stop=stop,
                advance=advance,
            )
            parked = [*report.redriven, *report.unreadable]
    _show(out, report, parked, dry_run=dry_run, as_json=as_json)
    found = report.unreadable or report.refused or report.interrupted
    raise click.exceptions.Exit(FINDINGS if found else 0)


def _show(
    out: Console,
    report: redrives.Report,
    parked: list[Parked],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    now = datetime.now(UTC)
    if as_json:
        summary = {
            "redriven": len(report.redriven),
            "unreadable": len(report.unreadable),
            "refused": report.refused,
            "interrupted": report.interrupted,
            "events": [message.described(now) for message in parked],
        }
        click.echo(json.dumps(summary))
        return
    if parked:
        out.print(_table(parked, now))
    did = f"{len(parked)} parked" if dry_run else f"{len(report.redriven)} redriven"
    left = f", {len(report.unreadable)} left that cannot be read" if report.unreadable else ""
    out.print(f"{did}{left}")
    if report.refused:
        out.print(Text(f"ended early: {report.refused}", style="red"))
    if report.interrupted:
        out.print("interrupted: what is not redriven is still in the queue")


def _table(parked: list[Parked], now: datetime) -> Table:
    table = Table("age", "keys", "error", box=None, pad_edge=False)
    for message in parked:
        shown = ", ".join(map(repr, message.keys[:SHOWN_KEYS]))
        more = len(message.keys) - SHOWN_KEYS
        keys = f"{shown} and {more} more" if more > 0 else shown
        age = str(now - message.sent).split(".")[0]
        table.add_row(age, Text(keys), Text(repr(message.error)[1:-1]))
    return table
