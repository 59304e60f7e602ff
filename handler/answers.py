"""Reads HTTP/1.1 answers; one that is incomplete or malformed is an error. Pure: no network.

https://www.rfc-editor.org/rfc/rfc9112
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# S3 answers with at most 8 KB of headers, DynamoDB with an item of at most 400 KB as JSON.
MAX_HEAD = 64 * 1024
MAX_BODY = 4 * 1024**2
NO_BODY = (204, 304)
STATUS_LINE = re.compile(r"HTTP/1\.1 ([1-9][0-9]{2})( .*)?")
HEADER = re.compile(r"([!-9;-~]+):([^\r\n\0]*)")
LENGTH = re.compile(r"[0-9]{1,12}")
CHUNK_SIZE = re.compile(r"[0-9A-Fa-f]{1,8}")


class AnswerError(Exception):
    """The bytes are not a valid answer.

    The message never quotes them, because they may repeat the request.
    """


@dataclass(frozen=True, slots=True)
class Answer:
    """A service's answer."""

    status: int
    headers: dict[str, str]
    """Names are in lower case."""
    body: bytes


class Reader:
    """Reads the answers of one connection, one after the other."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        """Store a function that returns the next bytes, at least one, or raises."""
        self._receive = receive
        self._received = bytearray()

    @property
    def is_empty(self) -> bool:
        """Whether every received byte has been read."""
        return not self._received

    def answer(self, *, has_body: bool) -> Answer:
        """Read the next answer.

        Raises:
            AnswerError: the bytes are not a valid answer.
        """
        status, headers = self._head()
        while status < 200:  # informational, before the answer
            status, headers = self._head()
        body = self._body(headers) if has_body and status not in NO_BODY else b""
        return Answer(status, headers, body)

    def _head(self) -> tuple[int, dict[str, str]]:
        first, *lines = self._until(b"\r\n\r\n").split("\r\n")
        status = STATUS_LINE.fullmatch(first)
        if not status:
            raise AnswerError("status line must be HTTP/1.1 and a status, got another")
        headers: dict[str, str] = {}
        for line in lines:
            header = HEADER.fullmatch(line)
            if not header:
                raise AnswerError("header must be <name>:<value>, got another line")
            name, value = header[1].lower(), header[2].strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        if not LENGTH.fullmatch(headers.get("content-length", "0")):
            raise AnswerError("content-length must be a number, got another text")
        return int(status[1]), headers

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        if "content-length" not in headers:
            raise AnswerError("body must have a length, got none")
        return self._take(int(headers["content-length"]))

    def _chunks(self) -> bytes:
        body = b""
        while True:
            size = self._until(b"\r\n").partition(";")[0].strip()
            if not CHUNK_SIZE.fullmatch(size):
                raise AnswerError("chunk's size must be hexadecimal, got another")
            if not int(size, 16):
                break
            body += self._take(int(size, 16), MAX_BODY - len(body))
            if self._until(b"\r\n"):
                raise AnswerError("chunk must end after its size, got more")
        while self._until(b"\r\n"):
            pass  # trailers
        return body

    def _until(self, end: bytes) -> str:
        while (length := self._received.find(end)) < 0:
            if len(self._received) > MAX_HEAD:
                raise AnswerError(f"headers must be at most {MAX_HEAD} bytes, got more")
            self._received += self._receive()
        text = self._received[:length].decode("latin-1")
        del self._received[: length + len(end)]
        return text

    def _take(self, length: int, most: int = MAX_BODY) -> bytes:
        if length > most:
            raise AnswerError(f"body must be at most {MAX_BODY} bytes, got more")
        while len(self._received) < length:
            self._received += self._receive()
        taken = bytes(self._received[:length])
        del self._received[:length]
        return taken
