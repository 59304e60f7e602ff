"""What was extracted is always of the version that the row describes."""

import contextlib
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from local.cloud import Cloud
from service import CallError
from support.extractor_env import Extracting, set_up
from support.faults import Fault, FaultProxy
from support.handler_env import NEWEST
from tally import Tally

KEY = "dir/r\u00e9sum\u00e9 1+2.txt"
ONE_MEGABYTE = bytes(range(256)) * 4096


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.MAX_BACKOFF_SECONDS", 0)


@pytest.fixture
def extracting(cloud: Cloud, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Extracting:
    return set_up(cloud, proxy, monkeypatch)


def text(file: Any) -> Mapping[str, Any]:
    return {"text": file.open().read().decode()}


def extraction(extracting: Extracting, key: str = KEY) -> dict[str, Any]:
    item = extracting.bench.item(key)
    names = ("extraction", "extracted", "extraction_error")
    return {name: next(iter(item[name].values())) for name in names if name in item}


def test_what_was_found_is_added_to_the_row_which_stays_as_it_was(extracting: Extracting) -> None:
    record = extracting.put(KEY, b"1")
    before = extracting.bench.item(KEY)
    assert extracting.extract(text, record) == {"done": 1}
    after = extracting.bench.item(KEY)
    assert after.pop("extracted_at")["S"] > before["processed_at"]["S"]
    assert after == before | {"extraction": {"S": "done"}, "extracted": {"M": {"text": {"S": "1"}}}}


def test_an_extractor_sees_the_object_s_attributes(extracting: Extracting) -> None:
    seen: list[Any] = []
    extracting.bench.cloud("s3").put_object(
        Bucket=extracting.bench.bucket, Key=KEY, Body=b"12", Metadata={"owner": "me"},
        ContentType="text/csv",
    )  # fmt: skip
    extracting.bench.update(KEY)
    extracting.extract(lambda file: seen.append(file) or {})
    version = extracting.bench.item(KEY)["version_id"]["S"]
    [file] = seen
    assert (file.key, file.size, file.content_type) == (KEY, 2, "text/csv")
    assert (file.metadata, file.version) == ({"owner": "me"}, version)


def test_the_bytes_are_those_of_the_version_though_it_is_no_longer_current(
    extracting: Extracting,
) -> None:
    read = []

    def overwritten(file: Any) -> Any:
        with file.open() as stream:
            read.append(stream.read(100_000))
            extracting.bench.put(KEY, bytes(2**20))
            read.append(stream.read())
        return {}

    extracting.extract(overwritten, extracting.put(KEY, ONE_MEGABYTE))
    assert b"".join(read) == ONE_MEGABYTE


def replaced(extracting: Extracting) -> None:
    extracting.put(KEY, b"22", NEWEST)


def expired(extracting: Extracting) -> None:
    extracting.bench.delete(KEY, extracting.bench.item(KEY)["version_id"]["S"])


def deleted(extracting: Extracting) -> None:
    extracting.bench.delete(KEY)
    extracting.bench.update(KEY, NEWEST, "ObjectRemoved:DeleteMarkerCreated")


def without_a_row(extracting: Extracting) -> None:
    extracting.bench.cloud("dynamodb").delete_item(
        TableName=extracting.bench.table, Key={"file_key": {"S": KEY}}
    )


def dated_later(extracting: Extracting) -> None:
    """The same content without versioning."""
    item = extracting.bench.item(KEY) | {"last_modified": {"S": "2099-01-01T00:00:00.000000Z"}}
    extracting.bench.cloud("dynamodb").put_item(TableName=extracting.bench.table, Item=item)


@pytest.mark.parametrize("change", [replaced, expired, deleted, without_a_row, dated_later])
def test_a_version_that_is_gone_or_no_longer_in_its_row_changes_nothing(
    extracting: Extracting, change: Callable[[Extracting], None]
) -> None:
    record = extracting.put(KEY, b"1")
    change(extracting)
    before = extracting.bench.item(KEY)
    assert extracting.extract(text, record) == {"superseded": 1}
    assert extracting.bench.item(KEY) == before


def test_without_versioning_the_entity_tag_says_which_bytes(
    cloud: Cloud, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    unversioned = set_up(cloud, proxy, monkeypatch, versioned=False)
    versions: list[Any] = []
    read: list[bytes] = []

    def overwritten(file: Any) -> Any:
        versions.append(file.version)
        unversioned.put(KEY, b"22", NEWEST)
        with contextlib.suppress(OSError):
            read.append(file.open().read())
        return {}

    record = unversioned.put(KEY, b"1")
    assert unversioned.extract(overwritten, record) == {"superseded": 1}
    assert (versions, read) == ([None], [])
    assert extraction(unversioned) == {"extraction": "pending"}


def test_a_second_try_after_a_failure_replaces_it_and_back(extracting: Extracting) -> None:
    record = extracting.put(KEY, b"1")

    def fails(_file: Any) -> Any:
        raise KeyError("b")

    assert extracting.extract(fails, record) == {"failed": 1}
    failed = {"extraction": "failed", "extraction_error": "KeyError: 'b'"}
    assert extraction(extracting) == failed
    extracting.extract(text, record)
    done = {"extraction": "done", "extracted": {"text": {"S": "1"}}}
    assert extraction(extracting) == done
    extracting.extract(fails, record)
    assert extraction(extracting) == failed


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        Fault(status=503, code="SlowDown"),
        Fault(status=403, code="AccessDenied"),
        Fault(reset=True),
    ],
    ids=["500", "503", "403", "reset"],
)
@pytest.mark.parametrize("operation", ["GetObject", "UpdateItem"])
def test_an_error_of_s3_or_dynamodb_is_logged_and_raised_and_leaves_the_row_pending(
    extracting: Extracting, caplog: pytest.LogCaptureFixture, operation: str, fault: Fault
) -> None:
    record = extracting.put(KEY, b"1")
    extracting.bench.proxy.fail(operation, fault)
    with pytest.raises(ExceptionGroup, match="1 of 1 records failed") as caught:
        extracting.extract(text, record)
    assert isinstance(caught.value.exceptions[0], CallError)
    [line] = caplog.records
    assert (line.levelname, line.outcome, line.count) == ("ERROR", "error", 1)  # type: ignore[attr-defined]
    assert line.file_key == KEY  # type: ignore[attr-defined]
    assert extraction(extracting) == {"extraction": "pending"}
    extracting.bench.proxy.heal()
    assert extracting.extract(text, record) == {"done": 1}


