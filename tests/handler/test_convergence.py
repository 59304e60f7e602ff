"""Whatever the order, number and overlap of deliveries, the table ends equal to the bucket."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from local.cloud import Cloud
from support.faults import FaultProxy
from support.handler_env import process_file
from support.histories import Histories, World, make_world, patient

PARTS = 2
pytestmark = pytest.mark.no_cover
SOURCES = ("notification", "eventbridge")


@pytest.fixture(scope="module")
def world(cloud: Cloud, session_proxy: FaultProxy) -> Iterator[World]:
    with patient():
        yield make_world(cloud, process_file(session_proxy))


@pytest.mark.parametrize("source", SOURCES)
def test_every_history_ends_with_table_and_bucket_equal(
    world: World, source: str, pytestconfig: pytest.Config
) -> None:
    run_state_machine_as_test(
        type("Histories", (Histories,), {"world": world, "source": source}),
        settings=settings(
            max_examples=pytestconfig.getoption("--histories") // len(SOURCES),
            stateful_step_count=12,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
            report_multiple_bugs=False,
        ),
    )
