"""``python -m ops``: look after a deployed pipeline.

Exit status: 0 fine, 1 something was found that needs a person, 2 wrong usage.
"""

import click

from ops.commands.redrive import redrive


@click.group()
def main() -> None:
    """Look after a deployed pipeline."""


main.add_command(redrive)

if __name__ == "__main__":
    main()
