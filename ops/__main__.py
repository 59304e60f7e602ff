"""``python -m ops``: look after a deployed pipeline.

Exit status: 0 fine, 1 something was found that needs a person, 2 wrong usage.
"""

from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from ops.commands.backfill import backfill
from ops.commands.redrive import redrive
from ops.commands.rows import get, list_rows
from ops.commands.status import status
from ops.commands.verify import verify


class _Commands(click.Group):
    """Says in a line what AWS, or the way to it, refuses."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except NoRegionError as err:
            raise click.UsageError(
                "region must be known: give --region, or set AWS_REGION"
            ) from err
        except (ClientError, BotoCoreError) as err:
            raise click.ClickException(str(err)) from err


@click.group(cls=_Commands)
def main() -> None:
    """Look after a deployed pipeline."""


for command in (status, get, list_rows, redrive, backfill, verify):
    main.add_command(command)

if __name__ == "__main__":
    main()
