"""Calls ``HeadObject`` for the objects of one bucket.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

import endpoints
from answers import Answer, AnswerError
from row import Head
from service import RefusedError, Service
from signature import Request

EMPTY = sha256(b"").hexdigest()
TIME = "%a, %d %b %Y %H:%M:%S GMT"
TEXTS = {"content-type": "ContentType", "x-amz-version-id": "VersionId"}
METADATA, CHECKSUM = "x-amz-meta-", "x-amz-checksum-"


@dataclass(frozen=True, slots=True)
class S3:
    """A bucket's objects."""

    service: Service
    root: str
    """The path before a key: ``/``, or ``/<bucket>/`` if the host name has no bucket in it."""
    owner: str
    """The account that the bucket must belong to, 12 digits."""

    def head_object(self, key: str, *, checksum: bool) -> Head | None:
        """Read the attributes of a key's current version; None if there is none.

        Raises:
            RefusedError: S3 answered with an error. With ``checksum``, a 403 may only mean that the
                role may not use the object's KMS key.
            CallError: S3 did not answer.
        """
        headers = {"x-amz-content-sha256": EMPTY, "x-amz-expected-bucket-owner": self.owner}
        if checksum:
            headers["x-amz-checksum-mode"] = "ENABLED"
        request = Request("HEAD", self.root + quote(key), headers)
        try:
            return self.service.call("HeadObject", request, _read)
        except RefusedError as err:
            if err.status == 404:
                return None
            raise


def bucket(name: str, owner: str, region: str) -> S3:
    """Return a bucket; environment variables may set its endpoint."""
    url, root = endpoints.bucket(name, region, os.environ)
    return S3(Service("s3", region, url), root, owner)


def _read(answer: Answer) -> Head:
    headers = answer.headers
    try:
        head: dict[str, object] = {
            "ContentLength": int(headers["content-length"]),
            "ETag": headers["etag"],
            "LastModified": datetime.strptime(headers["last-modified"], TIME).replace(tzinfo=UTC),
        }
    except (KeyError, ValueError) as err:
        raise AnswerError("answer must have length, entity tag and time, got another") from err
    metadata = {}
    for name, value in headers.items():
        if name in TEXTS:
            head[TEXTS[name]] = value
        elif name.startswith(METADATA):
            metadata[name.removeprefix(METADATA)] = value
        elif name.startswith(CHECKSUM):
            algorithm = name.removeprefix(CHECKSUM)
            head[f"Checksum{'Type' if algorithm == 'type' else algorithm.upper()}"] = value
    return head | {"Metadata": metadata}
