"""`python -m bench`: measure, compare with the references, and write JSON and tables."""

import argparse
import json
import platform
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore

from bench import handlers
from bench.report import GOALS, METRICS, cost_figures, markdown, verdicts
from bench.testbed import running

RESULTS = Path(__file__).resolve().parent / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all measurements; exit status 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=RESULTS / "latest.json", help="JSON file to write"
    )
    parser.add_argument(
        "--quick", action="store_true", help="measure once each: fast, but not reliable"
    )
    options = parser.parse_args(arguments)
    found = measure(quick=options.quick)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    table = markdown(found)
    options.output.with_suffix(".md").write_text(table, encoding="utf-8")
    print(table)
    missed = [goal for goal, met in verdicts(found).items() if not met]
    for goal in missed:
        print(f"missed: {GOALS[goal].text}", file=sys.stderr)
    return 1 if missed else 0


def measure(*, quick: bool) -> dict[str, Any]:
    """Measure every figure, by handler."""
    began = time.monotonic()
    rounds, records = (1, 100) if quick else (5, 400)
    with running() as resources:
        by_handler = handlers.measure(resources, rounds, records)
        for name in handlers.COMPARED:
            by_handler[name] |= {
                **handlers.hundred(resources, name),
                **handlers.log_bytes(resources, name, 20 if quick else 200),
                **handlers.calls(resources, name, 20),
            }
    return {
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "botocore": botocore.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "seconds": round(time.monotonic() - began),
        "handlers": by_handler,
        "cost": {name: cost_figures(by_handler[name], count) for name, count in METRICS.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
