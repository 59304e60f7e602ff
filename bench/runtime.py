"""A Lambda runtime API on loopback: runs a handler in AWS's own runtime client.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any

from bench.server import QuietHandler, serving
from bench.testbed import Handler, Resources, environment

# The bytes that CloudWatch Logs bills for each event in addition to its text:
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
INVOCATION = {
    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:bench",
    "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000",
    "Content-Type": "application/json",
}


def billed(lines: Sequence[str]) -> int:
    """The billed bytes of log lines."""
    return sum(len(line.encode()) + EVENT_BYTES for line in lines)


def run(
    resources: Resources,
    handler: Handler,
    events: Sequence[Any],
    log_format: str,
    log_level: str,
) -> tuple[float, list[str]]:
    """Run a handler over events, one after the other.

    Args:
        resources: bucket and table.
        handler: the handler.
        events: at least one.
        log_format: ``JSON`` or ``Text``.
        log_level: ``DEBUG``, ``INFO`` or ``WARN``.

    Returns:
        Milliseconds from the start of the process to the first answer, and the logged lines.
    """
    folder, module = handler
    waiting = [json.dumps(event).encode() for event in events]
    answered: list[float] = []
    errors: list[str] = []

    class Api(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802 - the library's name
            """Answer with the next event; end the process if there is none."""
            if not waiting:
                process.kill()
                return
            deadline = {"Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 15_000)}
            request = {"Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4())}
            self.answer(200, INVOCATION | deadline | request, waiting.pop(0))

        def do_POST(self) -> None:  # noqa: N802
            """Accept an answer or an error."""
            body = self.body()
            answered.append(time.perf_counter())
            if self.path.endswith("/error"):
                errors.append(body.decode()[:500])
            self.answer(202, {})

    with serving(Api) as endpoint:
        settings = {
            "AWS_LAMBDA_RUNTIME_API": endpoint.removeprefix("http://"),
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
        process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", f"{module}.lambda_handler"],
            env=environment(resources.cloud.endpoint) | settings,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        too_long = threading.Timer(120, process.kill)
        too_long.start()
        lines = process.communicate()[0].split("\n")
        too_long.cancel()
    if errors or len(answered) < len(events):
        raise RuntimeError(f"{module} failed in the runtime client: {errors or lines[-20:]}")
    return (answered[0] - began) * 1e3, [line for line in lines if line.strip()]


def log_bytes(
    resources: Resources,
    handler: Handler,
    events: Sequence[Any],
    log_format: str,
    log_level: str,
) -> float:
    """Billed bytes of the function's own lines, for each event."""
    _, lines = run(resources, handler, events, log_format, log_level)
    # boto3 logs the emulator's endpoint, which comes from a variable that Lambda does not have.
    return billed([line for line in lines if "Found endpoint for" not in line]) / len(events)
