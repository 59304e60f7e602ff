"""``verify``: say where bucket and table disagree, and mend it."""

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
from ops.announce import Announcer, RefusedError
from ops.bucket import Scope
from ops.cli import FINDINGS, console, of_a_stack, progress, stack_of, stop_on_interrupt
from ops.pace import Pace
from ops.spill import spill
from ops.verify import Finding


@dataclass
class Telling:
    """Prints findings as they come, and a summary at the end."""

    out: Console
    as_json: bool
    counts: Counter[str] = field(default_factory=Counter)
    announced: int = 0
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
        """Say why nothing happens for a while."""
        until = datetime.now().astimezone() + timedelta(seconds=seconds)
        self.out.print(
            f"{count} without an object: read once more at {until:%H:%M:%S}, when --grace is over"
        )

    def summary(self, compared: int, too_recent: int, unconfirmed: int) -> None:
        """Print what all of it came to."""
        if self.as_json:
            summary = {
                "compared": compared,
                "tooRecent": too_recent,
                "unconfirmed": unconfirmed,
                "findings": dict(self.counts),
                "announced": self.announced,
                "endedEarly": self.ended,
            }
            click.echo(json.dumps(summary))
            return
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.counts.items()))
        if too_recent:
            kinds = kinds or "all others agree"
            kinds += f"; {too_recent} disagree, but changed within --grace seconds"
        self.out.print(f"{compared} keys compared: {kinds or 'all agree'}")
        if unconfirmed:
            self.out.print(f"{unconfirmed} without an object not reported: not read once more")
        if self.announced:
            self.out.print(f"{self.announced} announced; verify again once they are looked at")
        if self.ended:
            self.out.print(f"ended early: {self.ended}", markup=False)


@click.command()
@of_a_stack
@click.option("--prefix", default="", help="Only keys that start so.")
@click.option("--repair", is_flag=True, help="Announce what disagrees for another look.")
@click.option(
    "--grace",
    type=click.IntRange(min=0),
    default=900,
    show_default=True,
    help="Seconds that a change may take to reach the table: what changed later is not judged,"
    " and a row without an object is reported only if it has none so much later.",
)
@click.option(
    "--rate",
    type=click.FloatRange(min=1),
    default=500,
    show_default=True,
    help="Announcements a second, at most.",
)
def verify(
    *, prefix: str, repair: bool, grace: int, rate: float, as_json: bool, **options: Any
) -> NoReturn:
    """Compare every object with its row, and say where they disagree.

    Prints each finding as it is found: `missing` has no row, `gone` has a row but no object,
    `differs` has a row of another version, size or etag. Exit status 1 if there is any.

    S3 does not tell when an object was deleted for good. So `gone` comes last, after --grace
    seconds, if there still is no object: with 900 this takes 15 minutes more.
    """
    stack = stack_of(options)
    out = console(as_json=as_json)
    telling = Telling(out, as_json)
    verifier = verifies.Verifier(
        stack.s3,
        stack.dynamodb,
        stack.bucket,
        stack.table,
        Scope.of_function(stack.s3, stack.bucket, stack.function),
        timedelta(seconds=grace),
    )
    with stop_on_interrupt() as stop, progress(out) as bar, spill() as kept:
        announcer = Announcer(
            stack.functions, stack.function, stack.bucket, verifies.EVENT_NAME, Pace(rate, stop)
        )
        since = datetime.now(UTC)
        try:
            about = stack.dynamodb.describe_table(TableName=stack.table)["Table"]["ItemCount"]
            read = verifier.read_table(kept, prefix, stop=stop, advance=bar("rows", about or None))
            walked = bar("keys", read or None)
            suspects = verifier.suspects(kept, prefix, since, stop=stop, advance=walked)
            found = verifier.confirmed(suspects, kept, stop=stop, waiting=telling.waiting)
            keys = telling.each(found)
            if repair:
                for number in announcer.announce(keys):
                    telling.announced += number
            else:
                for _ in keys:
                    pass
        except (ClientError, BotoCoreError, RefusedError) as err:
            telling.ended = str(err)
        telling.ended = telling.ended or ("interrupted" if stop.is_set() else "")
    telling.summary(verifier.compared, verifier.too_recent, verifier.unconfirmed)
    raise click.exceptions.Exit(FINDINGS if telling.counts or telling.ended else 0)
