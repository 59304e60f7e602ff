"""``python -m ops``: operate a deployed pipeline.

Exit status: 0 success, 1 something needs attention, 2 wrong usage.
"""

from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from ops.commands.backfill import backfill
from ops.commands.events import events
from ops.commands.extract import extract
from ops.commands.redrive import redrive
from ops.commands.rows import get, list_rows
from ops.commands.status import status
from ops.commands.verify import verify


class _Commands(click.Group):
    """Prints errors of AWS and of the connection in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (ClientError, BotoCoreError) as err:
            raise click.ClickException(str(err)) from err


@click.group(cls=_Commands)
def main() -> None:
    """Operate a deployed pipeline."""


for command in (status, get, list_rows, redrive, backfill, verify, events, extract):
    main.add_command(command)

if __name__ == "__main__":
    main()
