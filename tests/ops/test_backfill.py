"""``ops backfill``: every object gets its row, whatever interrupts it, and no live row loses."""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import Result

from local.cloud import Cloud
from ops import rows
from ops.bucket import about_how_many
from ops.pace import LONGEST_PAUSE_SECONDS
from ops.recheck import MOST_KEYS
from support.journeys import Deployed
from support.pauses import Pauses
from support.synthetic import Synthetic, key, serving
from support.tool import of, ops, started, without_notification


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep state files out of the repository."""
    monkeypatch.chdir(tmp_path)


def backfill(of: Synthetic, *options: str, exits: int = 0) -> Result:
    return ops("backfill", *of.options(), "--rate", "1000000", *options, exits=exits)


def report(of: Synthetic, *options: str, exits: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(backfill(of, "--json", *options, exits=exits).stdout)
    return found


@pytest.fixture
def many() -> Iterator[Synthetic]:
    with serving(Synthetic(450, has_row=lambda n: n % 3 == 0, page=200)) as synthetic:
        yield synthetic


def test_what_has_no_row_is_requested_once(many: Synthetic) -> None:
    assert report(many) == {
        "listed": 450,
        "requested": 300,
        "dryRun": False,
        "finished": True,
        "refused": "",
    }
    assert many.requested == [key(n) for n in range(450) if n % 3]
    assert list(Path().iterdir()) == []


def pauses_of_reading(of: Synthetic) -> list[float]:
    client = boto3.client("dynamodb", "us-east-1", endpoint_url=of.endpoint)
    stop = Pauses()
    found = rows.statuses(client, "t", [key(n) for n in range(90)], stop)
    assert sorted(found) == [key(n) for n in range(0, 90, 3)]
    return stop.seconds


def test_keys_that_dynamodb_leaves_are_asked_for_again_after_a_growing_pause(
    many: Synthetic,
) -> None:
    many.read_at_once = 10
    pauses = pauses_of_reading(many)
    assert len(pauses) == 8
    assert all(0 < pause <= LONGEST_PAUSE_SECONDS for pause in pauses)
    assert pauses[:7] == sorted(pauses[:7])
    assert pauses_of_reading(many) != pauses, "without jitter all readers come at once"


def test_a_read_that_is_complete_takes_no_pause(many: Synthetic) -> None:
    assert pauses_of_reading(many) == []


def test_a_read_that_is_stopped_asks_for_no_more(many: Synthetic) -> None:
    many.read_at_once = 10
    client = boto3.client("dynamodb", "us-east-1", endpoint_url=many.endpoint)
    stop = Pauses()
    stop.set()
    assert len(rows.statuses(client, "t", [key(n) for n in range(0, 90, 3)], stop)) == 10


def test_all_is_all(many: Synthetic) -> None:
    backfill(many, "--all")
    assert many.requested == [key(n) for n in range(450)]


def test_a_dry_run_counts_and_requests_nothing(many: Synthetic) -> None:
    result = backfill(many, "--dry-run")
    assert "450 objects listed, 300 to request" in result.output
    assert many.requested == []
    assert list(Path().iterdir()) == []


def test_a_dry_run_minds_no_run_that_was_interrupted(many: Synthetic) -> None:
    Path("backfill-b.json").write_text("of another")
    backfill(many, "--dry-run")
    assert Path("backfill-b.json").read_text() == "of another"


@pytest.mark.parametrize(
    ("since", "requested"), [("2026-01-02T03:04:05Z", 300), ("2026-01-02T03:04:06Z", 0)]
)
def test_since_leaves_out_what_changed_before(many: Synthetic, since: str, requested: int) -> None:
    assert report(many, "--since", since)["requested"] == requested


def ended_half_way(many: Synthetic, *options: str) -> None:
    """Have Lambda end a backfill."""

    def refuse(requested: int) -> None:
        many.lambda_status = 200 if requested > 150 else 202

    many.on_requested = refuse
    assert report(many, *options, exits=1)["refused"] == "Lambda answered 200, not 202"
    many.on_requested, many.lambda_status = (lambda _: None), 202


def test_a_run_that_lambda_ends_goes_on_where_it_was(many: Synthetic) -> None:
    ended_half_way(many)
    assert report(many)["listed"] == 450
    assert sorted(set(many.requested)) == [key(n) for n in range(450) if n % 3]


def test_a_run_since_how_long_ago_goes_on_with_the_first_run_s_time(many: Synthetic) -> None:
    """Here a time after which no object has changed, so that no more is to be told."""
    ended_half_way(many, "--since", "5000d")
    state = Path("backfill-b.json")
    kept = json.loads(state.read_text())
    kept["plan"]["since_time"] = "2026-01-02T03:04:06+00:00"
    state.write_text(json.dumps(kept))
    result = backfill(many, "--since", "5000d")
    assert "only objects changed since 2026-01-02T03:04:06+00:00" in result.output
    assert f"450 objects listed, {kept['requested']} requested" in result.output


def test_a_run_since_how_long_ago_is_not_another_since_how_long_ago(many: Synthetic) -> None:
    ended_half_way(many, "--since", "5000d")
    result = backfill(many, "--since", "5001d", exits=2)
    assert "since '5000d', not '5001d'" in result.output


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_goes_on_where_it_was(many: Synthetic, sent: signal.Signals) -> None:
    enough = threading.Event()
    go_on = threading.Event()

    def pause(requested: int) -> None:
        if requested > 150 and not enough.is_set():
            enough.set()
            go_on.wait(30)

    many.on_requested = pause
    with started("backfill", *many.options(), "--rate", "1000000") as process:
        assert enough.wait(30)
        process.send_signal(sent)
        if sent == signal.SIGKILL:
            process.wait(30)
        go_on.set()
        output = process.communicate(timeout=30)
    assert process.returncode == (1 if sent == signal.SIGINT else -sent), output
    before = len(many.requested)
    assert before < 300
    assert "continuing after" in backfill(many).output
    assert sorted(set(many.requested)) == [key(n) for n in range(450) if n % 3]
    assert len(many.requested) <= 300 + MOST_KEYS


def test_a_state_of_another_backfill_is_refused(many: Synthetic) -> None:
    Path("backfill-b.json").write_text(
        json.dumps({"plan": {"bucket": "b", "table": "t", "prefix": "other/"}, "after": "x"})
    )
    assert "prefix 'other/', not ''" in backfill(many, exits=2).output
    assert many.requested == []


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"plan": {"surprise": 1}}', '{"plan": 1}'])
def test_a_file_that_is_no_state_is_refused(many: Synthetic, content: str) -> None:
    Path("backfill-b.json").write_text(content)
    assert "must be the state of `backfill`" in backfill(many, exits=2).output


def test_restart_begins_anew(many: Synthetic) -> None:
    Path("backfill-b.json").write_text("nonsense")
    backfill(many, "--restart")
    assert len(many.requested) == 300


@pytest.mark.parametrize(
    "since", ["yesterday", "5 weeks", "2026-13-01", "-3d", "9999999d", "0001-01-01T00:00+14"]
)
def test_a_time_that_is_none_is_refused(many: Synthetic, since: str) -> None:
    assert "must be an ISO 8601 time" in backfill(many, f"--since={since}", exits=2).output


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy(environmentSuffix="backfill")


def test_objects_from_before_the_pipeline_get_their_rows(stack: Deployed) -> None:
    keys = [f"old/é + {n % 5} %2F/{n:03}\n" for n in range(120)]
    versions: dict[str, str] = {}
    without_notification(
        stack,
        lambda: versions.update({key: stack.put(key, b"x" * n) for n, key in enumerate(keys)}),
    )
    began = datetime.now(UTC)
    ops("backfill", *of(stack), "--prefix", "old/")
    for name in keys:
        row = stack.completed(name, versions[name])
        assert row["event_name"] == "Backfill:Requested"
        assert began <= datetime.fromisoformat(row["event_time"]) <= datetime.now(UTC)


def test_a_live_row_keeps_its_order_and_an_event_after_it_wins(stack: Deployed) -> None:
    version = stack.put("live.txt")
    sequencer = stack.completed("live.txt", version)["sequencer"]
    stack.client("dynamodb").update_item(  # a row that is right is not written
        TableName=stack.table,
        Key={"file_key": {"S": "live.txt"}},
        UpdateExpression="SET file_size = :wrong",
        ExpressionAttributeValues={":wrong": {"N": "0"}},
    )
    ops("backfill", *of(stack), "--all", "--prefix", "live.txt")
    stack.row_once("live.txt", lambda row: row["event_name"] == "Backfill:Requested")
    assert stack.row("live.txt")["sequencer"] == sequencer  # type: ignore[index]
    after = stack.put("live.txt", b"later")
    assert stack.completed("live.txt", after)["event_name"] == "ObjectCreated:Put"


def test_keys_that_the_notification_leaves_out_are_left_out(
    deploy: Callable[..., Deployed],
) -> None:
    filtered = deploy(environmentSuffix="left-out", objectPrefix="in/", objectSuffix=".csv")

    names = ("in/a.csv", "in/a.txt", "out/a.csv")
    without_notification(filtered, lambda: [filtered.put(name) for name in names])
    assert "3 objects listed, 1 requested" in ops("backfill", *of(filtered)).output
    filtered.row_once("in/a.csv", lambda row: row["processing_status"] == "completed")
    ops("verify", *of(filtered), "--grace", "0")


def test_the_bar_s_total_is_s3s_newest_count(cloud: Cloud) -> None:
    now = datetime.now(UTC)
    assert about_how_many(cloud("cloudwatch"), "counted", now) is None
    for hours, number in ((60, 900), (30, 1200), (100, 5000)):
        datum = {
            "MetricName": "NumberOfObjects",
            "Dimensions": [
                {"Name": "BucketName", "Value": "counted"},
                {"Name": "StorageType", "Value": "AllStorageTypes"},
            ],
            "Timestamp": now - timedelta(hours=hours),
            "Value": number,
        }
        cloud("cloudwatch").put_metric_data(Namespace="AWS/S3", MetricData=[datum])
    assert about_how_many(cloud("cloudwatch"), "counted", now) == 1200


def test_a_count_that_may_not_be_read_stops_nothing(many: Synthetic) -> None:
    """The synthetic AWS refuses it, as it does all that a backfill can do without."""
    client = boto3.client("cloudwatch", "us-east-1", endpoint_url=many.endpoint)
    assert about_how_many(client, "b", datetime.now(UTC)) is None


def test_a_tombstone_of_an_object_that_is_there_counts_as_no_row(stack: Deployed) -> None:
    without_notification(stack, lambda: stack.put("back.txt"))
    stack.client("dynamodb").put_item(
        TableName=stack.table,
        Item={"file_key": {"S": "back.txt"}, "processing_status": {"S": "deleted"}},
    )
    ops("backfill", *of(stack), "--prefix", "back.txt")
    stack.row_once("back.txt", lambda row: row["processing_status"] == "completed")
