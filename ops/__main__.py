"""``python -m ops``: look after a deployed pipeline.

Exit status: 0 fine, 1 something was found that needs a person, 2 wrong usage.
"""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from ops import redrive as redrives
from ops.parked import Parked
from ops.stack import Stack, file_outputs, stack_outputs

FINDINGS = 1
SHOWN_KEYS = 3


@click.group()
def main() -> None:
    """Look after a deployed pipeline."""


def of_a_stack(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which pipeline, and make the command's ``stack`` of them."""
    options = (
        click.option("--stack", "stack_name", help="Pulumi stack whose outputs to read."),
        click.option(
            "--outputs",
            "outputs_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="File written by `pulumi stack output --json`.",
        ),
        click.option("--function", help="Function name, instead of the stack's output."),
        click.option("--queue-url", help="Failure queue, instead of the stack's output."),
        click.option("--region", help="AWS region; else as the AWS CLI finds it."),
        click.option("--profile", help="AWS profile; else as the AWS CLI finds it."),
        click.option("--endpoint-url", help="Another endpoint than AWS's, such as an emulator's."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _stack(options: dict[str, Any]) -> Stack:
    outputs: dict[str, str] = {}
    if options["stack_name"]:
        outputs |= stack_outputs(options["stack_name"])
    if options["outputs_file"]:
        outputs |= file_outputs(options["outputs_file"])
    flags = {"LambdaFunctionName": options["function"], "FailureQueueUrl": options["queue_url"]}
    outputs |= {name: value for name, value in flags.items() if value}
    return Stack(outputs, options["region"], options["profile"], options["endpoint_url"])


@main.command()
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
    stack = _stack(options)
    queue = redrives.FailureQueue(stack.sqs, stack.output("FailureQueueUrl"))
    out = Console(stderr=as_json, highlight=False)
    with stop_on_interrupt() as stop, bar(out, "parked", queue.depth()) as advance:
        if dry_run:
            parked = []
            for message in redrives.peek(queue, stop):
                parked.append(message)
                advance(message)
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


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """Turn Ctrl-C into a request to stop after the step at hand; a second one ends at once."""
    stop = threading.Event()

    def request(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, previous)

    previous = signal.signal(signal.SIGINT, request)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)


@contextmanager
def bar(out: Console, name: str, total: int) -> Iterator[Callable[[Parked], None]]:
    """Show a progress bar, on a terminal only."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=out, disable=not out.is_terminal) as bars:
        task = bars.add_task(name, total=total)
        yield lambda _: bars.advance(task)


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


if __name__ == "__main__":
    main()