def test_an_archived_version_is_a_failure_which_no_retry_repeats(extracting: Extracting) -> None:
    record = extracting.put(KEY, b"1")
    extracting.bench.proxy.fail("GetObject", Fault(status=403, code="InvalidObjectState"))
    assert extracting.extract(text, record) == {"failed": 1}
    assert extraction(extracting) == {
        "extraction": "failed",
        "extraction_error": "ArchivedError: object must be restored before it is read",
    }


def test_an_error_of_s3_raises_though_the_extractor_caught_it(extracting: Extracting) -> None:
    """Else half a file would pass for the whole."""
    record = extracting.put(KEY, ONE_MEGABYTE)
    caught = []

    def catches(file: Any) -> Any:
        stream = file.open()
        stream.read(100)
        extracting.bench.proxy.fail("GetObject", Fault(status=503), times=2)
        for _ in range(2):
            try:
                stream.read()
            except OSError as err:
                caught.append(str(err))
        return {"size": 100}

    with pytest.raises(ExceptionGroup) as raised:
        extracting.extract(catches, record)
    assert str(raised.value.exceptions[0]).startswith("s3 refused GetObject: InternalError")
    assert len(caught) == 2
    assert extraction(extracting) == {"extraction": "pending"}


def test_a_call_that_fails_for_a_moment_is_tried_again(extracting: Extracting) -> None:
    record = extracting.put(KEY, b"1")
    extracting.bench.proxy.fail("GetObject", Fault(status=503), times=1)
    extracting.bench.proxy.fail("UpdateItem", Fault(lose_answer=True), times=1)
    assert extracting.extract(text, record) == {"done": 1}


