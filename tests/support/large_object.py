"""S3 with one large object, and DynamoDB that takes every write, on loopback."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support.servers import serving

ETAG, VERSION = "large", "v1"


@dataclass
class LargeObject:
    """How large it is, and what was asked of it."""

    size: int
    endpoint: str = ""
    requests: list[str] = field(default_factory=list)
    written: list[dict[str, Any]] = field(default_factory=list)
    connections: list[Any] = field(default_factory=list)


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    large: LargeObject
    zeros = bytes(4 * 1024**2)

    def setup(self) -> None:
        super().setup()
        self.large.connections.append(self.client_address)

    def do_GET(self) -> None:
        assert self.headers["If-Match"] == f'"{ETAG}"'
        self.large.requests.append(self.path)
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        assert asked
        first, last = int(asked[1]), int(asked[2])
        self.send_response_only(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{self.large.size}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        self.wfile.write(memoryview(self.zeros)[: last - first + 1])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.large.written.append(json.loads(body))
        self.send_response_only(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def large_object(size: int) -> Iterator[LargeObject]:
    """Serve an object of zeros, so many bytes, for the length of a ``with`` block."""
    large = LargeObject(size)
    answers = type("Answers", (_Answers,), {"large": large})
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), answers)) as address:
        large.endpoint = f"http://{address}"
        yield large
