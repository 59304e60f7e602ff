"""The clients of S3 and DynamoDB, made lean: a container lives by them."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast

import botocore
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader
from botocore.utils import parse_timestamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

CONCURRENCY = 8

# One call at its slowest, to one address, is two attempts of 1 + 2 s and up to 1 s of back-off
# between them: 7 s. The look and the write that most records take need 14 s, within the
# function's least timeout, 15 s; what takes longer is ended by Lambda, and retried.
# https://docs.aws.amazon.com/boto3/latest/guide/retries.html
CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=CONCURRENCY,
    # Both spare work in each call: our parameters are few and made by us, and the agent's name
    # is else put together anew, twice a request.
    parameter_validation=False,
    user_agent=f"file-metadata-pipeline Botocore/{botocore.__version__}",
)


class _Models(Loader):
    """Finds the services' models without looking through those of all that AWS has."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002
        return ["dynamodb", "s3"]


def _time(text: str) -> datetime:
    """Read a time as S3 writes it, and any other as botocore does, which is slow."""
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return parse_timestamp(text)


def clients() -> "tuple[S3Client, DynamoDBClient]":
    """Make both clients.

    A session of their own starts sooner than boto3's, which brings along resources and transfers.
    """
    session = botocore.session.get_session()
    session.register_component("data_loader", _Models())
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_time)
    s3, dynamodb = (session.create_client(name, config=CONFIG) for name in ("s3", "dynamodb"))
    return cast("S3Client", s3), cast("DynamoDBClient", dynamodb)
