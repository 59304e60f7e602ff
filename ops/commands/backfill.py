"""``backfill``: make rows for objects from before the pipeline."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click
from botocore.exceptions import BotoCoreError, ClientError

from ops import backfill as backfills
from ops import batch_job as batch_jobs
from ops.bucket import about_how_many
from ops.cli import (
    Moment,
    Past,
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
from ops.recheck import Rechecks
from ops.scope import scope
from ops.stack import Stack
from ops.state import resume
from pipeline.outputs import (
    BATCH_OPERATIONS_ROLE_ARN,
    DYNAMODB_TABLE_NAME,
    LAMBDA_FUNCTION_NAME,
    S3_BUCKET_NAME,
)


@click.command()
@of_a_stack
@click.option("--prefix", default="", help="Only keys with this prefix.")
@click.option(
    "--since", type=Moment(), help="Only objects changed since then: ISO 8601, or 36h, 7d."
)
@click.option("--all", "everything", is_flag=True, help="Also objects that have a row.")
@click.option("--dry-run", is_flag=True, help="Count only.")
@rate_option(500, "Objects")
@resumable("backfill-BUCKET.json")
@click.option(
    "--batch-job",
    is_flag=True,
    help="Run as an S3 Batch Operations job, for more than some ten million objects.",
)
@click.option("--batch-role", help="The job's role, instead of the stack's output.")
def backfill(
    *,
    prefix: str,
    since: Past | None,
    everything: bool,
    dry_run: bool,
    rate: float,
    state_file: Path | None,
    restart: bool,
    batch_job: bool,
    batch_role: str | None,
    as_json: bool,
    **options: Any,
) -> NoReturn:
    """Have the function make rows for the objects that have none.

    A newer notification always wins. After an interruption, run it again to continue.
    """
    needed = (S3_BUCKET_NAME, LAMBDA_FUNCTION_NAME)
    if batch_job:
        stack = stack_of(options, *needed)
        _refuse_options_without_job()
        _submit(stack, batch_role, prefix, since.time if since else None, as_json=as_json)
    stack = stack_of(options, *needed, DYNAMODB_TABLE_NAME)
    plan = backfills.Plan(
        bucket=stack.bucket,
        table=stack.table,
        prefix=prefix,
        since=since.text if since else None,
        since_time=since.time.isoformat() if since else None,
        everything=everything,
    )
    path = state_file or Path(f"backfill-{plan.bucket}.json")
    state = backfills.State(plan=plan)
    if not (dry_run or restart):
        state = resume(path, "backfill", state, may_differ=("since_time",))
    out = console(as_json=as_json)
    if state.resumed:
        going_on = f"continuing after {state.after!r}, {state.listed} objects done"
        if since_time := state.plan.since_time:
            going_on += f"; only objects changed since {since_time}, as in the first run"
        out.print(going_on, markup=False)
    about = None if prefix else about_how_many(stack.cloudwatch, plan.bucket, datetime.now(UTC))
    with stop_on_interrupt() as stop, progress(out) as bar:
        advance = bar("objects", about)
        advance(state.listed)
        pace = Pace(rate, stop)
        report = backfills.backfill(
            state,
            path,
            stack.s3,
            stack.dynamodb,
            Rechecks(stack.functions, stack.function, stack.bucket, backfills.EVENT_NAME, pace),
            scope=scope(stack),
            dry_run=dry_run,
            advance=advance,
        )
    did = "to request" if dry_run else "requested"
    text = f"{state.listed} objects listed, {state.requested} {did}"
    summary = {"listed": state.listed, "requested": state.requested, "dryRun": dry_run}
    end(out, report, text, summary, as_json=as_json)


def _refuse_options_without_job() -> None:
    """Refuse options that a job would ignore."""
    context = click.get_current_context()
    for name, option in (
        ("dry_run", "--dry-run"),
        ("everything", "--all"),
        ("rate", "--rate"),
        ("state_file", "--state"),
        ("restart", "--restart"),
    ):
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            raise click.UsageError(f"{option} must not be given with --batch-job")


def _submit(
    stack: Stack, role: str | None, prefix: str, since: datetime | None, *, as_json: bool
) -> NoReturn:
    role_arn = role or stack.outputs.get(BATCH_OPERATIONS_ROLE_ARN)
    if not role_arn:
        raise click.UsageError(
            f"missing {BATCH_OPERATIONS_ROLE_ARN}; set batchOperations to true and run"
            " `pulumi up`, or pass --batch-role"
        )
    try:
        account, job = batch_jobs.submit(
            stack.s3control,
            stack.functions,
            bucket=stack.bucket,
            function=stack.function,
            role_arn=role_arn,
            prefix=prefix,
            since=since,
            scope=scope(stack),
        )
    except (ClientError, BotoCoreError) as err:
        raise click.ClickException(f"no job was made: {err}") from err
    except ValueError as err:
        raise click.UsageError(f"--{err}") from err
    if as_json:
        click.echo(json.dumps({"accountId": account, "jobId": job}))
    else:
        out = console(as_json=False)
        out.print(f"job {job} submitted; to see its progress:", soft_wrap=True)
        out.print(
            f"aws s3control describe-job --account-id {account} --job-id {job}", soft_wrap=True
        )
    raise click.exceptions.Exit(0)
