"""A proxy on loopback between a client and the emulator that makes calls go wrong.

Calls are named as AWS names them, so a rule says ``PutItem`` or ``HeadObject``.
"""

import contextlib
import http.client
import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from support.servers import serving

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing sends RST


@dataclass(frozen=True)
class Fault:
    """What happens to a call instead of, or after, its being passed on."""

    status: int = 0
    """Answer with this HTTP status and never pass the call on; 0 to pass it on."""
    code: str = "InternalError"
    """AWS's error code, with ``status``."""
    delay: float = 0
    """Seconds that the answer is held back after the call took effect."""
    reset: bool = False
    """Reset the connection and never pass the call on."""
    lose_answer: bool = False
    """Reset the connection after the call took effect."""


OPERATIONS = ("HeadObject", "PutItem")
SHARES = {"20 %": 0.2, "all": 1.0}
"""How often they strike."""
FAULTS = {
    "500": {
        "HeadObject": Fault(status=500),
        "PutItem": Fault(status=500, code="InternalServerError"),
    },
    "throttled": {
        "HeadObject": Fault(status=503, code="SlowDown"),
        "PutItem": Fault(status=400, code="ThrottlingException"),
    },
    "access denied": {
        "HeadObject": Fault(status=403, code="AccessDenied"),
        "PutItem": Fault(status=400, code="AccessDeniedException"),
    },
    "reset": dict.fromkeys(OPERATIONS, Fault(reset=True)),
    "answer too late": dict.fromkeys(OPERATIONS, Fault(delay=2.2)),
    "answer lost": dict.fromkeys(OPERATIONS, Fault(lose_answer=True)),
}
"""The faults under which no file may be lost, by the operation that they strike."""


@dataclass
class Rule:
    """A fault for the calls of one operation."""

    operation: str
    fault: Fault
    share: float = 1.0
    """Of the calls, 0-1."""
    times: int | None = None
    """How many calls it hits before it is spent; None for no end."""


@dataclass(frozen=True)
class Received:
    """A call as it arrived."""

    operation: str
    path: str
    headers: dict[str, str]
    """Their names in lower case."""
    body: bytes


@dataclass
class FaultProxy:
    """A running proxy, its rules, and what it saw."""

    upstream: str
    endpoint: str = ""
    rules: list[Rule] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """The operations that were called, in order, failed ones included."""
    received: list[Received] = field(default_factory=list)
    hits: list[tuple[str, Fault]] = field(default_factory=list)
    before: Callable[[str], None] | None = None
    """Called with each operation's name before it is passed on."""
    dice: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(
        self, operation: str, fault: Fault, share: float = 1.0, times: int | None = None
    ) -> None:
        """Make an operation's calls go wrong from now on."""
        self.rules.append(Rule(operation, fault, share, times))

    def heal(self) -> None:
        """Pass everything on again, and forget what was seen."""
        with self.lock:
            self.rules.clear()
            self.calls.clear()
            self.received.clear()
            self.hits.clear()
            self.before = None

    def fault_for(self, operation: str) -> Fault:
        """Record a call, and decide its fate."""
        with self.lock:
            self.calls.append(operation)
            for rule in self.rules:
                if rule.operation != operation or rule.times == 0:
                    continue
                if self.dice.random() < rule.share:
                    rule.times = None if rule.times is None else rule.times - 1
                    self.hits.append((operation, rule.fault))
                    return rule.fault
        return Fault()


@contextlib.contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """Run a proxy before an endpoint for the length of a ``with`` block."""
    proxy = FaultProxy(upstream)

    class Handler(_Handler):
        state = proxy

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        proxy.endpoint = f"http://{address}"
        yield proxy


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else a body would wait for its headers to be acknowledged.
    disable_nagle_algorithm = True
    state: FaultProxy

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        operation = _operation(self.command, self.path, headers)
        self.state.received.append(Received(operation, self.path, headers, body))
        fault = self.state.fault_for(operation)
        if self.state.before:
            self.state.before(operation)
        if fault.reset:
            self._reset()
        elif fault.status:
            self._answer(fault.status, *_error(operation, self.path, fault))
        else:
            status, headers, answer = self._pass_on(body)
            time.sleep(fault.delay)
            if fault.lose_answer:
                self._reset()
            else:
                self._answer(status, headers, answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815 - the base class's names

    def _pass_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        address = urlsplit(self.state.upstream)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        with contextlib.closing(connection):
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        # A client that stopped waiting has closed its end.
        with contextlib.suppress(OSError):
            # Not `send_response`, which adds a second Date.
            self.send_response_only(status)
            kept = {k: v for k, v in headers.items() if k.lower() not in HOP_BY_HOP}
            if self.command != "HEAD":
                kept["Content-Length"] = str(len(body))
            for name, value in kept.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close_connection = True
        # Only the socket's own close sends the reset; the base class would shut it down first.
        self.connection.close()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


def _operation(method: str, path: str, headers: dict[str, str]) -> str:
    if "x-amz-target" in headers:
        return headers["x-amz-target"].split(".")[-1]
    parts = urlsplit(path)
    has_key = len(parts.path.strip("/").split("/", 1)) == 2
    return f"{method.capitalize()}{'Object' if has_key else 'Bucket'}"


def _error(operation: str, path: str, fault: Fault) -> tuple[dict[str, str], bytes]:
    if path.startswith("/2015-03-31/functions/"):
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": fault.code}
        return headers, b'{"message": "injected"}'
    if operation.endswith(("Object", "Bucket")):
        xml = f"<Error><Code>{fault.code}</Code><Message>injected</Message></Error>"
        return {"Content-Type": "application/xml"}, xml.encode()
    message = {"__type": f"com.amazonaws.dynamodb.v20120810#{fault.code}", "message": "injected"}
    return {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(message).encode()
