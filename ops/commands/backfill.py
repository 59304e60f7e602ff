"""``backfill``: announce the objects that were there before."""

import json
import threading
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import click

from ops import backfill as backfills
from ops.announce import Announcer
from ops.bucket import Scope
from ops.cli import (
    FINDINGS,
    Moment,
    console,
    of_a_stack,
    progress,
    stack_of,
    stop_on_interrupt,
)
from ops.pace import Pace


@click.command()
@of_a_stack
@click.option("--prefix", default="", help="Only keys that start so.")
@click.option("--since", type=Moment(), help="Only objects changed since: ISO 8601, or 36h, 7d.")
@click.option("--all", "everything", is_flag=True, help="Those that have a row, too.")
@click.option("--dry-run", is_flag=True, help="Count, and announce nothing.")
@click.option(
    "--rate",
    type=click.FloatRange(min=1),
    default=500,
    show_default=True,
    help="Objects a second, at most.",
)
@click.option(
    "--state",
    "state_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to keep how far it is; else backfill-BUCKET.json here.",
)
@click.option("--restart", is_flag=True, help="Begin anew, whatever was interrupted.")
def backfill(
    *,
    prefix: str,
    since: datetime | None,
    everything: bool,
    dry_run: bool,
    rate: float,
    state_file: Path | None,
    restart: bool,
    as_json: bool,
    **options: Any,
) -> NoReturn:
    """Announce the bucket's objects that have no row to the function.

    It never beats a live event. Interrupted, it goes on where it was when it is run again.
    """
    stack = stack_of(options)
    plan = backfills.Plan(
        bucket=stack.bucket,
        table=stack.table,
        prefix=prefix,
        since=since.isoformat() if since else None,
        everything=everything,
    )
    path = state_file or Path(f"backfill-{plan.bucket}.json")
    state = _state(path, plan, fresh=dry_run or restart)
    out = console(as_json=as_json)
    if state.after:
        out.print(f"going on after {state.after!r}, {state.listed} objects done", markup=False)
    with stop_on_interrupt() as stop, progress(out) as bar:
        report = backfills.backfill(
            state,
            path,
            stack.s3,
            stack.dynamodb,
            _announcer(stack, rate, stop),
            scope=Scope.of_function(stack.s3, plan.bucket, stack.function),
            dry_run=dry_run,
            advance=bar("objects", None),
        )
    if as_json:
        summary = {
            "listed": state.listed,
            "announced": state.announced,
            "dryRun": dry_run,
            "finished": report.finished,
            "refused": report.refused,
        }
        click.echo(json.dumps(summary))
    else:
        did = "to announce" if dry_run else "announced"
        out.print(f"{state.listed} objects listed, {state.announced} {did}")
        if not report.finished:
            why = report.refused or "interrupted"
            out.print(f"ended early: {why}; run it again to go on", markup=False)
    raise click.exceptions.Exit(0 if report.finished else FINDINGS)


def _state(path: Path, plan: backfills.Plan, *, fresh: bool) -> backfills.State:
    try:
        return backfills.State(plan=plan) if fresh else backfills.State.resume(path, plan)
    except backfills.StateError as err:
        raise click.UsageError(str(err)) from err


def _announcer(stack: Any, rate: float, stop: threading.Event) -> Announcer:
    return Announcer(
        stack.functions, stack.function, stack.bucket, backfills.EVENT_NAME, Pace(rate, stop)
    )
