"""``events``: show whether the bucket sends its events to EventBridge, or turn that on."""

import json
from typing import Any, NoReturn

import click

from ops.cli import FINDINGS, console, of_a_stack, stack_of
from ops.event_bridge import Notifications, switch_on
from pipeline.outputs import S3_BUCKET_NAME


@click.command()
@of_a_stack
@click.option("--enable", is_flag=True, help="Turn EventBridge on, if it is off.")
@click.option("--dry-run", is_flag=True, help="Only show what --enable would do.")
def events(*, enable: bool, dry_run: bool, as_json: bool, **options: Any) -> NoReturn:
    """Show, or turn on, the bucket's events to EventBridge.

    A bucket has one notification configuration. --enable reads it, adds EventBridge, writes it
    and reads it again; existing targets stay. If somebody else changes it at the same time, the
    command stops with an error. No other command changes the bucket, and none turns EventBridge
    off. Exit status 1 if it is off.
    """
    stack = stack_of(options, S3_BUCKET_NAME)
    before = Notifications.read(stack.s3, stack.bucket)
    switch = enable and not before.on
    if switch and not dry_run:
        switch_on(stack.s3, stack.bucket, before)
    on = before.on or (switch and not dry_run)
    if as_json:
        facts = {"bucket": stack.bucket, "targets": before.targets, "on": on}
        click.echo(json.dumps(facts | {"switched": switch and not dry_run}))
    else:
        out = console(as_json=False)
        out.print(f"{stack.bucket}: {len(before.targets)} notified directly", markup=False)
        for target in before.targets:
            out.print(f"  {target}", markup=False, soft_wrap=True)
        out.print(f"EventBridge {_said(before, switch=switch, dry_run=dry_run)}")
    raise click.exceptions.Exit(0 if on else FINDINGS)


def _said(before: Notifications, *, switch: bool, dry_run: bool) -> str:
    if before.on:
        return "is on"
    if not switch:
        return "is off; --enable turns it on, and changes nothing else"
    if dry_run:
        return "is off; would be turned on, and nothing else changed"
    return "was off, and is now turned on; S3 needs about five minutes"
