"""Endpoints are those of botocore's rules, for what is known; all else is an error."""

from unittest.mock import Mock

import botocore.session
import pytest
from botocore.config import Config

import endpoints

FIPS, DUAL_STACK = "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"
KNOWN = [
    (region, fips, dual_stack)
    for region in ("us-east-1", "eu-central-1", "ap-southeast-2", "cn-north-1", "us-gov-west-1")
    for fips in ((False, True) if region.startswith("us-") else (False,))
    for dual_stack in (False, True)
]
UNKNOWN = ["", "us-iso-east-1", "eusc-de-east-1", "us-east-1.evil.example", "mars-1"]


@pytest.mark.parametrize(("region", "fips", "dual_stack"), KNOWN)
def test_an_endpoint_is_that_of_botocore(region: str, *, fips: bool, dual_stack: bool) -> None:
    def botocore_s(service: str, operation: str, **parameters: str) -> str:
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
        answer = Mock(return_value=(Mock(status_code=200), {}))
        client.meta.events.register("before-call", answer)
        getattr(client, operation)(**parameters)
        return str(answer.call_args.kwargs["params"]["url"])

    environment = {FIPS: str(fips).lower(), DUAL_STACK: str(dual_stack).upper()}
    for name in ("my-bucket", "my.bucket"):
        url, root = endpoints.bucket(name, region, environment)
        assert f"{url}{root}k" == botocore_s("s3", "head_object", Bucket=name, Key="k")
    url = endpoints.endpoint("dynamodb", region, environment)
    assert f"{url}/" == botocore_s("dynamodb", "describe_table", TableName="abc")


@pytest.mark.parametrize("service", ["s3", "dynamodb"])
@pytest.mark.parametrize(
    ("region", "environment", "message"),
    [
        *(
            (region, {FIPS: "true"}, "AWS_USE_FIPS_ENDPOINT must be false outside")
            for region in ("eu-central-1", "cn-north-1", "ap-southeast-2")
        ),
        *((region, {}, f"AWS_REGION must be .*, got '{region}'") for region in UNKNOWN),
        *(
            ("us-east-1", {name: "yes"}, f"{name} must be true or false, got 'yes'")
            for name in (FIPS, DUAL_STACK)
        ),
    ],
)
def test_an_unknown_region_or_flag_is_an_error(
    service: str, region: str, environment: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        endpoints.endpoint(service, region, environment)


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
        "https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com",
        "http://127.0.0.1:1",
        "http://localhost",
        "https://s3.example",
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
