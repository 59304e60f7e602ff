"""Requests are signed as botocore signs them."""

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from unittest.mock import patch
from urllib.parse import quote

from botocore.auth import SIGNED_HEADERS_BLACKLIST, S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as TheirCredentials
from botocore.utils import percent_encode
from hypothesis import example, given
from hypothesis import strategies as st

from signature import Credentials, Request, signed

OTHERS = {"authorization", "date", "host", *SIGNED_HEADERS_BLACKLIST}
"""Headers that botocore makes or leaves out itself."""
names = st.from_regex(r"[a-z][a-z0-9-]{0,30}", fullmatch=True).filter(
    lambda name: name not in OTHERS and not name.startswith("x-am")
)
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
keys = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(" %+/.~")),
    min_size=1,
    max_size=200,
)
credentials = st.builds(Credentials, secrets, secrets, st.one_of(st.none(), secrets))
times = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
requests = st.builds(
    Request,
    st.sampled_from(["HEAD", "GET", "PUT", "POST", "DELETE"]),
    st.just("/"),
    st.dictionaries(names, values, max_size=6),
    st.binary(max_size=200),
)
regions = st.sampled_from(["us-east-1", "cn-north-1", "us-gov-west-1"])
HEAD = Request("HEAD", "/", {})
ODD_KEY = "//a/../b/./~+% \u00e9\U0001f4ce"
NOW = datetime(2026, 3, 14, tzinfo=UTC)


def botocore_s(
    auth: SigV4Auth, request: Request, now: datetime, parameters: dict[str, str] | None = None
) -> str:
    theirs = AWSRequest(
        request.method,
        f"http://{request.headers['host']}{request.path}",
        params=parameters,
        headers={name: value for name, value in request.headers.items() if name != "host"},
        data=request.body,
    )
    with patch("botocore.auth.get_current_datetime", return_value=now):
        auth.add_auth(theirs)
    return str(theirs.headers["Authorization"])


@given(requests, keys, credentials, times, regions, st.one_of(st.none(), keys))
@example(HEAD, "k" * 1024, Credentials("a", "b"), NOW, "us-east-1", None)
@example(HEAD, ODD_KEY, Credentials("a", "b", "c"), NOW, "us-east-1", "3/L4+~ =")
def test_any_request_to_s3_is_signed_as_botocore_signs_it(
    request: Request, key: str, by: Credentials, now: datetime, region: str, version: str | None
) -> None:
    path = f"/{quote(key)}"
    assert path == f"/{percent_encode(key, safe='/~')}"
    parameters = {} if version is None else {"versionId": version}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    headers = {"host": "bucket.s3.amazonaws.com", **request.headers}
    request = replace(request, path=path, headers=headers, query=query)
    theirs = TheirCredentials(by.access_key_id, by.secret_access_key, by.session_token)
    expected = botocore_s(S3SigV4Auth(theirs, "s3", region), request, now, parameters)
    hashed = {**headers, "x-amz-content-sha256": sha256(request.body).hexdigest()}
    request = replace(request, headers=hashed)
    ours = signed(request, credentials=by, region=region, service="s3", now=now)
    assert ours.headers["authorization"] == expected


@given(requests, credentials, times, regions)
def test_any_request_to_dynamodb_is_signed_as_botocore_signs_it(
    request: Request, by: Credentials, now: datetime, region: str
) -> None:
    headers = {"host": f"dynamodb.{region}.amazonaws.com", **request.headers}
    request = replace(request, headers=headers)
    theirs = TheirCredentials(by.access_key_id, by.secret_access_key, by.session_token)
    expected = botocore_s(SigV4Auth(theirs, "dynamodb", region), request, now)
    ours = signed(request, credentials=by, region=region, service="dynamodb", now=now)
    assert ours.headers["authorization"] == expected


def test_the_text_of_credentials_and_requests_has_no_secret() -> None:
    by = Credentials("AKID", "secret", "token")
    request = Request("HEAD", "/", {"x-amz-security-token": "token"})
    assert "secret" not in repr(by)
    assert "token'" not in repr(by) + repr(request)


def test_a_quoted_secret_is_hidden() -> None:
    by = Credentials("AKID", "secret/+", "token==")
    assert (
        by.hide("x-amz-security-token:token== and secret/+") == "x-amz-security-token:*** and ***"
    )
    assert Credentials("AKID", "secret", "").hide("text") == "text"
