"""AWS Signature Version 4. Pure: no clock, no environment, no network.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request."""

    method: str
    path: str
    """Percent-encoded once, as it is sent and as S3 signs it; always ``/`` for other services."""
    headers: Mapping[str, str] = field(repr=False)
    """Names are in lower case."""
    body: bytes = b""
    query: str = ""
    """``name=value`` pairs, sorted by name, percent-encoded except ``A-Za-z0-9-_.~``."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The signer's credentials; their ``repr`` never shows a secret."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(repr=False, default=None)

    def hide(self, text: str) -> str:
        """Hide the secrets in a text: AWS quotes a request whose signature does not match."""
        for secret in (self.secret_access_key, self.session_token):
            text = text.replace(secret, "***") if secret else text
        return text


def signed(
    request: Request, *, credentials: Credentials, region: str, service: str, now: datetime
) -> Request:
    """Add the headers for time, session token and signature.

    Args:
        request: has all other headers, also ``host``.
        credentials: the signer's credentials.
        region: the service's region.
        service: the service's name in the signature's scope, such as ``s3``.
        now: the current time, UTC.
    """
    time = now.strftime("%Y%m%dT%H%M%SZ")
    day = time[:8]
    headers = {**request.headers, "x-amz-date": time}
    if credentials.session_token:
        headers["x-amz-security-token"] = credentials.session_token
    names = sorted(headers)
    signed_headers = ";".join(names)
    canonical_headers = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
    body_hash = sha256(request.body).hexdigest()
    canonical_request = (
        f"{request.method}\n{request.path}\n{request.query}\n{canonical_headers}\n"
        f"{signed_headers}\n{body_hash}"
    )
    scope = f"{day}/{region}/{service}/aws4_request"
    request_hash = sha256(canonical_request.encode()).hexdigest()
    string_to_sign = f"{ALGORITHM}\n{time}\n{scope}\n{request_hash}"
    key = _signing_key(credentials.secret_access_key, day, region, service)
    headers["authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key_id}/{scope},"
        f" SignedHeaders={signed_headers}, Signature={_hmac(key, string_to_sign).hex()}"
    )
    return replace(request, headers=headers)


@lru_cache(maxsize=8)
def _signing_key(secret_access_key: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret_access_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
