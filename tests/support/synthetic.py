"""A bucket and a table that exist only as answers: as many objects as a test wants, at no cost.

It speaks the few calls that `ops backfill` and `ops verify` make, over HTTP, and keeps nothing
but what was requested. What it answers is right for a bucket of `count` objects; the emulator
tests are what show that real answers are understood.
"""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, unquote, unquote_plus, urlsplit

from support import servers
from support.rechecks import keys_in

WHEN = "2026-01-02T03:04:05.000Z"
NOTIFICATION = (
    "<NotificationConfiguration><CloudFunctionConfiguration><Id>all</Id>"
    "<CloudFunction>arn:aws:lambda:us-east-1:123456789012:function:f</CloudFunction>"
    "<Event>s3:ObjectCreated:*</Event>"
    "</CloudFunctionConfiguration></NotificationConfiguration>"
)

# Where a listing's next page begins, after a key.
AFTER_OBJECT = "<NextContinuationToken>{}</NextContinuationToken>"
AFTER_VERSION = "<NextKeyMarker>{}</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>"


@dataclass
class Synthetic:
    """Objects ``object 00000000`` and on, some of which have a row."""

    count: int
    has_row: Callable[[int], bool] = lambda _: False
    endpoint: str = ""
    requested: list[str] = field(default_factory=list)
    on_requested: Callable[[int], None] = lambda _: None
    """Called with the number of keys requested so far, before Lambda answers."""
    lambda_status: int = 202
    page: int = 1000
    """How many objects a listing's page has."""
    read_at_once: int = 100
    """How many keys of a ``BatchGetItem`` are answered; the rest is left for the next call."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def options(self) -> list[str]:
        """What tells the operator's tool to come here."""
        named = {"--bucket": "b", "--table": "t", "--function": "f", "--region": "us-east-1"}
        return [word for pair in named.items() for word in pair] + ["--endpoint-url", self.endpoint]

    def keys(self, after: str = "") -> Iterator[str]:
        first = int(after.removeprefix("object ")) + 1 if after else 0
        return (key(n) for n in range(first, self.count))


def key(number: int) -> str:
    return f"object {number:08d}"


def etag(name: str) -> str:
    return md5(name.encode(), usedforsecurity=False).hexdigest()


def row(name: str) -> dict[str, Any]:
    return {
        "file_key": {"S": name},
        "processing_status": {"S": "completed"},
        "file_size": {"N": "7"},
        "etag": {"S": etag(name)},
        "version_id": {"S": "v1"},
    }


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One packet an answer: a second one would wait for the first to be acknowledged.
    wbufsize = -1
    synthetic: Synthetic

    def do_GET(self) -> None:
        query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query, True).items()}
        if "notification" in query:
            self._xml(NOTIFICATION)
        elif "versions" in query:
            after = unquote_plus(query.get("key-marker", ""))
            self._page("ListVersionsResult", "Version", after, AFTER_VERSION)
        else:
            after = query.get("continuation-token") or unquote_plus(query.get("start-after", ""))
            self._page("ListBucketResult", "Contents", after, AFTER_OBJECT)

    def do_HEAD(self) -> None:
        name = unquote(urlsplit(self.path).path).removeprefix("/b/")
        self.send_response(200 if name.startswith("object ") else 404)
        if name.startswith("object "):
            self.send_header("ETag", f'"{etag(name)}"')
            self.send_header("x-amz-version-id", "v1")
            self.send_header("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT")
        self.send_header("Content-Length", "7")
        self.end_headers()

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if "/functions/" in self.path:
            with self.synthetic.lock:
                self.synthetic.requested += keys_in(json.loads(content))
            self.synthetic.on_requested(len(self.synthetic.requested))
            return self._send(self.synthetic.lambda_status, b"", "application/json")
        service, _, operation = self.headers.get("X-Amz-Target", "").partition(".")
        if "DynamoDB" not in service:
            return self._send(403, b"", "text/plain")
        answers = {
            "DescribeTable": self._describe_table,
            "GetItem": self._get_item,
            "BatchGetItem": self._batch_get_item,
            "Scan": self._scan,
        }
        answer = answers[operation](json.loads(content))
        return self._send(200, json.dumps(answer).encode(), "application/x-amz-json-1.0")

    def _page(self, result: str, element: str, after: str, next_page: str) -> None:
        page = list(islice(self.synthetic.keys(after), self.synthetic.page))
        more = bool(page) and page[-1] != key(self.synthetic.count - 1)
        self._xml(
            f"<{result}>{_entries(element, page)}<EncodingType>url</EncodingType>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{next_page.format(page[-1]) if more else ''}</{result}>"
        )

    def _describe_table(self, _body: Any) -> Any:
        return {"Table": {"ItemCount": self.synthetic.count}}

    def _get_item(self, body: Any) -> Any:
        assert body["ConsistentRead"], "what is read again must be what is there now"
        name = body["Key"]["file_key"]["S"]
        return {"Item": row(name)} if self._has_row(name) else {}

    def _batch_get_item(self, body: Any) -> Any:
        names = [k["file_key"]["S"] for k in body["RequestItems"]["t"]["Keys"]]
        assert len(names) <= 100
        done = names[: self.synthetic.read_at_once]
        rest = names[self.synthetic.read_at_once :]
        found = [row(name) for name in done if self._has_row(name)]
        left = {"t": {"Keys": [{"file_key": {"S": name}} for name in rest]}} if rest else {}
        return {"Responses": {"t": found}, "UnprocessedKeys": left}

    def _scan(self, body: Any) -> Any:
        segments, segment = body.get("TotalSegments", 1), body.get("Segment", 0)
        start = body.get("ExclusiveStartKey", {"file_key": {"N": "-1"}})["file_key"]["N"]
        numbers = range(segment, self.synthetic.count, segments)
        first = max(0, (int(start) - segment) // segments + 1)
        rest = list(numbers[first : first + body["Limit"]])
        items = [row(key(n)) for n in rest if self.synthetic.has_row(n)]
        last = {"LastEvaluatedKey": {"file_key": {"N": str(rest[-1])}}} if rest else {}
        return {"Items": items, **last}

    def _has_row(self, name: str) -> bool:
        return name.startswith("object ") and self.synthetic.has_row(int(name[7:]))

    def _xml(self, text: str) -> None:
        self._send(200, text.encode(), "application/xml")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def _entries(element: str, names: list[str]) -> str:
    return "".join(
        f"<{element}><Key>{name.replace(' ', '+')}</Key><VersionId>v1</VersionId>"
        f"<IsLatest>true</IsLatest><LastModified>{WHEN}</LastModified>"
        f"<ETag>&quot;{etag(name)}&quot;</ETag><Size>7</Size></{element}>"
        for name in names
    )


@contextlib.contextmanager
def serving(synthetic: Synthetic) -> Iterator[Synthetic]:
    """Answer on a free port of loopback."""
    handler = type("Answers", (_Answers,), {"synthetic": synthetic})
    with servers.serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as address:
        synthetic.endpoint = f"http://{address}"
        yield synthetic