def test_one_record_s_error_does_not_stop_the_others(extracting: Extracting) -> None:
    records = [extracting.put(key, key.encode()) for key in ("a", "b", "c")]
    extracting.bench.proxy.fail("GetObject", Fault(status=500), times=2)
    with pytest.raises(ExceptionGroup, match=r"^1 of 3 records failed"):
        extracting.extract(text, *records)
    states = [extraction(extracting, key)["extraction"] for key in ("a", "b", "c")]
    assert states == ["pending", "done", "done"]


def test_a_record_that_is_not_pending_is_left_alone(extracting: Extracting) -> None:
    done = extracting.put(KEY, b"1")
    done["dynamodb"]["NewImage"]["extraction"]["S"] = "done"
    removed = {"dynamodb": {"Keys": {"file_key": {"S": KEY}}, "OldImage": {}}}
    extracting.bench.proxy.calls.clear()
    assert extracting.extract(text, done, removed) == {"not pending": 2}
    assert extracting.bench.proxy.calls == []


@pytest.mark.parametrize("event", [None, [], {}, {"Records": None}, {"detail": {}}])
def test_an_event_of_another_shape_is_an_error(extracting: Extracting, event: object) -> None:
    with pytest.raises(extracting.function.stream.RecordError, match="must have a list of Records"):
        extracting.function.lambda_handler(event, None)


@pytest.mark.parametrize(
    "record",
    [
        None,
        {},
        {"eventSource": "aws:s3", "s3": {}},
        {"dynamodb": {"NewImage": {"extraction": {"S": "pending"}, "file_key": {"S": "k"}}}},
    ],
)
def test_a_record_of_another_shape_is_an_error(extracting: Extracting, record: object) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        extracting.function.lambda_handler({"Records": [record]}, None)
    assert str(raised.value.exceptions[0]).startswith("record must be a change of a row")


def test_the_log_has_a_line_a_record_with_its_outcome_and_delay(
    extracting: Extracting, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    def fails(_file: Any) -> Any:
        raise ValueError("no")

    record = extracting.put(KEY, b"1")
    extracting.extract(text, record)
    extracting.extract(fails, record)
    extracting.put(KEY, b"22", NEWEST)
    extracting.extract(text, record)
    told = [
        (line.levelname, line.file_key, line.outcome, line.count)  # type: ignore[attr-defined]
        for line in caplog.records
    ]
    assert told == [
        ("INFO", KEY, "done", 1),
        ("WARNING", KEY, "failed", 1),
        ("INFO", KEY, "superseded", 1),
    ]
    assert all(line.lag_ms >= 0 for line in caplog.records)  # type: ignore[attr-defined]
    assert caplog.records[1].extraction_error == "ValueError: no"  # type: ignore[attr-defined]
    assert "in fails" in caplog.records[1].trace  # type: ignore[attr-defined]


def test_a_level_above_info_still_counts_what_is_done(
    extracting: Extracting, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(extracting.function, "TALLY", Tally(extracting.function.LOG))
    extracting.extract(text, extracting.put(KEY, b"1"))
    [line] = caplog.records
    assert (line.outcome, line.count) == ("done", 1)  # type: ignore[attr-defined]


def test_the_delay_of_a_row_that_was_asked_for_again_counts_from_then(
    extracting: Extracting, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    record = extracting.put(KEY, b"1")
    record["dynamodb"]["NewImage"]["processed_at"]["S"] = "2020-01-01T00:00:00.000000Z"
    asked = {"S": datetime.now(UTC).isoformat()}
    record["dynamodb"]["NewImage"]["extracted_at"] = asked
    extracting.extract(text, record)
    assert caplog.records[0].lag_ms < 3_600_000  # type: ignore[attr-defined]
