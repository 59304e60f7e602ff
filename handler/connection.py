"""HTTP/1.1 over kept-alive connections: an answer is whole and in time, or it is an error."""

import os
import re
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from urllib.parse import urlsplit

from signature import Request

CONNECT_SECONDS = 1.0
READ_SECONDS = 2.0
# S3 answers with at most 8 KB of headers, DynamoDB with an item of at most 400 KB as JSON.
MAX_HEAD = 64 * 1024
MAX_BODY = 4 * 1024**2
TLS_RECORD = 16 * 1024
USER_AGENT = "file-metadata-pipeline"
NO_BODY = (204, 304)
# https://www.rfc-editor.org/rfc/rfc9112
STATUS_LINE = re.compile(r"HTTP/1\.1 ([1-9][0-9]{2})( .*)?")
HEADER = re.compile(r"([!-9;-~]+):([^\r\n\0]*)")
LENGTH = re.compile(r"[0-9]{1,12}")
CHUNK_SIZE = re.compile(r"[0-9A-Fa-f]{1,8}")


class AnswerError(Exception):
    """What came is not a whole answer."""


class NoAnswerError(ConnectionError):
    """A connection ended before any byte of an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered."""

    status: int
    headers: dict[str, str]
    """Their names in lower case."""
    body: bytes


class Host:
    """A host, and the connections to it that are open and not in use.

    A connection is used by one thread at a time.
    """

    def __init__(self, url: str) -> None:
        """Take a host's URL, ``http[s]://<host>[:<port>]``."""
        parts = urlsplit(url)
        self.name = parts.netloc
        self._host = str(parts.hostname)
        self._tls = _tls(os.environ.get("AWS_CA_BUNDLE")) if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._idle: list[_Connection] = []

    def open(self) -> None:
        """Connect, so that the next exchange need not; if that fails, the exchange tries again."""
        with suppress(OSError):
            self._idle.append(self._connect())

    def close(self) -> None:
        """Close what is open and not in use."""
        while self._idle:
            self._idle.pop().close()

    def exchange(self, request: Request) -> Answer:
        """Send a request, and return what is answered.

        Raises:
            OSError: no connection, or no answer within the time.
            AnswerError: what came is not a whole answer.
        """
        end = monotonic() + CONNECT_SECONDS + READ_SECONDS
        try:
            kept = self._idle.pop()
        except IndexError:
            kept = None
        if kept:
            # Its other side may have closed it while the container slept.
            with suppress(NoAnswerError):
                return self._exchange(kept, request, end)
        return self._exchange(self._connect(), request, end)

    def _exchange(self, connection: "_Connection", request: Request, end: float) -> Answer:
        keep = False
        try:
            connection.send(_written(request), min(end, monotonic() + READ_SECONDS))
            answer = connection.answer(has_body=request.method != "HEAD")
            keep = "close" not in answer.headers.get("connection", "").lower()
        finally:
            if keep and connection.is_read:
                self._idle.append(connection)
            else:
                connection.close()
        return answer

    def _connect(self) -> "_Connection":
        end = monotonic() + CONNECT_SECONDS
        error: OSError = OSError(f"no address of {self._host}")
        for *kind, _, address in socket.getaddrinfo(
            self._host, self._port, type=socket.SOCK_STREAM
        ):
            connected = socket.socket(*kind)
            try:
                connected.settimeout(max(end - monotonic(), 0.001))
                connected.connect(address)
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls:
                    connected.settimeout(max(end - monotonic(), 0.001))
                    connected = self._tls.wrap_socket(connected, server_hostname=self._host)
            except OSError as err:
                connected.close()
                error = err
            else:
                return _Connection(connected)
        raise error


def _written(request: Request) -> bytes:
    lines = [f"{request.method} {request.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines += [f"user-agent: {USER_AGENT}", f"content-length: {len(request.body)}", "", ""]
    return "\r\n".join(lines).encode("ascii") + request.body


@lru_cache
def _tls(authorities: str | None) -> ssl.SSLContext:
    """What a certificate is verified by: a file of authorities, or the system's."""
    context = ssl.create_default_context(cafile=authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Connection:
    """One connection, whose answers are read one by one; after an error it is closed."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._received = bytearray()
        self._is_answered = False
        self._end = 0.0

    @property
    def is_read(self) -> bool:
        """Whether no byte has come that is not read."""
        return not self._received

    def close(self) -> None:
        self._socket.close()

    def send(self, request: bytes, end: float) -> None:
        """Send a request whose answer must be whole at a time of the monotonic clock."""
        self._end, self._is_answered = end, False
        self._socket.settimeout(self._left())
        try:
            self._socket.sendall(request)
        except TimeoutError:
            raise
        except OSError as err:
            raise NoAnswerError(str(err)) from err

    def answer(self, *, has_body: bool) -> Answer:
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
            self._receive()
        text = self._received[:length].decode("latin-1")
        del self._received[: length + len(end)]
        return text

    def _take(self, length: int, most: int = MAX_BODY) -> bytes:
        if length > most:
            raise AnswerError(f"body must be at most {MAX_BODY} bytes, got more")
        while len(self._received) < length:
            self._receive()
        taken = bytes(self._received[:length])
        del self._received[:length]
        return taken

    def _receive(self) -> None:
        self._socket.settimeout(self._left())
        try:
            received = self._socket.recv(TLS_RECORD)
            if not received:
                raise ConnectionResetError("connection was closed")
        except OSError as err:
            if self._is_answered or isinstance(err, TimeoutError):
                raise
            raise NoAnswerError(str(err)) from err
        self._is_answered = True
        self._received += received

    def _left(self) -> float:
        left = self._end - monotonic()
        if left <= 0:
            raise TimeoutError(f"answer must be whole within {READ_SECONDS} s, got none or a part")
        return left
