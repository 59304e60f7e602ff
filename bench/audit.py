"""Measures and prices an audit, by length of key and number of versions: `python -m bench.audit`.

A server answers in place of bucket and table. Each audit runs in its own process, whose CPU time is
measured. A few keys stand for many: if each stands for ten, time passes ten times as fast and a
window has a tenth of the space, so the audit has the same number of windows and invocations.
`--write docs/cost.md` updates the table on the page.
"""

import json
import resource
import threading
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click

from auditor import run_audit
from auditor.audit import Limits
from bench.cost import MILLION, PRICES, VCPU_MB, Row, show, totalled
from bench.server import QuietHandler, serving
from bench.testbed import environment, run_module
from bench.worker import peak_kilobytes

PAGE = 1000
LIST_WAIT_MS = 100.0
"""Wait for a listing of a thousand versions: an assumption, as AWS gives no number."""
ROW_BYTES = 450
"""The size of a row without its key."""
CASES = ((50, 1), (1000, 1), (50, 10))
INVOCATION_SECONDS = 900.0
WHEN = "2026-01-02T03:04:05.000Z"
ETAG = "0123456789abcdef0123456789abcdef"
VERSION = "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIb{:02}"


def key(number: int, length: int) -> str:
    """Make a key of a length in bytes."""
    return f"{number:010}".ljust(length, "x")


class _Bucket(QuietHandler):
    count, length, versions = 0, 0, 0
    windows = 0

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        """List versions."""
        query = {name: of[0] for name, of in parse_qs(urlsplit(self.path).query).items()}
        first = 0
        if marker := query.get("key-marker"):
            number = int(query["version-id-marker"][-2:]) if "version-id-marker" in query else 99
            first = int(marker[:10]) * self.versions + min(number + 1, self.versions)
        last = min(first + PAGE, self.count * self.versions)
        made = "".join(self._version(at) for at in range(first, last))
        marker = ""
        if more := last < self.count * self.versions:
            name, version = divmod(last - 1, self.versions)
            marker = (
                f"<NextKeyMarker>{key(name, self.length)}</NextKeyMarker>"
                f"<NextVersionIdMarker>{VERSION.format(version)}</NextVersionIdMarker>"
            )
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>{marker}"
        listed = f"<ListVersionsResult>{truncated}{made}</ListVersionsResult>"
        self.answer(200, {"Content-Type": "application/xml"}, listed.encode())

    def _version(self, at: int) -> str:
        name, version = divmod(at, self.versions)
        return (
            f"<Version><Key>{key(name, self.length)}</Key>"
            f"<VersionId>{VERSION.format(version)}</VersionId>"
            f"<IsLatest>{str(version == 0).lower()}</IsLatest><LastModified>{WHEN}</LastModified>"
            f"<ETag>&quot;{ETAG}&quot;</ETag><Size>7</Size>"
            "<StorageClass>STANDARD</StorageClass></Version>"
        )

    def do_POST(self) -> None:  # noqa: N802
        """Scan a page, or accept the event of the next invocation."""
        body = json.loads(self.body())
        if self.path.startswith("/2015-03-31/functions/"):
            self.answer(202, {})
            return
        # Each window scans the table once: the first segment's first page stands for it.
        _Bucket.windows += body["Segment"] == 0 and "ExclusiveStartKey" not in body
        start = int(body.get("ExclusiveStartKey", {"file_key": {"S": "-1"}})["file_key"]["S"][:10])
        numbers = range(body["Segment"], self.count, body["TotalSegments"])
        page = numbers[bisect(numbers, start) :][: body["Limit"]]
        within = body.get("ExpressionAttributeValues", {})
        after = int(within[":after"]["S"][:10]) if ":after" in within else -1
        until = int(within[":until"]["S"][:10]) if ":until" in within else self.count
        items = [
            {
                "file_key": {"S": key(number, self.length)},
                "processing_status": {"S": "completed"},
                "file_size": {"N": "7"},
                "etag": {"S": ETAG},
                "version_id": {"S": VERSION.format(0)},
            }
            for number in page
            if after < number <= until
        ]
        found: dict[str, Any] = {"Items": items}
        if page:
            found["LastEvaluatedKey"] = {"file_key": {"S": key(page[-1], self.length)}}
        kind = {"Content-Type": "application/x-amz-json-1.0"}
        self.answer(200, kind, json.dumps(found).encode())


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@dataclass
class _Time:
    """Lambda's context, in which time passes ``scale`` times as fast."""

    scale: float
    function_name: str = "audit"
    listings: int = 0
    began: float = 0.0
    """When the invocation began, in seconds of this clock."""

    def now(self) -> float:
        return (_cpu() + self.listings * LIST_WAIT_MS / 1000) * self.scale

    def get_remaining_time_in_millis(self) -> int:
        return round(1000 * (self.began + INVOCATION_SECONDS - self.now()))


