"""The endpoints of S3 and DynamoDB, by region and environment variables. Pure.

https://docs.aws.amazon.com/general/latest/gr/s3.html
https://docs.aws.amazon.com/general/latest/gr/ddb.html
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

# Regions of the partitions aws, aws-cn and aws-us-gov; their domain, and DynamoDB's dual-stack one.
PARTITIONS = (
    (r"(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+", "amazonaws.com", "api.aws"),
    (r"cn-\w+-\d+", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    (r"us-gov-\w+-\d+", "amazonaws.com", "api.aws"),
)
# https://aws.amazon.com/compliance/fips/
FIPS_REGIONS = r"(us|ca|us-gov)-\w+-\d+"
# S3's certificate covers one label before S3's host name, so the bucket's name must have no dot.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
IN_HOST_NAME = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"


def endpoint(service: str, region: str, environment: Mapping[str, str]) -> str:
    """Return the URL of ``s3`` or ``dynamodb``.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html

    Raises:
        ValueError: the region is unknown, or an environment variable is invalid.
    """
    if configured := _configured(service, environment):
        return configured
    domain, dual_stack_domain = _domains(region)
    fips = _flag("AWS_USE_FIPS_ENDPOINT", environment)
    dual_stack = _flag("AWS_USE_DUALSTACK_ENDPOINT", environment)
    if fips and not re.fullmatch(FIPS_REGIONS, region):
        raise ValueError(
            f"AWS_USE_FIPS_ENDPOINT must be false outside the United States and Canada,"
            f" got true in {region}"
        )
    if service == "s3":
        label = f"s3{'-fips' if fips else ''}{'.dualstack' if dual_stack else ''}"
        return f"https://{label}.{region}.{domain}"
    # In GovCloud the endpoint without `-fips` in its name is a FIPS endpoint.
    fips = fips and (dual_stack or not region.startswith("us-gov-"))
    label = f"{service}{'-fips' if fips else ''}"
    return f"https://{label}.{region}.{dual_stack_domain if dual_stack else domain}"


def bucket(name: str, region: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the URL of a bucket's host, and the path before its keys."""
    url = endpoint("s3", region, environment)
    if _configured("s3", environment) or not re.fullmatch(IN_HOST_NAME, name):
        return url, f"/{name}/"
    return url.replace("//", f"//{name}.", 1), "/"


def _configured(service: str, environment: Mapping[str, str]) -> str | None:
    names = (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL")
    name = next((name for name in names if environment.get(name)), None)
    if name is None:
        return None
    parts = urlsplit(environment[name])
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or "@" in parts.netloc
        or parts.path.strip("/")
        or parts.query
    ):
        # The value is not shown, because it may contain a password.
        raise ValueError(f"{name} must be http[s]://<host>[:<port>]")
    return f"{parts.scheme}://{parts.netloc}"


def _domains(region: str) -> tuple[str, str]:
    for regions, domain, dual_stack_domain in PARTITIONS:
        if re.fullmatch(regions, region):
            return domain, dual_stack_domain
    raise ValueError(
        f"AWS_REGION must be a region of aws, aws-cn or aws-us-gov, got {region!r:.100}"
    )


def _flag(name: str, environment: Mapping[str, str]) -> bool:
    text = environment.get(name, "false").lower()
    if text not in {"true", "false"}:
        raise ValueError(f"{name} must be true or false, got {text!r:.100}")
    return text == "true"
