"""Reads ranges of one version of an object with ``GetObject``.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from urllib.parse import quote

from answers import Answer, AnswerError
from s3 import EMPTY, S3
from service import CallError, RefusedError
from signature import Request
from stream import Version

# S3's version ID of an object from before versioning was enabled.
NO_VERSION = "null"
ARCHIVED = "InvalidObjectState"


class SupersededError(Exception):
    """The version was overwritten or deleted."""


class ArchivedError(Exception):
    """The version is archived, and must be restored before it can be read."""


class Contents:
    """Reads ranges of one version, never of another."""

    def __init__(self, s3: S3, version: Version) -> None:
        """Store the bucket, and the version as its row describes it."""
        self._s3, self._version = s3, version
        # Without versioning, an overwrite has the version ID `null` again: `if-match` detects it.
        named = version.version_id != NO_VERSION
        self._query = f"versionId={quote(version.version_id, safe='')}" if named else ""
        self.failure: SupersededError | ArchivedError | CallError | None = None
        """Why a read failed; it stays set even if the extractor catches the OSError."""

    def read(self, start: int, length: int) -> bytes:
        """Read a range that is inside the version.

        Raises:
            OSError: this read or an earlier one failed; ``failure`` says why.
        """
        if not self.failure:
            try:
                return self._read(start, length)
            except RefusedError as err:
                self.failure = _failure(err)
            except CallError as err:
                self.failure = err
        raise OSError(f"S3 must answer with this version, got: {self.failure}")

    def _read(self, start: int, length: int) -> bytes:
        last = start + length - 1
        headers = {
            "if-match": f'"{self._version.etag}"',
            "range": f"bytes={start}-{last}",
            "x-amz-content-sha256": EMPTY,
            "x-amz-expected-bucket-owner": self._s3.owner,
        }

        def body(answer: Answer) -> bytes:
            if answer.status == 200:
                # A server may ignore a range: https://www.rfc-editor.org/rfc/rfc9110#section-14.2
                if len(answer.body) != self._version.size:
                    raise AnswerError("answer must be as long as the version, got another length")
                return answer.body[start : start + length]
            if not answer.headers.get("content-range", "").startswith(f"bytes {start}-{last}/"):
                raise AnswerError("answer must be the requested range, got another")
            if len(answer.body) != length:
                raise AnswerError("answer must be as long as its range, got another length")
            return answer.body

        request = Request(
            "GET", self._s3.root + quote(self._version.key), headers, query=self._query
        )
        return self._s3.service.call("GetObject", request, body)


def _failure(err: RefusedError) -> SupersededError | ArchivedError | RefusedError:
    if err.status in {404, 412}:
        return SupersededError(str(err))
    if err.code == ARCHIVED:
        return ArchivedError("object must be restored before it is read")
    return err
