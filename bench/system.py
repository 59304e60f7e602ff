"""The whole: the program, the demo, freshness and saturation on the emulator, and the tool."""

import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from bench.bed import REGION, ROOT, run_module
from local import emulator as emulators
from local import engine
from local.cloud import Cloud
from local.resources import CloudMocks
from ops import rows
from ops.announce import Announcer
from ops.pace import Pace
from pipeline.package import handler_archive

Figures = dict[str, float]
STEADY = 20
"""Uploads a second."""
PATIENCE_SECONDS = 120
MEASURE = (
    "import resource, subprocess, sys;"
    "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode;"
    "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


def program(rounds: int) -> Figures:
    """Declare the prod stack: seconds with imports, MB, and the archive's bytes of source."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    ran = [
        json.loads(run_module("bench.declare", "prod", environment=environment))
        for _ in range(rounds)
    ]
    figures = {name: statistics.median(one[name] for one in ran) for name in ran[0]}
    files: Any = handler_archive().assets
    figures["archive_bytes"] = sum(len(file.text) for file in files.values())
    return figures


def demo() -> Figures:
    """`make demo`, once it is set up, by its own stages: seconds."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    text = run_module("local", environment=environment)
    stages = re.findall(r"^(\S.*?)\s+(\d+\.\d+) s$", text, re.MULTILINE)
    names = ("demo_emulator_s", "demo_deploy_s", "demo_rows_s")
    return {name: float(seconds) for name, (_, seconds) in zip(names, stages, strict=True)}


def emulated(seconds: int, objects: int) -> Figures:
    """Deploy, and measure freshness, saturation and the tool.

    Args:
        seconds: of steady uploads.
        objects: that are announced at once, and over which the tool goes.
    """
    with emulators.running() as emulator:
        cloud = Cloud(emulator.endpoint, REGION)
        outputs = engine.run(ROOT, "dev", engine.stack_config(ROOT, "dev"), CloudMocks(cloud))
        stack = _Stack(cloud, outputs)
        figures = stack.freshness(seconds)
        figures |= stack.saturation(objects)
        return figures | stack.tool(objects)


class _Stack:
    def __init__(self, cloud: Cloud, outputs: dict[str, str]) -> None:
        self.cloud, self.outputs = cloud, outputs
        self.bucket, self.table = outputs["S3BucketName"], outputs["DynamoDBTableName"]

    def freshness(self, seconds: int) -> Figures:
        """Upload at a steady rate; from event to row."""
        self._put("warm-up")
        self._wait(1)
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            for number in range(seconds * STEADY):
                time.sleep(max(0.0, began + number / STEADY - time.monotonic()))
                pool.submit(self._put, f"steady/{number:05}.csv")
        self._wait(1 + seconds * STEADY)
        lags = sorted(
            (_time(row["processed_at"]) - _time(row["event_time"])).total_seconds() * 1e3
            for row in self._rows()
            if str(row["file_key"]).startswith("steady/")
        )
        return {
            "freshness_p50_ms": statistics.median(lags),
            "freshness_p99_ms": lags[int(0.99 * (len(lags) - 1))],
        }

    def saturation(self, objects: int) -> Figures:
        """Announce objects as fast as Lambda takes them; rows a second until the last."""
        notification: Any = self.cloud("s3").get_bucket_notification_configuration(
            Bucket=self.bucket
        )
        del notification["ResponseMetadata"]
        self._notify({})
        with ThreadPoolExecutor(8) as pool:
            names = [f"many/{number:06}.csv" for number in range(objects)]
            list(pool.map(self._put, names))
        self._notify(notification)
        before = len(self._rows())
        announcer = Announcer(
            self.cloud("lambda"),
            self.outputs["LambdaFunctionName"],
            self.bucket,
            "Bench:Announced",
            Pace(1e9, threading.Event()),
        )
        began = time.monotonic()
        sum(announcer.announce(names))
        self._wait(before + objects)
        return {"saturation_records_s": objects / (time.monotonic() - began)}

    def tool(self, objects: int) -> Figures:
        """`ops backfill` that finds all rows there, and `ops verify`."""
        figures = {}
        for command in ("backfill", "verify"):
            names = {
                "--bucket": self.bucket,
                "--table": self.table,
                "--function": self.outputs["LambdaFunctionName"],
                "--region": REGION,
                "--endpoint-url": self.cloud.endpoint,
            }
            words = [word for pair in names.items() for word in pair]
            began = time.monotonic()
            done = subprocess.run(
                [sys.executable, "-c", MEASURE, sys.executable, "-m", "ops", command, *words],
                env={
                    "PATH": os.environ["PATH"],
                    "PYTHONPATH": str(ROOT),
                    "AWS_ACCESS_KEY_ID": "test",
                    "AWS_SECRET_ACCESS_KEY": "test",
                },
                capture_output=True,
                text=True,
                check=True,
            )
            code, kilobytes = map(int, done.stdout.split())
            if code:
                raise RuntimeError(f"ops {command} ended with {code}: {done.stderr[-1000:]}")
            figures[f"{command}_objects_s"] = objects / (time.monotonic() - began)
            figures[f"{command}_mb"] = kilobytes / 1024
        return figures

    def _put(self, key: str) -> None:
        self.cloud("s3").put_object(Bucket=self.bucket, Key=key, Body=b"x" * 1024)

    def _notify(self, configuration: dict[str, Any]) -> None:
        self.cloud("s3").put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration=configuration
        )

    def _rows(self) -> list[rows.Row]:
        pages = rows.pages(self.cloud("dynamodb"), self.table, {}, threading.Event())
        return [row for page in pages for row in page]

    def _wait(self, expected: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := len(self._rows())) < expected:
            if time.monotonic() > deadline:
                raise RuntimeError(f"rows must be {expected}, got {found}")
            time.sleep(0.05)


def _time(text: Any) -> datetime:
    return datetime.fromisoformat(text)
