"""A server on loopback that answers as a list of steps says, however wrong."""

import contextlib
import enum
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from support.faults import RESET
from support.servers import serving


class Do(enum.Enum):
    """What a server may do besides sending bytes."""

    CLOSE = "close"
    RESET = "reset"
    STALL = "stall"
    """Keep the connection, and send nothing more."""
    TRICKLE = "trickle"
    """Send a byte ten times a second, without end."""
    FLOOD = "flood"
    """Send informational answers without end."""


Steps = Sequence[bytes | Do]


@dataclass
class Server:
    """A running server, and what it saw."""

    url: str
    answers: list[Steps]
    """One a request; the last is repeated."""
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while request := _request(stream):
                self.requests.append(request)
                number = min(len(self.requests), len(self.answers)) - 1
                for step in self.answers[number]:
                    if not self.do(step, connection):
                        return

    def do(self, step: bytes | Do, connection: socket.socket) -> bool:
        """Make one step; false if it was the connection's last."""
        if isinstance(step, bytes):
            connection.sendall(step)
            return True
        if step is Do.RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        while step is Do.FLOOD:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        while step is Do.TRICKLE and not self.stopped.wait(0.05):
            connection.sendall(b"a")
        if step is Do.STALL:
            self.stopped.wait()
        return False


@contextlib.contextmanager
def server(*answers: Steps, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run one for the length of a ``with`` block."""

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            running.connections += 1
            with contextlib.suppress(OSError):
                accepted = tls.wrap_socket(self.request, server_side=True) if tls else self.request
                running.serve(accepted)

    listening = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)
    listening.daemon_threads = True
    with serving(listening) as address:
        running = Server(f"{'https' if tls else 'http'}://{address}", list(answers))
        try:
            yield running
        finally:
            running.stopped.set()


def _request(stream: BinaryIO) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return b""
        head += line
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    return head + stream.read(length)
