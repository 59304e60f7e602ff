"""Whatever happens meanwhile, each completed row ends with what is inside its version."""

import pytest

from local.cloud import Cloud
from support.extraction_histories import ExtractionHistories
from support.extractor_env import set_up
from support.faults import FaultProxy
from support.histories import check


def test_every_history_ends_with_each_row_s_contents_extracted(
    cloud: Cloud,
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    extracting = set_up(cloud, proxy, monkeypatch)
    examples = max(20, pytestconfig.getoption("--histories") // 5)
    check(
        ExtractionHistories,
        extracting.bench,
        monkeypatch,
        examples=examples,
        steps=20,
        extracting=extracting,
    )
