"""The columns of a CSV file, and how many rows it has."""

import csv
import io
from collections.abc import Iterator, Mapping

from extraction import File, Value

MAX_LINE = 1024**2


def extract(file: File) -> Mapping[str, Value]:
    """Read a CSV of any size row by row; return nothing for other files."""
    if not file.key.lower().endswith(".csv"):
        return {}
    # Spreadsheets may write a byte order mark first.
    text = io.TextIOWrapper(file.open(), encoding="utf-8-sig", newline="")
    rows = (row for row in csv.reader(_lines(text), strict=True) if row)
    columns = next(rows, [])
    return {"columns": columns, "rows": sum(1 for _ in rows)}


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Read lines of limited length, because an endless one would fill the memory."""
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise ValueError(f"a line must have less than {MAX_LINE} characters, got more")
        yield line
