"""``python -m generate`` writes the generated files; with ``--check`` it fails if one is stale."""

import sys
from collections.abc import Callable
from pathlib import Path

from generate import declarations, reference

ROOT = Path(__file__).resolve().parent.parent

FILES: dict[str, Callable[[str], str]] = {
    "Pulumi.yaml": declarations.project,
    "plugin/component.py": declarations.component,
    "plugin/schema.json": declarations.schema,
    "docs/reference.md": reference.page,
}
"""For each file a function from its old text to its new text. The schema needs the component."""


def main(*, check: bool) -> int:
    """Write the files, or name those that are stale.

    Returns:
        The exit status.
    """
    stale = 0
    for name, made in FILES.items():
        path = ROOT / name
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        new = made(old)
        if new == old:
            continue
        if check:
            print(f"{name} is stale; run `make generate`", file=sys.stderr)
            stale = 1
        else:
            path.write_text(new, encoding="utf-8")
            print(f"wrote {name}")
    return stale


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
