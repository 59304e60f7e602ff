"""``ops verify``: all that disagrees is found, and nothing else; then it is repaired."""

import json
import random
import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops import verify as verifies
from ops.__main__ import main
from ops.bucket import Scope
from ops.spill import spill
from ops.verify import Finding
from support.faults import Fault, FaultProxy
from support.journeys import Deployed, eventually
from support.pauses import Pauses
from support.synthetic import Synthetic, key, serving
from support.tool import of, ops, started, without_notification


@pytest.fixture
def many() -> Iterator[Synthetic]:
    with serving(Synthetic(450, has_row=lambda n: n % 50 != 0, page=200)) as synthetic:
        yield synthetic


def verify(of: Synthetic, *options: str) -> Result:
    return ops("verify", *of.options(), "--rate", "1000000", *options, exits=1)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_finding_is_a_line_and_the_last_line_counts_them(many: Synthetic) -> None:
    *findings, summary = lines(verify(many, "--json"))
    assert [found["key"] for found in findings] == [key(n) for n in range(0, 450, 50)]
    assert {found["kind"] for found in findings} == {"missing"}
    assert summary == {
        "compared": 450,
        "tooRecent": 0,
        "unconfirmed": 0,
        "findings": {"missing": 9},
        "requested": 0,
        "endedEarly": "",
    }
    assert many.requested == []


def test_repair_requests_what_was_found_and_nothing_else(many: Synthetic) -> None:
    assert "9 requested" in verify(many, "--repair").output
    assert many.requested == [key(n) for n in range(0, 450, 50)]


def test_a_refusal_ends_the_run_and_is_told(many: Synthetic) -> None:
    many.lambda_status = 200
    *_, summary = lines(verify(many, "--repair", "--json"))
    assert summary["endedEarly"] == "Lambda answered 200, not 202"
    assert summary["requested"] == 0


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy(environmentSuffix="verify")


@pytest.fixture
def prefix() -> str:
    """What no other test's keys start with."""
    return f"{secrets.token_hex(4)}/"


def check(stack: Deployed, prefix: str, *options: str, exits: int = 0) -> str:
    """Run the command without grace; what it prints."""
    where = [*of(stack), "--prefix", prefix, "--grace", "0"]
    return ops("verify", *where, *options, exits=exits).output


def kinds(stack: Deployed, prefix: str, *options: str) -> dict[str, str]:
    *found, _ = map(json.loads, check(stack, prefix, "--json", *options, exits=1).splitlines())
    return {line["key"]: line["kind"] for line in found}


def fill(stack: Deployed, prefix: str, names: list[str]) -> None:
    versions = {name: stack.put(prefix + name, name.encode()) for name in names}
    for name, version in versions.items():
        stack.completed(prefix + name, version)


def meddle(stack: Deployed, key: str, how: str) -> str:
    """Make a row say what is not so; the kind of finding that it must be."""
    dynamodb, where = stack.client("dynamodb"), {"TableName": stack.table}
    place = {"file_key": {"S": key}}
    if how == "row removed":
        dynamodb.delete_item(**where, Key=place)
        return "missing"
    if how == "object removed":
        without_notification(stack, lambda: stack.delete(key))
        return "gone"
    if how == "object replaced":
        without_notification(stack, lambda: stack.put(key, b"unnotified"))
        return "differs"
    attribute, value = {
        "status": ("processing_status", {"S": "deleted"}),
        "size": ("file_size", {"N": "12345"}),
        "etag": ("etag", {"S": "0" * 32}),
        "version": ("version_id", {"S": "another"}),
    }[how]
    dynamodb.update_item(
        **where,
        Key=place,
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames={"#name": attribute},
        ExpressionAttributeValues={":value": value},
    )
    return "missing" if how == "status" else "differs"


HARM = ["row removed", "object removed", "object replaced", "status", "size", "etag", "version"]


def test_a_table_that_is_true_has_no_findings(stack: Deployed, prefix: str) -> None:
    fill(stack, prefix, ["a", "é", "z"])
    stack.delete(f"{prefix}z")
    stack.deleted(f"{prefix}z")
    assert "3 keys compared: all agree" in check(stack, prefix)


