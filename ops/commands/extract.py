"""``extract``: have files extracted again."""

from pathlib import Path
from typing import Any, NoReturn

import click

from handler.attributes import DONE, FAILED, PENDING
from ops import extract as extracts
from ops.cli import (
    console,
    end,
    of_a_stack,
    progress,
    rate_option,
    resumable,
    stack_of,
    stop_on_interrupt,
)
from ops.pace import Pace
from ops.state import resume
from pipeline.outputs import DYNAMODB_TABLE_NAME, LAMBDA_FUNCTION_NAME

STATUSES = (PENDING, FAILED, DONE)
DEFAULT = f"{FAILED},{PENDING}"


def _statuses(_context: click.Context, _option: click.Parameter, value: str) -> list[str]:
    statuses = sorted(set(value.split(",")))
    if wrong := [status for status in statuses if status not in STATUSES]:
        raise click.BadParameter(f"must be some of {', '.join(STATUSES)}, got {wrong[0]!r}")
    return statuses


@click.command()
@of_a_stack
@click.option("--prefix", default="", help="Only keys with this prefix.")
@click.option(
    "--status",
    "statuses",
    default=DEFAULT,
    show_default=True,
    callback=_statuses,
    help=f"Only rows with one of these statuses ({', '.join(STATUSES)}), separated by commas.",
)
@click.option("--all", "everything", is_flag=True, help="Rows of every status.")
@rate_option(100, "Rows")
@resumable("extract-TABLE.json")
def extract(
    *,
    prefix: str,
    statuses: list[str],
    everything: bool,
    rate: float,
    state_file: Path | None,
    restart: bool,
    as_json: bool,
    **options: Any,
) -> NoReturn:
    """Have the extractor read failed and pending files again.

    Rows from before the extractor count as pending. Reads the whole table. After an interruption,
    run it again to continue.
    """
    given = click.get_current_context().get_parameter_source("statuses")
    if everything and given is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("--all and --status must not be given together")
    stack = stack_of(options, LAMBDA_FUNCTION_NAME, DYNAMODB_TABLE_NAME)
    wanted = sorted(STATUSES) if everything else statuses
    plan = extracts.Plan(table=stack.table, prefix=prefix, statuses=wanted)
    path = state_file or Path(f"extract-{plan.table}.json")
    state = extracts.State(plan=plan, start=extracts.check(stack.functions, stack.function))
    if not restart:
        state = resume(path, "extract", state)
    out = console(as_json=as_json)
    if state.resumed:
        out.print(f"continuing the run of {state.start}, {state.requested} rows requested")
    with stop_on_interrupt() as stop, progress(out) as bar:
        advance = bar("rows", None)
        advance(state.requested)
        report = extracts.extract(state, path, stack.dynamodb, Pace(rate, stop), advance)
    changed = f", {report.superseded} skipped: they changed" if report.superseded else ""
    text = f"{state.requested} rows requested{changed}"
    summary = {"requested": state.requested, "superseded": report.superseded}
    end(out, report, text, summary, as_json=as_json)
