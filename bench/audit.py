"""What an audit takes, by length of key and number of versions: `python -m bench.audit`.

Bucket and table are answers of a server in a process of its own, so that only the audit's CPU is
counted. `--write docs/cost.md` brings the page's table up to date.
"""

import json
import os
import resource
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click

from auditor import run_audit
from bench.cost import MILLION, VCPU_MB, Row, load_prices, show
from bench.testbed import run_module

PAGE = 1000
LIST_WAIT_MS = 100.0
"""For a listing of a thousand versions: a guess, AWS says nothing."""
ROW_BYTES = 450
"""Of a row beside its key."""
CASES = ((50, 1), (1000, 1), (50, 10))
ENVIRONMENT = {
    "AUDIT": "report",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "DYNAMODB_TABLE_NAME": "rows",
    "OBJECT_PREFIX": "",
    "OBJECT_SUFFIX": "",
    "S3_BUCKET_NAME": "bucket",
}
WHEN = "2026-01-02T03:04:05.000Z"
ETAG = "0123456789abcdef0123456789abcdef"
VERSION = "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIb{:02}"


def key(number: int, length: int) -> str:
    """Make a key of so many bytes."""
    return f"{number:010}".ljust(length, "x")


class _Bucket(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    count, length, versions = 0, 0, 0

    def do_GET(self) -> None:
        """List versions."""
        query = {name: of[0] for name, of in parse_qs(urlsplit(self.path).query).items()}
        first = 0
        if marker := query.get("key-marker"):
            number = int(query["version-id-marker"][-2:]) if "version-id-marker" in query else 99
            first = int(marker[:10]) * self.versions + min(number + 1, self.versions)
        last = min(first + PAGE, self.count * self.versions)
        made = "".join(self._version(at) for at in range(first, last))
        more = last < self.count * self.versions
        marker = ""
        if more:
            name, version = divmod(last - 1, self.versions)
            marker = (
                f"<NextKeyMarker>{key(name, self.length)}</NextKeyMarker>"
                f"<NextVersionIdMarker>{VERSION.format(version)}</NextVersionIdMarker>"
            )
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>{marker}"
        self._send(f"<ListVersionsResult>{truncated}{made}</ListVersionsResult>", "application/xml")

    def _version(self, at: int) -> str:
        name, version = divmod(at, self.versions)
        return (
            f"<Version><Key>{key(name, self.length)}</Key>"
            f"<VersionId>{VERSION.format(version)}</VersionId>"
            f"<IsLatest>{str(version == 0).lower()}</IsLatest><LastModified>{WHEN}</LastModified>"
            f"<ETag>&quot;{ETAG}&quot;</ETag><Size>7</Size>"
            "<StorageClass>STANDARD</StorageClass></Version>"
        )

    def do_POST(self) -> None:
        """Scan."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        start = int(body.get("ExclusiveStartKey", {"file_key": {"S": "-1"}})["file_key"]["S"][:10])
        numbers = range(body["Segment"], self.count, body["TotalSegments"])
        rest = numbers[
            (start - body["Segment"]) // body["TotalSegments"] + 1 if start >= 0 else 0 :
        ]
        page = rest[: body["Limit"]]
        items = [
            {
                "file_key": {"S": key(number, self.length)},
                "processing_status": {"S": "completed"},
                "file_size": {"N": "7"},
                "etag": {"S": ETAG},
                "version_id": {"S": VERSION.format(0)},
            }
            for number in page
        ]
        last = {"LastEvaluatedKey": {"file_key": items[-1]["file_key"]}} if items else {}
        self._send(json.dumps({"Items": items, **last}), "application/x-amz-json-1.0")

    def _send(self, text: str, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


class _Time:
    """Lambda's context."""

    function_name = "audit"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def audited() -> dict[str, float]:
    """Run an audit in this process; its CPU, and the most memory and disk that it had."""
    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            most[0] = max(most[0], _on_disk())

    watching = threading.Thread(target=watch)
    watching.start()
    idle = resource.getrusage(resource.RUSAGE_SELF)
    run_audit.lambda_handler({}, _Time())
    used = resource.getrusage(resource.RUSAGE_SELF)
    over.set()
    watching.join()
    cpu = used.ru_utime + used.ru_stime - idle.ru_utime - idle.ru_stime
    return {"cpu": cpu, "memory": used.ru_maxrss * 1024, "disk": most[0]}


def _on_disk() -> int:
    """Bytes of this process's open files under /tmp; SQLite's for sorting have no name any more."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            if str(link.readlink()).startswith(("/tmp/", "/var/tmp/")):  # noqa: S108
                found += link.stat().st_size
        except OSError:
            continue
    return found


def case(length: int, versions: int, count: int) -> Row:
    """Audit so many keys in a process of its own; the figures for a million."""
    command = [sys.executable, "-c", SERVE, str(count), str(length), str(versions)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None  # noqa: S101 - it is a pipe
        try:
            environment = ENVIRONMENT | {
                "PATH": os.environ["PATH"],
                "AWS_ENDPOINT_URL": server.stdout.readline().strip(),
            }
            printed = run_module("bench.audit", "--worker", environment=environment)
        finally:
            server.kill()
    ended, figures = map(json.loads, printed.splitlines())
    if ended["compared"] != count or not ended["complete"]:
        raise RuntimeError(f"the audit must compare {count} keys, got {ended}")
    prices, scale = load_prices(), MILLION / count
    listings = MILLION * versions / PAGE
    seconds = figures["cpu"] * scale + listings * LIST_WAIT_MS / 1000
    parts = {
        "compute": prices["lambda_arm64"].of(seconds * VCPU_MB / 1024),
        "listing": prices["s3_write"].of(listings),
        "scan": prices["dynamodb_read"].of(MILLION * (length + ROW_BYTES) / 8192),
    }
    return {
        "key, bytes": length,
        "versions": versions,
        "CPU s": round(figures["cpu"] * scale),
        "seconds": round(seconds),
        "MB on disk": round(figures["disk"] * scale / MILLION),
        "memory MB": round(figures["memory"] / MILLION),
        **parts,
        "total": sum(parts.values()),
    }


SERVE = """
import sys
from http.server import ThreadingHTTPServer
from bench.audit import _Bucket
_Bucket.count, _Bucket.length, _Bucket.versions = map(int, sys.argv[1:])
server = ThreadingHTTPServer(("127.0.0.1", 0), _Bucket)
print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
"""


@click.command()
@click.option("--keys", default=100_000, show_default=True, help="How many to compare.")
@click.option("--worker", is_flag=True, help="Run one audit, as the environment says.")
@click.option("--write", type=click.Path(path_type=Path, exists=True), help="Put into a page.")
def main(keys: int, worker: bool, write: Path | None) -> None:
    """What an audit of a million keys takes and costs."""
    if worker:
        click.echo(json.dumps(audited()))
        return
    made = [case(length, versions, keys) for length, versions in CASES]
    show({"audit": made}, write, as_json=False)


if __name__ == "__main__":
    main()
