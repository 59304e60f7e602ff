"""``redrive``: replay the failure queue."""

import json
from datetime import datetime
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.text import Text

from ops import redrive as redrives
from ops.cli import (
    FINDINGS,
    console,
    of_a_stack,
    progress,
    rate_option,
    stack_of,
    stop_on_interrupt,
)
from ops.failed_event import FailedEvent
from pipeline.outputs import FAILURE_QUEUE_URL, LAMBDA_FUNCTION_NAME

SHOWN_KEYS = 3


@click.command()
@of_a_stack
@click.option(
    "--dry-run", is_flag=True, help="Show the failed events, and leave them in the queue."
)
@rate_option(10, "Events", slowest=redrives.SLOWEST_RATE)
def redrive(*, dry_run: bool, rate: float, as_json: bool, **options: Any) -> NoReturn:
    """Send the failure queue's events to the function again.

    If the stack follows somebody else's bucket, also the events that EventBridge could not
    deliver. An event is deleted from its queue only after Lambda has accepted it. Messages that
    cannot be read stay, and are reported. Messages that arrive after the start are left for the
    next run. At the end the command counts the messages still in the queue, for up to a minute,
    because SQS counts approximately. Exit status 1 if there are any.
    """
    stack = stack_of(options, FAILURE_QUEUE_URL, *(() if dry_run else (LAMBDA_FUNCTION_NAME,)))
    urls = [stack.outputs[FAILURE_QUEUE_URL], stack.undelivered_queue]
    queues = [redrives.FailureQueue(stack.sqs, url) for url in urls if url]
    out = console(as_json=as_json)
    shown, report = 0, redrives.Report()
    with stop_on_interrupt() as stop, progress(out) as bar:
        until = max(queue.now() for queue in queues)
        advance = bar("failed events", sum(queue.count() for queue in queues))

        def done(failed: FailedEvent) -> None:
            nonlocal shown
            shown += 1
            advance(1)
            if as_json:
                click.echo(json.dumps(failed.described(until)))
            else:
                out.print(_line(failed, until), soft_wrap=True)

        for queue in queues:
            report += redrives.redrive(
                queue,
                stack.functions,
                None if dry_run else stack.function,
                rate=rate,
                until=until,
                stop=stop,
                done=done,
            )
    if as_json:
        click.echo(json.dumps(_summary(report)))
    else:
        did = f"{shown} shown" if dry_run else f"{report.redriven} redriven"
        _print_end(out, did, report)
        if report.redriven:
            out.print("events that fail again are back in about five minutes: run `status` then")
    left = 0 if dry_run else report.left
    found = left or report.unreadable or report.refused or report.interrupted
    raise click.exceptions.Exit(FINDINGS if found else 0)


def _summary(report: redrives.Report) -> dict[str, Any]:
    return {
        "redriven": report.redriven,
        "unreadable": report.unreadable,
        "stillInQueue": report.left,
        "refused": report.refused,
        "interrupted": report.interrupted,
    }


def _print_end(out: Console, did: str, report: redrives.Report) -> None:
    unreadable = f", {report.unreadable} cannot be read" if report.unreadable else ""
    out.print(f"{did}{unreadable}")
    if report.refused:
        out.print(Text(f"ended early: {report.refused}", style="red"))
    if report.interrupted:
        out.print("interrupted")
    out.print(f"{report.left} still in the queue")


def _line(failed: FailedEvent, now: datetime) -> Text:
    shown = ", ".join(map(repr, failed.keys[:SHOWN_KEYS]))
    more = len(failed.keys) - SHOWN_KEYS
    keys = f"{shown} and {more} more" if more > 0 else shown
    age = str(now - failed.sent).split(".")[0]
    return Text(f"{age}  {keys or 'no keys'}: {repr(failed.error)[1:-1]}")