def audited(scale: float) -> Row:
    """Run an audit in this process; returns its time, and its largest use of memory and disk.

    Args:
        scale: how many keys each key stands for.
    """
    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            most[0] = max(most[0], _on_disk())

    run_audit.LIMITS = Limits(window_bytes=round(Limits.window_bytes / scale))
    time, events = _Time(scale), [json.dumps({})]
    _on("s3", "ListObjectVersions", lambda **_: setattr(time, "listings", time.listings + 1))
    _on("lambda", "Invoke", lambda params, **_: events.append(params["body"]))
    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    idle = time.now()
    while events:
        time.began = time.now()
        run_audit.lambda_handler(json.loads(events.pop()), time)
    seconds = time.now() - idle
    over.set()
    watching.join()
    return {
        "seconds": seconds,
        "listings": time.listings * scale,
        "memory": peak_kilobytes() * 1024,
        "disk": most[0] * scale,
    }


def _on(service: str, operation: str, act: Callable[..., None]) -> None:
    """Call a function before each call of an operation."""
    events = run_audit._client(service).meta.events
    events.register(f"before-call.{service}.{operation}", act)


def _on_disk() -> int:
    """Bytes of this process's open files under /tmp, also of SQLite's, which have no name."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            if str(link.readlink()).startswith(("/tmp/", "/var/tmp/")):  # noqa: S108
                found += link.stat().st_size
        except OSError:
            continue
    return found


def case(length: int, versions: int, count: int, of: int = MILLION) -> Row:
    """Audit some keys that stand for many, in a new process; returns the figures for many.

    Args:
        length: bytes of each key.
        versions: number of versions of each key.
        count: how many keys are compared.
        of: how many keys they stand for.
    """
    _Bucket.count, _Bucket.length, _Bucket.versions, _Bucket.windows = count, length, versions, 0
    with serving(_Bucket) as endpoint:
        settings = {
            "AUDIT": "report",
            "OBJECT_PREFIX": "",
            "OBJECT_SUFFIX": "",
            "S3_BUCKET_ACCOUNT_ID": "123456789012",
        }
        words = ("--worker", "--keys", str(count), "--of", str(of))
        printed = run_module("bench.audit", *words, env=environment(endpoint) | settings)
    ended, figures = map(json.loads, printed.splitlines())
    if ended["compared"] != count or not ended["complete"]:
        raise RuntimeError(f"the audit must compare {count} keys, got {ended}")
    table = of * (length + ROW_BYTES)
    row = {
        "key, bytes": length,
        "versions": versions,
        "seconds": round(figures["seconds"]),
        "invocations": ended["invocations"],
        "scans": _Bucket.windows,
        "MB on disk": round(figures["disk"] / MILLION),
        "memory MB": round(figures["memory"] / MILLION),
    }
    parts = {
        "compute": PRICES["lambda_arm64"] * figures["seconds"] * VCPU_MB / 1024,
        "listing": PRICES["s3_write"] * figures["listings"],
        "scan": PRICES["dynamodb_read"] * _Bucket.windows * table / 8192,
    }
    return totalled(row, parts)


@click.command()
@click.option("--keys", default=100_000, show_default=True, help="Keys to compare.")
@click.option("--of", default=MILLION, show_default=True, help="Keys that they stand for.")
@click.option("--worker", is_flag=True, help="Run one audit, as the environment says.")
@click.option("--write", type=click.Path(path_type=Path, exists=True), help="Page to write to.")
def main(keys: int, of: int, worker: bool, write: Path | None) -> None:
    """Measure and price an audit."""
    if worker:
        click.echo(json.dumps(audited(of / keys)))
        return
    made = [case(length, versions, keys, of) for length, versions in CASES]
    show({"audit": made}, write)


if __name__ == "__main__":
    main()
