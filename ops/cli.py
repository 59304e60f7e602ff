"""What the commands share: options of the stack, interruption, progress, exit status."""

import json
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import click
from botocore.utils import is_valid_endpoint_url
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from ops.stack import FLAGS, Stack, file_outputs, stack_outputs
from ops.state import Report

FINDINGS = 1
PLAIN_WIDTH = 240
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _url(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    with suppress(ValueError):
        if not value or (re.match("https?://", value) and is_valid_endpoint_url(value)):
            return value
    raise click.BadParameter(f"must be a URL with http:// or https://, got {value!r}")


def _in_a_folder(
    _context: click.Context, _option: click.Parameter, value: Path | None
) -> Path | None:
    if value and not value.parent.is_dir():
        raise click.BadParameter(f"must be in a folder that exists, got {str(value)!r}")
    return value


def of_a_stack(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name the pipeline; ``stack_of`` reads them."""
    options = (
        click.option("--stack", "stack_name", help="Pulumi stack whose outputs to read."),
        click.option(
            "--outputs",
            "outputs_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="File written by `pulumi stack output --json`.",
        ),
        *(
            click.option(flag, help=f"Instead of the output {name}.")
            for name, flag in FLAGS.items()
        ),
        click.option("--region", help="AWS region; else the stack's, or as the AWS CLI finds it."),
        click.option("--profile", help="AWS profile; else as the AWS CLI finds it."),
        click.option(
            "--endpoint-url",
            callback=_url,
            help="Endpoint in place of AWS's, such as an emulator's.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def rate_option(default: float, what: str, slowest: float = 1) -> Callable[..., Any]:
    """The option that limits how many of something a command does a second."""
    return click.option(
        "--rate",
        type=click.FloatRange(min=slowest),
        default=default,
        show_default=True,
        help=f"{what} a second, at most.",
    )


def resumable(file: str) -> Callable[..., Any]:
    """Add the options of a run that can continue after an interruption."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        state = click.option(
            "--state",
            "state_file",
            type=click.Path(dir_okay=False, path_type=Path),
            callback=_in_a_folder,
            help=f"File that keeps the progress; {file} by default.",
        )
        again = "Start again, without the saved progress."
        return state(click.option("--restart", is_flag=True, help=again)(command))

    return add


def end(
    out: Console, report: Report, text: str, summary: dict[str, Any], *, as_json: bool
) -> NoReturn:
    """Print what a run did, as text or JSON, and exit."""
    if as_json:
        ending = {"finished": report.finished, "refused": report.refused}
        click.echo(json.dumps(summary | ending))
    else:
        out.print(text)
        if not report.finished:
            why = report.refused or "interrupted"
            out.print(f"ended early: {why}; run it again to continue", markup=False)
    raise click.exceptions.Exit(0 if report.finished else FINDINGS)


def stack_of(options: dict[str, Any], *needed: str) -> Stack:
    """Make a stack from the options that name it, and remove these options.

    Args:
        options: all options of a command.
        needed: the outputs that it needs.

    Raises:
        click.UsageError: one of them, the region or the credentials are missing, or there is no
            such profile.
    """
    outputs: dict[str, str] = {}
    sources = []
    if name := options.pop("stack_name"):
        outputs |= stack_outputs(name)
        sources.append(f"stack {name!r}")
    if path := options.pop("outputs_file"):
        outputs |= file_outputs(path)
        sources.append(str(path))
    for output, flag in FLAGS.items():
        if value := options.pop(flag.removeprefix("--").replace("-", "_")):
            outputs[output] = value
    where = {name: options.pop(name) for name in ("region", "profile", "endpoint_url")}
    stack = Stack(outputs, **where, source=" and ".join(sources))
    stack.require(*needed)
    return stack


@dataclass(frozen=True)
class Past:
    """A time in the past."""

    text: str
    """As given, such as ``36h``."""
    time: datetime


class Moment(click.ParamType[Past]):
    """A time in the past: ISO 8601, by default in UTC, or how long ago, such as ``36h``."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Past:
        """Parse the option's value."""
        if isinstance(value, Past):
            return value
        try:
            if ago := re.fullmatch(r"([0-9]+)([smhd])", value):
                return Past(value, datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])}))
            time = datetime.fromisoformat(value)
            time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail(
                f"must be an ISO 8601 time, or a number of s, m, h or d ago, got {value!r}",
                param,
                ctx,
            )
        return Past(value, time)


def console(*, as_json: bool) -> Console:
    """Output for people: on standard error if standard output is JSON.

    Output to a file or another program is not cut to a terminal's width.
    """
    made = Console(stderr=as_json, highlight=False)
    return made if made.is_terminal else Console(stderr=as_json, highlight=False, width=PLAIN_WIDTH)


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """Make Ctrl-C stop the command after the current step; a second Ctrl-C ends it at once."""
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
def progress(out: Console) -> Iterator[Callable[[str, int | None], Callable[[int], None]]]:
    """Show progress bars with rate and time left, on a terminal only.

    Yields:
        A function that takes a name and a total (None if unknown) and returns a bar. A bar is a
        function to call with the number of steps since the last call.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=out, disable=not out.is_terminal) as bars:

        def bar(name: str, total: int | None) -> Callable[[int], None]:
            task = bars.add_task(name, total=total)
            return lambda done: bars.advance(task, done)

        yield bar