def test_all_harm_is_found_and_repaired(stack: Deployed, prefix: str) -> None:
    """Harm of each kind to rows chosen at random, and rows of objects that never were."""
    dice = random.Random(prefix)  # noqa: S311 - not for secrets
    names = [f"{n:03} +é\n" for n in range(24)]
    fill(stack, prefix, names)
    dice.shuffle(names)
    expected = {
        prefix + name: meddle(stack, prefix + name, HARM[n % len(HARM)])
        for n, name in enumerate(names[: 2 * len(HARM)])
    }
    ghost = {"file_key": {"S": f"{prefix}ghost"}, "processing_status": {"S": "completed"}}
    stack.client("dynamodb").put_item(TableName=stack.table, Item=ghost)
    expected[f"{prefix}ghost"] = "gone"

    assert kinds(stack, prefix) == expected
    assert kinds(stack, prefix, "--repair") == expected

    def repaired() -> bool | None:
        words = ["verify", *of(stack), "--prefix", prefix, "--grace", "0"]
        return CliRunner().invoke(main, words).exit_code == 0 or None

    eventually(repaired, lambda: "end of findings")


def test_what_changed_within_the_grace_is_not_judged_but_counted(
    stack: Deployed, prefix: str
) -> None:
    fill(stack, prefix, ["young", "gone", "changed"])
    for name, how in (
        ("young", "row removed"),
        ("gone", "object removed"),
        ("changed", "object replaced"),
    ):
        meddle(stack, prefix + name, how)
    check(stack, prefix, exits=1)
    lenient = ("verify", *of(stack), "--prefix", prefix)
    said = "3 keys compared: all others agree; 3 disagree, but changed within --grace seconds"
    assert said in ops(*lenient).output
    assert json.loads(ops(*lenient, "--json").stdout)["tooRecent"] == 3


