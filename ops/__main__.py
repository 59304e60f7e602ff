"""``python -m ops``: look after a deployed pipeline.

Exit status: 0 fine, 1 something was found that needs a person, 2 wrong usage.
"""

import click

from ops.commands.backfill import backfill
from ops.commands.redrive import redrive
from ops.commands.rows import get, list_rows
from ops.commands.status import status
from ops.commands.verify import verify


@click.group()
def main() -> None:
    """Look after a deployed pipeline."""


for command in (status, get, list_rows, redrive, backfill, verify):
    main.add_command(command)

if __name__ == "__main__":
    main()
