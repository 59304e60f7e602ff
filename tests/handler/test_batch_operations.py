"""A job of S3 Batch Operations gets an answer for each task, and its tasks have no order."""

import functools
from datetime import UTC, datetime
from typing import Any

import pytest

import batch_operations
from fields import EventError
from support.faults import Fault
from support.handler_env import Bench, load

KEY = "reports/2026 Q1/résumé+1.csv"
SCHEMAS = {"1.0": "batch_job_1", "2.0": "batch_job_2"}
BUCKET_FIELDS = {"1.0": "s3BucketArn", "2.0": "s3Bucket"}
DEEP: dict[str, Any] = functools.reduce(lambda inner, _: {"a": inner}, range(10_000), {})


def job(bench: Bench, schema: str = "1.0", **changed: Any) -> dict[str, Any]:
    """A job's event about the bench's bucket; its first task changed."""
    event: dict[str, Any] = load(SCHEMAS[schema])
    task = event["tasks"][0]
    field = BUCKET_FIELDS[schema]
    task[field] = task[field].replace("amzn-s3-demo-bucket", bench.bucket)
    task.update(changed)
    return event


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_task_s_object_gets_its_row(bench: Bench, schema: str) -> None:
    version = bench.put(KEY, b"12345")
    bench.invoke(job(bench, schema))
    row = bench.row(KEY)
    assert (row["version_id"], row["file_size"]) == (version, "5")
    assert (row["event_name"], row["sequencer"]) == ("BatchOperations:LambdaInvoke", "0" * 32)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_answer_repeats_what_the_job_asked(bench: Bench, schema: str) -> None:
    bench.put(KEY)
    event = job(bench, schema)
    answer = bench.invoke(event)
    assert answer.pop("treatMissingKeysAs") == "TemporaryFailure"
    assert answer == {
        "invocationSchemaVersion": schema,
        "invocationId": event["invocationId"],
        "results": [
            {
                "taskId": event["tasks"][0]["taskId"],
                "resultCode": "Succeeded",
                "resultString": "completed",
            }
        ],
    }


def test_a_task_whose_calls_fail_is_to_be_tried_again(bench: Bench) -> None:
    """No failure queue holds a job's event: the job waits, and its own retry is the only one."""
    bench.put(KEY)
    bench.proxy.fail("PutItem", Fault(status=500, code="InternalServerError"))
    [result] = bench.invoke(job(bench))["results"]
    assert result["resultCode"] == "TemporaryFailure"
    assert "InternalServerError" in result["resultString"]
    assert bench.row(KEY) == {}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"s3BucketArn": "arn:aws:s3:::another"}, "s3.bucket.name"),
        ({"s3BucketArn": None}, "s3BucketArn"),
        ({"s3Key": "%FF"}, "s3.object.key"),
        ({"s3Key": ""}, "s3Key"),
        ({"s3Key": None}, "s3Key"),
    ],
)
def test_a_task_that_is_wrong_in_itself_fails_for_good(
    bench: Bench, changed: dict[str, Any], named: str
) -> None:
    [result] = bench.invoke(job(bench, **changed))["results"]
    assert result["resultCode"] == "PermanentFailure"
    assert named in result["resultString"]


def test_one_task_s_failure_leaves_the_others(bench: Bench) -> None:
    bench.put("good")
    event = job(bench, s3Key="%FF")
    event["tasks"].append(event["tasks"][0] | {"taskId": "second", "s3Key": "good"})
    results = {r["taskId"]: r["resultCode"] for r in bench.invoke(event)["results"]}
    assert sorted(results.values()) == ["PermanentFailure", "Succeeded"]
    assert results["second"] == "Succeeded"
    assert bench.rows() == ["good"]


def test_an_answer_s_text_is_short_whatever_failed() -> None:
    event = load("batch_job_1")
    tasks = batch_operations.items(event, datetime.now(UTC))
    [result] = batch_operations.answer(event, tasks, [RuntimeError("x" * 5000)])["results"]
    assert result["resultString"] == "x" * 1024


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"invocationSchemaVersion": "3.0"}, "invocationSchemaVersion must be 1.0 or 2.0"),
        ({"invocationSchemaVersion": DEEP}, "invocationSchemaVersion must .* got dict"),
        ({"invocationId": None}, "invocationId"),
        ({"tasks": None}, "tasks must be a list, got NoneType"),
        ({"tasks": [{"s3Key": "any"}]}, "taskId"),
        ({"tasks": ["text"]}, "taskId"),
    ],
)
def test_a_job_of_an_unknown_shape_is_refused(
    bench: Bench, changed: dict[str, Any], named: str
) -> None:
    with pytest.raises(EventError, match=named):
        bench.invoke(job(bench) | changed)
