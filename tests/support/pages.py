"""Reads the tables of the documents."""

import re
from pathlib import Path

from support.recorder import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def table(first_heading: str, text: str = README) -> list[list[str]]:
    """Return the cells of the table whose first column has this heading."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {first_heading} |"):
            break
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    assert len(rows) > 1, f"no table that starts with {first_heading}"
    return rows[1:]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text).strip().lower().replace(" ", "-") for text in headings}