def test_what_was_put_right_while_the_table_was_read_is_not_reported(
    stack: Deployed, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are read again: the rows that were read first are old by the end."""
    fill(stack, prefix, ["a"])
    row = stack.row(f"{prefix}a")
    assert row is not None
    meddle(stack, f"{prefix}a", "size")
    read = verifies.Verifier.read_table

    def then_repair(self: verifies.Verifier, *args: Any, **options: Any) -> int:
        total = read(self, *args, **options)
        self.dynamodb.update_item(
            TableName=stack.table,
            Key={"file_key": {"S": f"{prefix}a"}},
            UpdateExpression="SET file_size = :size",
            ExpressionAttributeValues={":size": {"N": str(row["file_size"])}},
        )
        return total

    monkeypatch.setattr(verifies.Verifier, "read_table", then_repair)
    check(stack, prefix)


def verifier_of(stack: Deployed, grace: timedelta) -> verifies.Verifier:
    s3, dynamodb = stack.client("s3"), stack.client("dynamodb")
    return verifies.Verifier(s3, dynamodb, stack.bucket, stack.table, Scope(), grace)


def confirmed(
    verifier: verifies.Verifier, *suspects: Finding, stop: threading.Event | None = None
) -> list[Finding]:
    with spill() as kept:
        return list(
            verifier.confirmed(iter(suspects), kept, stop=stop or Pauses(), waiting=lambda *_: None)
        )


def deleted_for_good(stack: Deployed, prefix: str, names: list[str]) -> list[Finding]:
    """Delete the only version of each object, and lose the notification."""
    versions = {prefix + name: stack.put(prefix + name) for name in names}
    for name, version in versions.items():
        stack.completed(name, version)

    def delete() -> None:
        for name, version in versions.items():
            stack.delete(name, version)

    without_notification(stack, delete)
    return [Finding(name, "gone", "") for name in versions]


def notify_late(stack: Deployed, key: str) -> None:
    """Do to a row what a notification of the deletion does."""
    stack.client("dynamodb").update_item(
        TableName=stack.table,
        Key={"file_key": {"S": key}},
        UpdateExpression="SET processing_status = :deleted",
        ExpressionAttributeValues={":deleted": {"S": "deleted"}},
    )


def test_an_object_that_was_deleted_a_second_ago_is_not_gone(
    stack: Deployed, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its notification comes after the row was read again."""
    deleted_for_good(stack, prefix, ["a"])
    read = verifies.rows.get

    def then_notify(*args: Any) -> Any:
        row = read(*args)
        notify_late(stack, f"{prefix}a")
        return row

    monkeypatch.setattr(verifies.rows, "get", then_notify)
    assert "1 to be read once more at" in check(stack, prefix, "--grace", "1")


def test_all_without_an_object_share_one_wait_of_no_more_than_the_grace(
    stack: Deployed, prefix: str
) -> None:
    suspects = deleted_for_good(stack, prefix, ["a", "b", "c"])
    stop = Pauses(meanwhile=lambda: notify_late(stack, f"{prefix}b"))
    found = confirmed(verifier_of(stack, timedelta(hours=1)), *suspects, stop=stop)
    assert [finding.key for finding in found] == [f"{prefix}a", f"{prefix}c"]
    [seconds] = stop.seconds
    assert 0 < seconds <= 3600


def test_where_s3_keeps_the_time_of_the_change_nobody_waits(stack: Deployed, prefix: str) -> None:
    fill(stack, prefix, ["a"])
    meddle(stack, f"{prefix}a", "row removed")
    stop = Pauses()
    suspect = Finding(f"{prefix}a", "missing", "")
    assert len(confirmed(verifier_of(stack, timedelta(0)), suspect, stop=stop)) == 1
    assert stop.seconds == []


def test_interrupted_in_the_wait_it_reports_no_row_that_is_not_confirmed(
    stack: Deployed, prefix: str
) -> None:
    suspects = deleted_for_good(stack, prefix, ["a", "b"])
    stop = Pauses()
    stop.meanwhile = stop.set
    verifier = verifier_of(stack, timedelta(hours=1))
    assert confirmed(verifier, *suspects, stop=stop) == []
    assert verifier.unconfirmed == 2


def test_an_interrupt_in_the_wait_says_how_many_are_not_confirmed(
    stack: Deployed, prefix: str
) -> None:
    deleted_for_good(stack, prefix, ["a", "b"])
    with started("verify", *of(stack), "--prefix", prefix, "--grace", "600") as process:
        assert process.stdout is not None
        assert "2 to be read once more" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "2 not reported" in output
    assert "ended early: interrupted" in output


def test_a_key_that_changes_while_it_is_read_again_is_not_judged(
    stack: Deployed, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(stack, prefix, ["a"])
    verifier = verifier_of(stack, timedelta(0))
    suspect = Finding(f"{prefix}a", "differs", "")
    read = verifies.rows.get

    def then_put(*args: Any) -> Any:
        row = read(*args)
        stack.put(f"{prefix}a", b"meanwhile")
        return row

    monkeypatch.setattr(verifies.rows, "get", then_put)
    assert confirmed(verifier, suspect) == []


def test_a_key_that_changed_lately_by_the_second_read_is_not_judged(
    stack: Deployed, prefix: str
) -> None:
    fill(stack, prefix, ["a"])
    meddle(stack, f"{prefix}a", "size")
    suspect = Finding(f"{prefix}a", "differs", "")
    for grace, expected in ((timedelta(hours=1), 0), (timedelta(0), 1)):
        verifier = verifier_of(stack, grace)
        assert len(confirmed(verifier, suspect)) == expected


@pytest.mark.parametrize(("refused", "compared"), [("Scan", 0), ("HeadObject", 1)])
def test_what_cannot_be_read_is_told(
    stack: Deployed, prefix: str, proxy: FaultProxy, refused: str, compared: int
) -> None:
    deleted_for_good(stack, prefix, ["a"])
    proxy.fail(refused, Fault(status=403, code="AccessDenied"))
    where = (*of(stack, proxy.endpoint), "--prefix", prefix, "--grace", "0")
    output = ops("verify", *where, exits=1).output
    assert f"{compared} keys compared: none reported" in output
    assert "ended early: " in output
    assert refused in output


def test_versions_and_markers_that_are_not_current_are_passed_over(
    stack: Deployed, prefix: str
) -> None:
    for _ in range(3):
        stack.put(f"{prefix}much/changed", b"old")
    stack.delete(f"{prefix}much/changed")
    stack.deleted(f"{prefix}much/changed")
    last = stack.put(f"{prefix}much/changed", b"new")
    stack.completed(f"{prefix}much/changed", last)
    assert "1 keys compared" in check(stack, prefix)


def test_tombstones_are_not_kept_and_an_object_with_one_has_no_row(
    stack: Deployed, prefix: str
) -> None:
    """For each deleted object there is one for days, of any number."""
    fill(stack, prefix, ["a", "b"])
    meddle(stack, f"{prefix}a", "status")
    with spill() as kept:
        read = verifier_of(stack, timedelta(0)).read_table(kept, prefix, stop=threading.Event())
        assert (read, [row.key for row in kept.sorted()]) == (1, [f"{prefix}b"])
    assert kinds(stack, prefix) == {f"{prefix}a": "missing"}


def test_a_prefix_leaves_the_rest_alone(stack: Deployed, prefix: str) -> None:
    fill(stack, prefix, ["a/1", "b/1"])
    meddle(stack, f"{prefix}a/1", "row removed")
    inside = {"file_key": {"S": f"x/{prefix}b/x"}, "processing_status": {"S": "completed"}}
    stack.client("dynamodb").put_item(TableName=stack.table, Item=inside)
    check(stack, f"{prefix}b/")
    check(stack, f"{prefix}a/", exits=1)
