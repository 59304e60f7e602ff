"""Whatever the order, number and overlap of deliveries, the table ends equal to the bucket."""

import pytest

from support.handler_env import Bench
from support.histories import Histories, check

pytestmark = pytest.mark.no_cover
SOURCES = ("notification", "eventbridge")


@pytest.mark.parametrize("source", SOURCES)
def test_every_history_ends_with_table_and_bucket_equal(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config, source: str
) -> None:
    examples = pytestconfig.getoption("--histories") // len(SOURCES)
    check(Histories, bench, monkeypatch, examples=examples, steps=12, source=source)
