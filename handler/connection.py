"""HTTP/1.1 over kept-alive connections; an answer that is late or incomplete is an error."""

import os
import socket
import ssl
from contextlib import suppress
from functools import lru_cache
from time import monotonic
from urllib.parse import urlsplit

from answers import Answer, Reader
from signature import Request

CONNECT_SECONDS = 1.0
READ_SECONDS = 2.0
TLS_RECORD = 16 * 1024
USER_AGENT = "file-metadata-pipeline"


class NoAnswerError(ConnectionError):
    """A connection ended before any byte of an answer."""


class Host:
    """A host and its idle connections.

    One thread at a time uses a connection, in the process that opened it.
    """

    def __init__(self, url: str) -> None:
        """Store a host's URL, ``http[s]://<host>[:<port>]``."""
        parts = urlsplit(url)
        self.name = parts.netloc
        self._host = str(parts.hostname)
        self._tls = _tls(os.environ.get("AWS_CA_BUNDLE")) if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._idle: list[_Connection] = []
        self._process = os.getpid()

    def open(self) -> None:
        """Connect in advance; if that fails, the next exchange connects."""
        with suppress(OSError):
            self._idle.append(self._connect())

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def exchange(self, request: Request) -> Answer:
        """Send a request, and return the answer.

        Raises:
            OSError: there was no connection, or no answer in time.
            AnswerError: the answer is invalid.
        """
        end = monotonic() + CONNECT_SECONDS + READ_SECONDS
        if self._process != os.getpid():
            # Forked: on its parent's connections it would read its parent's answers.
            self.close()
            self._process = os.getpid()
        try:
            kept = self._idle.pop()
        except IndexError:
            kept = None
        if kept:
            # The host may have closed it while the container was frozen.
            with suppress(NoAnswerError):
                return self._exchange(kept, request, end)
        return self._exchange(self._connect(), request, end)

    def _exchange(self, connection: "_Connection", request: Request, end: float) -> Answer:
        is_reusable = False
        try:
            answer = connection.exchange(request, min(end, monotonic() + READ_SECONDS))
            is_reusable = connection.is_reusable(answer)
        finally:
            if is_reusable:
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
    target = f"{request.path}?{request.query}" if request.query else request.path
    lines = [f"{request.method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines += [f"user-agent: {USER_AGENT}", f"content-length: {len(request.body)}", "", ""]
    return "\r\n".join(lines).encode("ascii") + request.body


@lru_cache
def _tls(authorities: str | None) -> ssl.SSLContext:
    """Verify certificates against a file of certificate authorities, or against the system's."""
    context = ssl.create_default_context(cafile=authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Connection:
    """One connection, which is closed after an error."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._reader = Reader(self._receive)
        self._is_answered = False
        self._end = 0.0

    def exchange(self, request: Request, end: float) -> Answer:
        """Send a request, and read its answer until ``end``, a time of the monotonic clock."""
        self._end, self._is_answered = end, False
        self._socket.settimeout(self._left())
        try:
            self._socket.sendall(_written(request))
        except TimeoutError:
            raise
        except OSError as err:
            raise NoAnswerError(str(err)) from err
        return self._reader.answer(has_body=request.method != "HEAD")

    def is_reusable(self, answer: Answer) -> bool:
        """Whether the connection stays open, and nothing follows the answer."""
        return self._reader.is_empty and "close" not in answer.headers.get("connection", "").lower()

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> bytes:
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
        return received

    def _left(self) -> float:
        left = self._end - monotonic()
        if left <= 0:
            raise TimeoutError(f"answer must be whole within {READ_SECONDS} s, got none or a part")
        return left
