"""Arguments that may be outputs of other resources, and what exists already in the account."""

import shutil
from pathlib import Path
from typing import Any

import pulumi
import pytest

from local import engine
from pipeline.keys import Declared
from pipeline.settings import KEYS
from support.recorder import ACCOUNT, REGION, ROOT, Program, _Monitor, declare

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:ops"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
GIVEN: dict[str, Any] = {
    "access_log_bucket": "audit-logs",
    "permissions_boundary": POLICY,
    "kms_key_arn": KEY,
    "alarm_topic_arn": TOPIC,
    "tags": {"Team": "data"},
}


FOLLOWING = {"event_source": "eventbridge", "bucket_name": "somebody-elses"}


def of_outputs(folder: Path, values: dict[str, Any], **known: Any) -> Program:
    """Declare the component with these arguments, each an output that is known late.

    Args:
        folder: for the program.
        values: the arguments.
        known: others, which are plain.
    """
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    (folder / "__main__.py").write_text(
        "import pulumi\n"
        "from pipeline import FileMetadataPipeline, Settings\n"
        f"late = {{key: pulumi.Output.from_input(value) for key, value in {values!r}.items()}}\n"
        f"late |= {known!r}\n"
        "settings = Settings(environment_suffix='dev', batch_operations=True, **late)\n"
        "FileMetadataPipeline('file-metadata', settings).export()\n",
        encoding="utf-8",
    )
    program = Program()
    monitor = _Monitor(program)
    program.outputs = engine.run(folder, "dev", {}, monitor.mocks, monitor)
    return program


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return of_outputs(tmp_path_factory.mktemp("late"), GIVEN)


def assert_given(program: Program) -> None:
    logging = program.one("aws:s3/bucketLogging:BucketLogging")
    assert logging.inputs["targetBucket"] == "audit-logs"
    for role in program.all("aws:iam/role:Role"):
        assert role.inputs["permissionsBoundary"] == POLICY
    assert program.all("aws:kms/key:Key") == program.all("aws:sns/topic:Topic") == []
    assert program.one("aws:sqs/queue:Queue").inputs["kmsMasterKeyId"] == KEY
    assert program.one("aws:lambda/function:Function").inputs["kmsKeyArn"] == KEY
    for alarm in program.all("aws:cloudwatch/metricAlarm:MetricAlarm"):
        assert alarm.inputs["alarmActions"] == [TOPIC]
    assert program.outputs["AlarmTopicArn"] == TOPIC
    tagged = [one for one in program.resources if "tags" in one.inputs]
    assert len(tagged) > 10
    assert all(
        one.inputs["tags"] == {"Environment": "dev", "Project": "DataPipeline", "Team": "data"}
        for one in tagged
    )


def test_an_argument_that_names_something_may_be_an_output(late: Program) -> None:
    assert_given(late)


def test_a_key_of_the_configuration_does_the_same() -> None:
    program = declare(
        "dev",
        {
            "accessLogBucket": "audit-logs",
            "permissionsBoundary": POLICY,
            "kmsKeyArn": KEY,
            "alarmTopicArn": TOPIC,
            "tags": '{"Team": "data"}',
        },
    )
    assert_given(program)


def test_a_tag_s_value_may_be_an_output(tmp_path: Path) -> None:
    program = of_outputs(tmp_path, {"tags": {"Team": "data"}})
    assert program.one("aws:sqs/queue:Queue").inputs["tags"]["Team"] == "data"


def test_the_key_of_a_followed_buckets_objects_may_be_an_output(tmp_path: Path) -> None:
    program = of_outputs(tmp_path, {"bucket_kms_key_arn": KEY}, **FOLLOWING)
    [policy] = [one for one in program.resources if one.name.endswith("-decrypt-objects")]
    assert KEY in policy.inputs["policy"]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("access_log_bucket", ""),
        ("permissions_boundary", "ViewOnlyAccess"),
        ("kms_key_arn", "alias/ours"),
        ("alarm_topic_arn", "ops"),
        ("tags", {"project": "mine"}),
    ],
)
def test_an_output_is_checked_when_it_is_known(tmp_path: Path, field: str, wrong: Any) -> None:
    [key] = [key for key in KEYS.values() if key.field == field]
    with pytest.raises(pulumi.RunError) as caught:
        of_outputs(tmp_path, {field: wrong})
    assert key.key.rule is not None
    assert str(caught.value) == f"{key.name} must be {key.key.rule.says}, got {wrong!r}"


def test_late_access_logs_never_go_into_the_bucket_itself(tmp_path: Path) -> None:
    with pytest.raises(pulumi.RunError, match="must be another bucket than the one that is logged"):
        of_outputs(tmp_path, {"access_log_bucket": "file-metadata-bucket-objects-1234567"})


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_what_decides_which_resources_exist_must_be_known(key: Declared) -> None:
    assert key.takes_outputs == (key.field in {*GIVEN, "bucket_kms_key_arn"})
