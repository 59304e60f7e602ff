"""Declares a stack against nothing, in a process of its own: seconds and memory, as JSON."""

import json
import sys
import time
from typing import Any

BEGAN = time.perf_counter()

from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks  # noqa: E402

from bench.bed import ROOT  # noqa: E402
from bench.worker import peak_kilobytes  # noqa: E402
from local import engine  # noqa: E402


class _Nothing(Mocks):
    def __init__(self) -> None:
        self.resources = 0

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.resources += 1
        name = args.inputs.get("name", args.name)
        made = {"name": name, "arn": f"arn:aws:any:us-east-1:000000000000:{name}", "url": name}
        return name, {
            **{"bucket": name, "keyId": name, "bucketRegionalDomainName": name},
            **made,
            **args.inputs,
        }

    def call(self, _args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        answers = {"accountId": "000000000000", "region": "us-east-1", "id": "any"}
        return answers | {"partition": "aws", "dnsSuffix": "amazonaws.com"}, []


def main(stack: str) -> None:
    """Declare, and print."""
    nothing = _Nothing()
    engine.run(ROOT, stack, engine.stack_config(ROOT, stack), nothing)
    print(
        json.dumps(
            {
                "declare_s": time.perf_counter() - BEGAN,
                "declare_mb": peak_kilobytes() / 1024,
                "resources": nothing.resources,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
