"""What the demo finds wrong with the rows, and how long it waits for them."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local import demo as demos
from local import show
from local.cloud import Cloud
from local.demo import Demo
from local.files import collect
from local.owner import BUCKET, Owner
from support.journeys import Deployed


def test_a_followed_bucket_that_was_changed_is_a_problem(cloud: Cloud) -> None:
    owner = Owner(cloud)
    owner.make()
    assert owner.problem() is None
    cloud("s3").put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={})
    assert str(owner.problem()).endswith("got {}")


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy(environmentSuffix="demo")


@pytest.fixture
def ran(stack: Deployed, tmp_path: Path) -> Demo:
    """A demo that ran over two files, of which the second is deleted."""
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("bb")
    demo = Demo(stack.client, stack.bucket, stack.table)
    demo.run(collect(["."], tmp_path))
    assert demo.problems() == []
    return demo


def test_a_row_that_vanished_is_a_problem(ran: Demo, stack: Deployed) -> None:
    key = {"file_key": {"S": "a.txt"}}
    stack.client("dynamodb").delete_item(TableName=stack.table, Key=key)
    assert ran.problems() == ["'a.txt' has no row"]


def test_a_row_of_no_file_is_a_problem(ran: Demo, stack: Deployed) -> None:
    item = {"file_key": {"S": "ghost"}, "processing_status": {"S": "completed"}}
    stack.client("dynamodb").put_item(TableName=stack.table, Item=item)
    assert ran.problems() == ["'ghost' has a row, but no file"]
    stack.client("dynamodb").delete_item(TableName=stack.table, Key={"file_key": {"S": "ghost"}})


def test_a_row_that_never_comes_is_waited_for_only_so_long_and_ends_the_uploads(
    stack: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demos, "PATIENCE_SECONDS", 0.1)
    stack.client("s3").create_bucket(Bucket="notifies-nobody")
    for number in range(6):
        (tmp_path / f"never {number}.txt").write_text("a")
    demo = Demo(stack.client, "notifies-nobody", stack.table)
    demo.run(collect(["."], tmp_path))
    assert "'never 0.txt' has no row" in demo.problems()
    assert list(demo.expected) == [f"never {number}.txt" for number in range(demos.IN_FLIGHT)]


def test_a_result_that_never_comes_is_waited_for_only_so_long(
    ran: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This stack has no extractor; the row of the deleted file needs no result."""
    monkeypatch.setattr(demos, "PATIENCE_SECONDS", 0.1)
    ran.await_extractions()
    assert ran.problems() == ["'a.txt' is still pending: no result of any file came for 0.1 s"]


def test_what_a_terminal_cannot_show_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii", write_through=True))
    show.console().print("Grüße…")
    assert written.getvalue() == b"Gr\\xfc\\xdfe\\u2026\n"
