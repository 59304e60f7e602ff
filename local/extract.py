"""``python -m local.extract FOLDER FILE``: run an extractor on a local file."""

import argparse
import json
import mimetypes
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# The function's modules are not a package; in Lambda their folder is on the path.
sys.path.append(str(Path(__file__).resolve().parents[1] / "extractor"))

from extraction import File
from local.printable import printable
from user_code import Failure, load, run

FAILED, BAD_USAGE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Extract a local file as the function would extract an object.

    Returns:
        0 if the result was printed as JSON; 1 if the row would be ``failed``; 2 if the folder or
        the file is missing.
    """
    parser = argparse.ArgumentParser(
        prog="python -m local.extract",
        description="Run an extractor on a local file, and print its result.",
    )
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="the extractor's folder, with extract.py"
    )
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="the file; its name becomes the object's key"
    )
    options = parser.parse_args(arguments)
    if missing := _missing(options.folder, options.file):
        print(f"extract: {missing}", file=sys.stderr)
        return BAD_USAGE
    result = run(load(options.folder.resolve()), _file(options.file))
    if isinstance(result, Failure):
        for line in f"{result.trace}failed: {result.error}".split("\n"):
            print(printable(line), file=sys.stderr)
        return FAILED
    for line in json.dumps(_plain({"M": result}), indent=2, ensure_ascii=False).split("\n"):
        # JSON escapes control characters, so the output is safe for terminals and machines.
        print("".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line))
    return 0


def _missing(folder: Path, file: Path) -> str | None:
    if not folder.is_dir():
        return f"no such folder: {str(folder)!r}"
    if not (folder / "extract.py").is_file():
        return f"missing extract.py in {str(folder)!r}; write one with a function extract(file)"
    return None if file.is_file() else f"no such file: {str(file)!r}"


def _file(path: Path) -> File:
    whole = path.resolve()  # the extractor may change the working directory

    def read(start: int, length: int) -> bytes:
        with whole.open("rb") as opened:
            opened.seek(start)
            return opened.read(length)

    return File(
        key=path.as_posix(),
        size=path.stat().st_size,
        content_type=mimetypes.guess_type(path.name)[0] or "binary/octet-stream",
        metadata={},
        version=None,
        read=read,
    )


def _plain(typed: dict[str, Any]) -> Any:
    """Convert a typed value to a plain one."""
    [(kind, value)] = typed.items()
    if kind == "M":
        return {name: _plain(member) for name, member in value.items()}
    if kind == "L":
        return [_plain(element) for element in value]
    if kind == "N":
        return int(value) if value.lstrip("-").isdigit() else float(value)
    return None if kind == "NULL" else value


if __name__ == "__main__":
    sys.exit(main())
