"""Whatever happens meanwhile, each completed row ends with what is inside its version."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from local.cloud import Cloud
from support.extraction_histories import ExtractionHistories, Second
from support.extractor_env import extract_file, stream_of
from support.faults import FaultProxy
from support.handler_env import process_file
from support.histories import World, make_world, patient


@pytest.fixture(scope="module")
def world(cloud: Cloud, session_proxy: FaultProxy) -> Iterator[World]:
    with patient():
        yield make_world(cloud, process_file(session_proxy))


def test_every_history_ends_with_each_row_s_contents_extracted(
    world: World, cloud: Cloud, session_proxy: FaultProxy, pytestconfig: pytest.Config
) -> None:
    second = Second(extract_file(session_proxy), stream_of(cloud, world.table))
    run_state_machine_as_test(
        type("Histories", (ExtractionHistories,), {"world": world, "second": second}),
        settings=settings(
            max_examples=max(20, pytestconfig.getoption("--histories") // 5),
            stateful_step_count=20,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
            report_multiple_bugs=False,
        ),
    )
