"""Requests are signed as AWS's own examples and botocore sign them."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore.auth import SIGNED_HEADERS_BLACKLIST, S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as TheirCredentials
from botocore.utils import percent_encode
from hypothesis import example, given
from hypothesis import strategies as st

from signature import Credentials, Request, signed

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
WELCOME = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
OTHERS = {"authorization", "date", "host", *SIGNED_HEADERS_BLACKLIST}
"""Headers that botocore makes or leaves out itself."""

# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
S3_EXAMPLES = [
    (
        Request(
            "GET",
            "/test.txt",
            {
                "host": "examplebucket.s3.amazonaws.com",
                "range": "bytes=0-9",
                "x-amz-content-sha256": EMPTY,
            },
        ),
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    (
        Request(
            "GET",
            "/",
            {"host": "examplebucket.s3.amazonaws.com", "x-amz-content-sha256": EMPTY},
            query="lifecycle=",
        ),
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    (
        Request(
            "PUT",
            "/test%24file.text",
            {
                "date": "Fri, 24 May 2013 00:00:00 GMT",
                "host": "examplebucket.s3.amazonaws.com",
                "x-amz-content-sha256": WELCOME,
                "x-amz-storage-class": "REDUCED_REDUNDANCY",
            },
            b"Welcome to Amazon S3.",
        ),
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
]
# https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html
SUITE = {
    "GET": "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    "POST": "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
}


@pytest.mark.parametrize(("request_", "signature"), S3_EXAMPLES, ids=["GET", "query", "PUT"])
def test_s3_s_published_examples_have_their_signature(request_: Request, signature: str) -> None:
    ours = signed(
        request_,
        credentials=Credentials("AKIAIOSFODNN7EXAMPLE", SECRET),
        region="us-east-1",
        service="s3",
        now=datetime(2013, 5, 24, tzinfo=UTC),
    )
    assert ours.headers["authorization"].endswith(f"Signature={signature}")


@pytest.mark.parametrize("method", SUITE)
def test_the_published_suite_s_examples_have_their_signature(method: str) -> None:
    ours = signed(
        Request(method, "/", {"host": "example.amazonaws.com"}),
        credentials=Credentials("AKIDEXAMPLE", SECRET.replace("MI/K7MDENG/", "MI/K7MDENG+")),
        region="us-east-1",
        service="service",
        now=datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
    )
    assert ours.headers["authorization"].endswith(f"Signature={SUITE[method]}")


methods = st.sampled_from(["HEAD", "GET", "PUT", "POST", "DELETE"])
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
requests = st.fixed_dictionaries(
    {
        "method": methods,
        "headers": st.dictionaries(names, values, max_size=6),
        "body": st.binary(max_size=200),
    }
)
regions = st.sampled_from(["us-east-1", "cn-north-1", "us-gov-west-1"])


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
    theirs.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
    auth._modify_request_before_signing(theirs)
    string = auth.string_to_sign(theirs, auth.canonical_request(theirs))
    auth._inject_signature_to_request(theirs, auth.signature(string, theirs))
    return str(theirs.headers["Authorization"])


@given(requests, keys, credentials, times, regions, st.one_of(st.none(), keys))
@example({"method": "HEAD", "headers": {}, "body": b""}, "k" * 1024, Credentials("a", "b"),
         datetime(2026, 3, 14, tzinfo=UTC), "us-east-1", None)  # fmt: skip
@example({"method": "HEAD", "headers": {}, "body": b""}, "//a/../b/./~+% \u00e9\U0001f4ce",
         Credentials("a", "b", "c"), datetime(2026, 3, 14, tzinfo=UTC), "us-east-1",
         "3/L4+~ =")  # fmt: skip
def test_any_request_to_s3_is_signed_as_botocore_signs_it(
    parts: dict[str, object],
    key: str,
    by: Credentials,
    now: datetime,
    region: str,
    version: str | None,
) -> None:
    parameters = {} if version is None else {"versionId": version}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
    path = f"/{quote(key)}"
    assert path == f"/{percent_encode(key, safe='/~')}"
    request = Request(**{"path": path, **parts})  # type: ignore[arg-type]
    theirs = TheirCredentials(by.access_key_id, by.secret_access_key, by.session_token)
    auth = S3SigV4Auth(theirs, "s3", region)
    with_host = {"host": "bucket.s3.amazonaws.com", **request.headers}
    sent = Request(request.method, path, with_host, request.body)
    expected = botocore_s(auth, sent, now, parameters)
    with_host["x-amz-content-sha256"] = auth.payload(AWSRequest(data=request.body, url="http:"))
    ours = signed(
        Request(request.method, path, with_host, request.body, query),
        credentials=by,
        region=region,
        service="s3",
        now=now,
    )
    assert ours.headers["authorization"] == expected


@given(requests, credentials, times, regions)
def test_any_request_to_dynamodb_is_signed_as_botocore_signs_it(
    parts: dict[str, object], by: Credentials, now: datetime, region: str
) -> None:
    request = Request(**{"path": "/", **parts})  # type: ignore[arg-type]
    theirs = TheirCredentials(by.access_key_id, by.secret_access_key, by.session_token)
    with_host = {"host": f"dynamodb.{region}.amazonaws.com", **request.headers}
    request = Request(request.method, "/", with_host, request.body)
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
