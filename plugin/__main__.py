"""Starts the plugin as Pulumi does: ``python <this folder> <address of the engine>``."""

import sys
from pathlib import Path

# Pulumi fetches the whole repository, but puts only this folder on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi.provider import main

from plugin.provider import PipelineProvider

if __name__ == "__main__":
    main(PipelineProvider(), sys.argv[1:])
