"""A Lambda runtime API on loopback: runs a handler in AWS's own runtime client.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# What CloudWatch Logs bills for each event on top of its text:
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
EVENT_BYTES = 26
REQUEST = "8286a188-ba32-4475-8077-530cd35c09a9"
# Lambda's own lines for one warm invocation, as its pages show them:
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
PLATFORM_TEXT = (
    f"START RequestId: {REQUEST} Version: $LATEST\n",
    f"END RequestId: {REQUEST}\n",
    f"REPORT RequestId: {REQUEST}\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB"
    "\tMax Memory Used: 90 MB\t\n",
)
PLATFORM_JSON = tuple(
    json.dumps({"time": "2026-03-14T09:26:53.589Z", "type": kind, "record": record})
    for kind, record in (
        ("platform.start", {"requestId": REQUEST, "version": "$LATEST"}),
        (
            "platform.report",
            {
                "requestId": REQUEST,
                "metrics": {
                    "durationMs": 12.345,
                    "billedDurationMs": 13,
                    "memorySizeMB": 128,
                    "maxMemoryUsedMB": 90,
                },
                "status": "success",
            },
        ),
    )
)


def billed(lines: Sequence[str]) -> int:
    """Bytes that lines are billed for."""
    return sum(len(line.encode()) + EVENT_BYTES for line in lines)


@dataclass(frozen=True)
class Ran:
    """What a run in the runtime client took."""

    ready_ms: float
    """From the start of the process to the first request for an event."""
    first_ms: float
    """From the start of the process to the first answer."""
    lines: list[str]
    """What the function logged."""


def run(
    folder: Path,
    module: str,
    events: Sequence[Any],
    environment: Mapping[str, str],
    *,
    log_format: str,
    log_level: str,
) -> Ran:
    """Run a handler over events.

    Args:
        folder: where the handler is.
        module: its module, which has ``lambda_handler``.
        events: one after the other.
        environment: of the process.
        log_format: ``JSON`` or ``Text``.
        log_level: ``INFO`` or ``WARN``.
    """
    api = _Api(events)
    settings = {
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "LAMBDA_TASK_ROOT": str(folder),
        "_HANDLER": f"{module}.lambda_handler",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_FORMAT": log_format,
        "AWS_LAMBDA_LOG_LEVEL": log_level,
        "PYTHONPATH": str(folder),
    }
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "awslambdaric", f"{module}.lambda_handler"],
        env={**environment, **settings},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        lines: list[str] = []
        reader = threading.Thread(target=lines.extend, args=(process.stdout or (),), daemon=True)
        reader.start()
        done = api.done.wait(120)
        process.kill()
        reader.join(10)
    api.close()
    if not done or api.errors:
        raise RuntimeError(f"{module} failed in the runtime client: {api.errors or lines[-20:]}")
    logged = [line.rstrip("\n") for line in lines if line.strip()]
    return Ran((api.asked[0] - began) * 1e3, (api.answered[0] - began) * 1e3, logged)


class _Api:
    """Hands out events, and keeps when."""

    def __init__(self, events: Sequence[Any]) -> None:
        self.waiting = [json.dumps(event).encode() for event in events]
        self.asked: list[float] = []
        self.answered: list[float] = []
        self.errors: list[str] = []
        self.done = threading.Event()
        handler = type("Handler", (_Handler,), {"api": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: _Api

    def do_GET(self) -> None:
        """Hand out the next event; hold the line when there is none."""
        self.api.asked.append(time.perf_counter())
        if not self.api.waiting:
            self.api.done.set()
            time.sleep(3600)
        body = self.api.waiting.pop(0)
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", str(uuid.uuid4()))
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 15_000))
        arn = "arn:aws:lambda:us-east-1:000000000000:function:bench"
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", arn)
        self.send_header("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """Take an answer or an error."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.api.answered.append(time.perf_counter())
        if self.path.endswith("/error"):
            self.api.errors.append(body.decode()[:500])
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
