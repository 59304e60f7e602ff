"""The audit's bench: what it measures is a whole audit, and the page has what it prints."""

import re

from bench.audit import CASES, case
from bench.cost import load_prices
from support.recorder import ROOT


def test_a_case_compares_every_key_and_prices_a_million() -> None:
    row = case(50, 2, 1500)
    assert row["CPU s"] > 0
    assert row["MB on disk"] > 0
    # Two versions a key: 2,000 listings of 1,000 versions.
    assert row["listing"] == load_prices()["s3_write"].of(2000)
    assert row["total"] == row["compute"] + row["listing"] + row["scan"]


def test_the_page_has_a_row_of_each_case() -> None:
    page = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    [table] = re.findall(r"<!-- audit -->\n(.*?)<!-- /audit -->", page, re.DOTALL)
    rows = [line.split(" | ") for line in table.splitlines()[2:]]
    shown = [(int(row[0].strip("| ").replace(",", "")), int(row[1])) for row in rows]
    assert shown == list(CASES)
