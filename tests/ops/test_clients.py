"""The operator's tool's sessions: they read times as botocore does, and a listing's faster."""

from datetime import UTC
from typing import Any

import pytest
from botocore.utils import parse_timestamp

from ops.bucket import states
from ops.clients import READS_AT_ONCE, parse_time
from ops.stack import Stack
from support.synthetic import Synthetic, serving

TIMES = [
    "2026-01-02T03:04:05.000Z",
    "2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05.123456+00:00",
    "20260102T030405Z",
    "2026-01-02T03:04:05 GMT",
    "Fri, 02 Jan 2026 03:04:05 GMT",
    "1767323045",
    1767323045,
    1767323045.25,
]


@pytest.mark.parametrize("value", TIMES)
def test_every_form_of_a_time_is_read_as_botocore_reads_it(value: Any) -> None:
    assert parse_time(value) == parse_timestamp(value)


def test_what_is_no_time_is_refused_as_botocore_refuses_it() -> None:
    with pytest.raises(ValueError, match="midnight"):
        parse_time("2026-01-02Tmidnight")


def test_the_times_of_a_listing_are_read_by_python_itself() -> None:
    """Botocore's parser, most of the time of a walk through a bucket, gives another time zone."""
    with serving(Synthetic(1)) as synthetic:
        stack = Stack({}, "us-east-1", endpoint_url=synthetic.endpoint)
        [state] = states(stack.s3, "b", "")
    assert state.changed.tzinfo is UTC


def test_a_client_has_a_connection_for_each_reader_and_tries_again() -> None:
    config = Stack({}, "us-east-1").s3.meta.config
    assert config.max_pool_connections == READS_AT_ONCE
    assert config.retries == {"mode": "standard", "total_max_attempts": 5}
