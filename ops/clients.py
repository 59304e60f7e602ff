"""Makes boto3 sessions for the operator's tool and the audit."""

from contextlib import suppress
from datetime import datetime
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.utils import parse_timestamp

READS_AT_ONCE = 16
"""How many keys ``ops/verify.py`` reads again at once, each over its own connection."""
CLIENT_CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=READS_AT_ONCE,
)


def session(*, profile: str | None = None, region: str | None = None) -> Any:
    """Make a session whose clients have this configuration, and parse times fast.

    A bucket's listing spends most of its time in botocore's time parser, which guesses the format.
    Python itself parses ISO 8601, the format in S3's listings.

    Args:
        profile: AWS profile; else as the AWS CLI finds it.
        region: AWS region; else as boto3 finds it.
    """
    core = botocore.session.get_session()
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=parse_time)
    core.set_default_client_config(CLIENT_CONFIG)
    return boto3.Session(botocore_session=core, profile_name=profile, region_name=region)


def parse_time(value: Any) -> datetime:
    """Parse a time in an answer of AWS: ISO 8601, RFC 822, or seconds since 1970."""
    # Only ISO 8601 has a T at this position.
    if isinstance(value, str) and value[10:11] == "T":
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    parsed: datetime = parse_timestamp(value)
    return parsed
