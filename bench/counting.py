"""A proxy on loopback that counts calls and write units."""

import contextlib
import http.client
import json
import math
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from bench.server import QuietHandler, serving

UNIT_BYTES = 1024
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


def item_bytes(item: dict[str, dict[str, Any]]) -> int:
    """The size of an item, names and values; a number takes a byte for each two digits, plus one.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value_bytes(typed) for name, typed in item.items())


def _value_bytes(typed: dict[str, Any]) -> int:
    [(kind, value)] = typed.items()
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        return math.ceil(len(value) / 2) + 1
    if kind == "M":
        return 3 + len(value) + item_bytes(value)
    if kind == "L":
        return 3 + len(value) + sum(map(_value_bytes, value))
    return 1


@contextlib.contextmanager
def counting(upstream: str, seen: Counter[str], delay: float = 0) -> Iterator[str]:
    """Pass every call on and count it; yields the proxy's endpoint.

    Args:
        upstream: the endpoint.
        seen: where to count calls by their name, and ``write units``.
        delay: seconds to wait before each answer, in place of a network and a service.
    """
    target = urlsplit(upstream)

    class Proxy(QuietHandler):
        def pass_on(self) -> None:
            """Pass one call on."""
            body = self.body()
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2] or self.command
            seen[operation] += 1
            if operation == "PutItem":
                size = item_bytes(json.loads(body)["Item"])
                seen["write units"] += math.ceil(size / UNIT_BYTES)
            time.sleep(delay)
            to = http.client.HTTPConnection(str(target.hostname), target.port)
            to.request(self.command, self.path, body, dict(self.headers))
            got = to.getresponse()
            content = got.read()
            headers = {n: value for n, value in got.getheaders() if n.lower() not in HOP_BY_HOP}
            length = got.headers["Content-Length"] if self.command == "HEAD" else len(content)
            self.answer(got.status, headers | {"Content-Length": str(length)}, content)
            to.close()

        do_GET = do_HEAD = do_POST = do_PUT = pass_on  # noqa: N815 - the library's names

    with serving(Proxy) as endpoint:
        yield endpoint
