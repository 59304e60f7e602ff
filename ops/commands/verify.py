"""``verify``: find where bucket and table disagree, and repair it."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from ops import verify as verifies
from ops.cli import (
    FINDINGS,
    console,
    of_a_stack,
    progress,
    rate_option,
    stack_of,
    stop_on_interrupt,
)
from ops.pace import Pace
from ops.recheck import Rechecks, RefusedError
from ops.scope import scope
from ops.spill import spill
from ops.verify import Finding
from pipeline.outputs import DYNAMODB_TABLE_NAME, LAMBDA_FUNCTION_NAME, S3_BUCKET_NAME


@dataclass
class Output:
    """Prints findings as they come, and a summary at the end."""

    out: Console
    as_json: bool
    counts: Counter[str] = field(default_factory=Counter)
    requested: int = 0
    ended: str = ""
    """Why it ended early; empty if it did not."""

    def each(self, findings: Iterator[Finding]) -> Iterator[str]:
        """Print each finding; yields its key."""
        for found in findings:
            self.counts[found.kind] += 1
            if self.as_json:
                line = {"key": found.key, "kind": found.kind, "detail": found.detail}
                click.echo(json.dumps(line))
            else:
                self.out.print(f"{found.kind:<8} {found.key!r}: {found.detail}", markup=False)
            yield found.key

    def waiting(self, count: int, seconds: float) -> None:
        """Say why the command waits."""
        until = datetime.now().astimezone() + timedelta(seconds=seconds)
        self.out.print(f"{count} to be read once more at {until:%H:%M:%S}, when --grace is over")

    def summary(self, compared: int, too_recent: int, unconfirmed: int) -> None:
        """Print the result."""
        if self.as_json:
            summary = {
                "compared": compared,
                "tooRecent": too_recent,
                "unconfirmed": unconfirmed,
                "findings": dict(self.counts),
                "requested": self.requested,
                "endedEarly": self.ended,
            }
            click.echo(json.dumps(summary))
            return
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.counts.items()))
        if not kinds:
            agree = "all others agree" if too_recent else "all agree"
            kinds = "none reported" if self.ended else agree
        if too_recent:
            kinds += f"; {too_recent} disagree, but changed within --grace seconds"
        self.out.print(f"{compared} keys compared: {kinds}")
        if unconfirmed:
            self.out.print(f"{unconfirmed} not reported: not read a second time")
        if self.requested:
            self.out.print(f"{self.requested} requested; run verify again in a minute")
        if self.ended:
            self.out.print(f"ended early: {self.ended}", markup=False)


@click.command()
@of_a_stack
@click.option("--prefix", default="", help="Only keys with this prefix.")
@click.option("--repair", is_flag=True, help="Have the function update the rows that disagree.")
@click.option(
    "--grace",
    type=click.IntRange(min=0),
    default=900,
    show_default=True,
    help="Seconds that a change may take to reach the table. Later changes are not judged, and a"
    " key whose time of change S3 does not keep is read again after that time.",
)
@rate_option(500, "Re-check requests")
def verify(
    *, prefix: str, repair: bool, grace: int, rate: float, as_json: bool, **options: Any
) -> NoReturn:
    """Compare every object with its row, and say where they disagree.

    Prints each finding as it is found: `missing` has no row, `gone` has a row but no object,
    `differs` has a row of another version, size or etag. Exit status 1 if there is any.

    S3 keeps no time of a permanent delete, of an undelete, or of the end of a multipart upload.
    Keys that disagree after one are reported last, if they still disagree after --grace seconds:
    with 900 this takes 15 minutes more.
    """
    stack = stack_of(options, S3_BUCKET_NAME, DYNAMODB_TABLE_NAME, LAMBDA_FUNCTION_NAME)
    out = console(as_json=as_json)
    output = Output(out, as_json)
    verifier = verifies.Verifier(
        stack.s3,
        stack.dynamodb,
        stack.bucket,
        stack.table,
        scope(stack),
        timedelta(seconds=grace),
    )
    with stop_on_interrupt() as stop, progress(out) as bar, spill() as kept:
        rechecks = Rechecks(
            stack.functions, stack.function, stack.bucket, verifies.EVENT_NAME, Pace(rate, stop)
        )
        since = datetime.now(UTC)
        try:
            about = stack.dynamodb.describe_table(TableName=stack.table)["Table"]["ItemCount"]
            read = verifier.read_table(kept, prefix, stop=stop, advance=bar("rows", about or None))
            walked = bar("keys", read or None)
            suspects = verifier.suspects(kept, prefix, since, stop=stop, advance=walked)
            found = verifier.confirmed(suspects, kept, stop=stop, waiting=output.waiting)
            keys = output.each(found)
            if repair:
                for number in rechecks.request(keys):
                    output.requested += number
            else:
                for _ in keys:
                    pass
        except (ClientError, BotoCoreError, RefusedError) as err:
            output.ended = str(err)
        output.ended = output.ended or ("interrupted" if stop.is_set() else "")
    output.summary(verifier.compared, verifier.too_recent, verifier.unconfirmed)
    raise click.exceptions.Exit(FINDINGS if output.counts or output.ended else 0)
