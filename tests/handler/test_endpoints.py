"""Endpoints are those of botocore's rules, for what is known; all else is an error."""

import itertools

import botocore.session
import pytest
from botocore.config import Config

import endpoints

REGIONS = ["us-east-1", "eu-central-1", "ap-southeast-2", "cn-north-1", "us-gov-west-1"]
FLAGS = list(itertools.product([False, True], repeat=2))
CALLS = {
    "s3": ("HeadObject", lambda client, name: client.head_object(Bucket=name, Key="k")),
    "dynamodb": ("DescribeTable", lambda client, name: client.describe_table(TableName=name)),
}


class StoppedError(Exception):
    """Ends a call before it is sent."""


def botocore_s(service: str, region: str, name: str, *, fips: bool, dual_stack: bool) -> str:
    """The URL to which botocore would send a call."""
    client = botocore.session.get_session().create_client(
        service,
        region_name=region,
        config=Config(
            use_fips_endpoint=fips,
            use_dualstack_endpoint=dual_stack,
            s3={"us_east_1_regional_endpoint": "regional"},
        ),
    )
    operation, call = CALLS[service]

    def stop(request: object, **_: object) -> None:
        raise StoppedError(getattr(request, "url", ""))

    client.meta.events.register(f"before-send.{service}.{operation}", stop)
    with pytest.raises(StoppedError) as stopped:
        call(client, name)
    return str(stopped.value)


def asked(*, fips: bool, dual_stack: bool) -> dict[str, str]:
    return {
        "AWS_USE_FIPS_ENDPOINT": str(fips).lower(),
        "AWS_USE_DUALSTACK_ENDPOINT": str(dual_stack).upper(),
    }


def is_known(region: str, *, fips: bool) -> bool:
    return not fips or region.startswith("us-")


KNOWN = [
    (region, fips, dual_stack)
    for region in REGIONS
    for fips, dual_stack in FLAGS
    if is_known(region, fips=fips)
]


@pytest.mark.parametrize(("region", "fips", "dual_stack"), KNOWN)
def test_an_endpoint_is_that_of_botocore(region: str, fips: bool, dual_stack: bool) -> None:
    environment = asked(fips=fips, dual_stack=dual_stack)
    for name in ("my-bucket", "my.bucket"):
        url, root = endpoints.bucket(name, region, environment)
        theirs = botocore_s("s3", region, name, fips=fips, dual_stack=dual_stack)
        assert f"{url}{root}k" == theirs
    url = endpoints.endpoint("dynamodb", region, environment)
    assert f"{url}/" == botocore_s("dynamodb", region, "abc", fips=fips, dual_stack=dual_stack)


@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1", "ap-southeast-2"])
@pytest.mark.parametrize("service", ["s3", "dynamodb"])
def test_fips_where_aws_has_none_is_an_error(service: str, region: str) -> None:
    with pytest.raises(ValueError, match="AWS_USE_FIPS_ENDPOINT must be false outside"):
        endpoints.endpoint(service, region, {"AWS_USE_FIPS_ENDPOINT": "true"})


@pytest.mark.parametrize(
    "region", ["", "us-iso-east-1", "eusc-de-east-1", "us-east-1.evil.example", "mars-1"]
)
def test_a_region_of_no_known_partition_is_an_error(region: str) -> None:
    with pytest.raises(ValueError, match=f"AWS_REGION must be .*, got '{region}'"):
        endpoints.endpoint("s3", region, {})


@pytest.mark.parametrize("name", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_a_flag_that_is_neither_true_nor_false_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be true or false, got 'yes'"):
        endpoints.endpoint("s3", "us-east-1", {name: "yes"})


@pytest.mark.parametrize(
    ("environment", "s3", "dynamodb"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1", "http://127.0.0.1:1"),
        (
            {"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_S3": "https://s3.example:9/"},
            "https://s3.example:9",
            "http://all",
        ),
        (
            {"AWS_ENDPOINT_URL_DYNAMODB": "https://vpce-1.dynamodb.us-east-1.vpce.amazonaws.com"},
            "https://s3.us-east-1.amazonaws.com",
            "https://vpce-1.dynamodb.us-east-1.vpce.amazonaws.com",
        ),
    ],
)
def test_a_configured_endpoint_is_taken(
    environment: dict[str, str], s3: str, dynamodb: str
) -> None:
    assert endpoints.endpoint("s3", "us-east-1", environment) == s3
    assert endpoints.endpoint("dynamodb", "us-east-1", environment) == dynamodb


@pytest.mark.parametrize(
    "url",
    [
        *("https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com", "http://127.0.0.1:1"),
        *("http://localhost", "https://s3.example"),
    ],
)
def test_a_configured_endpoint_has_the_bucket_in_its_path(url: str) -> None:
    environment = {"AWS_ENDPOINT_URL_S3": url}
    assert endpoints.bucket("my-bucket", "us-east-1", environment) == (url, "/my-bucket/")


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:1",
        "ftp://host",
        "https://",
        "https://host/path",
        "https://me:word@host",
        "h://?a",
    ],
)
def test_a_configured_endpoint_that_is_no_host_is_an_error(url: str) -> None:
    with pytest.raises(ValueError, match=r"AWS_ENDPOINT_URL must be http\[s\]://") as caught:
        endpoints.endpoint("s3", "us-east-1", {"AWS_ENDPOINT_URL": url})
    assert "word" not in str(caught.value)


@pytest.mark.parametrize("name", ["my.bucket", "my_bucket", "Bucket", "-bucket", "bucket-"])
def test_a_name_that_is_no_label_of_a_host_stays_in_the_path(name: str) -> None:
    """S3's certificate covers one label, so no name with a dot."""
    url = "https://s3.eu-central-1.amazonaws.com"
    assert endpoints.bucket(name, "eu-central-1", {}) == (url, f"/{name}/")
