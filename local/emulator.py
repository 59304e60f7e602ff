"""Runs the AWS emulator on a loopback address, and deletes its files afterwards."""

import contextlib
import ipaddress
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

START_ATTEMPTS = 3
START_SECONDS = 30
STOP_SECONDS = 2


class EmulatorError(RuntimeError):
    """The emulator did not start."""


@dataclass(frozen=True)
class Emulator:
    """A running emulator."""

    endpoint: str
    folder: Path
    """Its temporary files; deleted when it stops."""
    process: subprocess.Popen[bytes]
    certificate: str | None = None
    """The PEM file to trust, where the endpoint is HTTPS."""

    def log(self) -> str:
        """Return the last lines of the emulator's log."""
        text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-40:])


def require_loopback(endpoint: str) -> str:
    """Return an endpoint that leads to this machine.

    Raises:
        ValueError: it leads to another machine. This folder deploys for demos and tests, without
            state, locks or secrets; it must never deploy to AWS.
    """
    host = urlsplit(endpoint).hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"endpoint must be on a loopback address, got {endpoint!r}")
    return endpoint


@contextlib.contextmanager
def running(settings: Mapping[str, str] | None = None) -> Iterator[Emulator]:
    """Run an emulator within a ``with`` block.

    Args:
        settings: environment variables for it, such as ``LAMBDA_ASYNC_RETRY_BASE_SECONDS``;
            with ``USE_SSL``, ``MINISTACK_SSL_CERT`` must name a PEM file to serve and trust.

    Raises:
        EmulatorError: the emulator did not start; the message has the end of its log.
    """
    for attempt in range(1, START_ATTEMPTS + 1):
        folder = Path(tempfile.mkdtemp(prefix="file-metadata-"))
        try:
            emulator = _start(folder, settings or {})
            try:
                problem = _wait_until_ready(emulator)
                if problem is None:
                    yield emulator
                    return
            finally:
                _stop(emulator.process)
            if attempt == START_ATTEMPTS:
                raise EmulatorError(f"emulator {problem}; its log ends:\n{emulator.log()}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, settings: Mapping[str, str]) -> Emulator:
    port = _free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "S3_DATA_DIR": str(folder / "s3"),
        "STATE_DIR": str(folder / "state"),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent.sock",
        # The processes that run the functions inherit this environment.
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
        **settings,
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Its own process group: Ctrl-C does not reach it, and its workers end with it.
            start_new_session=True,
        )
    scheme = "https" if "USE_SSL" in settings else "http"
    certificate = settings.get("MINISTACK_SSL_CERT")
    return Emulator(f"{scheme}://127.0.0.1:{port}", folder, process, certificate)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(emulator: Emulator) -> str | None:
    """Wait for the first answer; return the problem, if there is one."""
    # If another server has taken the port in the meantime, that server answers. Only an emulator
    # that got the port writes this file.
    own = emulator.folder / f"ministack-{urlsplit(emulator.endpoint).port}.pid"
    trust = ssl.create_default_context(cafile=emulator.certificate)
    # Without a proxy, even if the environment sets one.
    handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
    direct = urllib.request.build_opener(*handlers)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if emulator.process.poll() is not None:
            return f"ended with status {emulator.process.returncode}"
        with contextlib.suppress(OSError):
            if own.exists():
                direct.open(f"{emulator.endpoint}/_ministack/ready", timeout=2).close()
                return None
        time.sleep(0.02)
    return f"must be ready within {START_SECONDS} s"


def _stop(process: subprocess.Popen[bytes]) -> None:
    try:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    finally:
        # Also if a second Ctrl-C ends the wait.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
