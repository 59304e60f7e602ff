"""A server on loopback that answers as a list of steps says, however wrong."""

import contextlib
import enum
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing sends RST


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
        with contextlib.suppress(OSError), connection:
            while request := _request(connection):
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
    listening = socket.create_server(("127.0.0.1", 0))
    scheme = "https" if tls else "http"
    running = Server(f"{scheme}://127.0.0.1:{listening.getsockname()[1]}", list(answers))
    threads: list[threading.Thread] = []

    def accept() -> None:
        while not running.stopped.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            running.connections += 1
            threads.append(threading.Thread(target=start, args=(connection,), daemon=True))
            threads[-1].start()

    def start(connection: socket.socket) -> None:
        if tls:
            try:
                connection = tls.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()
                return
        running.serve(connection)

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield running
    finally:
        running.stopped.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join(10)


def _request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            return b""
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
