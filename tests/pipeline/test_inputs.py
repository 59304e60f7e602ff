"""Arguments that may be outputs of other resources, and what exists already in the account."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from pipeline.keys import config_key
from pipeline.settings import KEYS
from support.recorder import ACCOUNT, REGION, Program, declare, declare_by

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
    return declare_by(
        folder,
        f"late = {{key: pulumi.Output.from_input(value) for key, value in {values!r}.items()}}\n"
        f"late |= {known!r}\n"
        "settings = Settings(environment_suffix='dev', batch_operations=True, **late)\n"
        "FileMetadataPipeline('file-metadata', settings).export()\n",
    )


def assert_given(program: Program) -> None:
    assert program.one("BucketLogging").inputs["targetBucket"] == "audit-logs"
    for role in program.all("Role"):
        assert role.inputs["permissionsBoundary"] == POLICY
    assert program.all("Key") == program.all("Topic") == []
    assert program.one("Queue").inputs["kmsMasterKeyId"] == KEY
    assert program.one("Function").inputs["kmsKeyArn"] == KEY
    for alarm in program.all("MetricAlarm"):
        assert alarm.inputs["alarmActions"] == [TOPIC]
    assert program.outputs["AlarmTopicArn"] == TOPIC
    tagged = [one.inputs["tags"] for one in program.resources if "tags" in one.inputs]
    assert len(tagged) > 10
    expected = {"Environment": "dev", "Project": "DataPipeline", "Team": "data"}
    assert all(tags == expected for tags in tagged)


def test_an_argument_that_names_something_may_be_an_output(tmp_path: Path) -> None:
    assert_given(of_outputs(tmp_path, GIVEN))


def test_a_key_of_the_configuration_does_the_same() -> None:
    config = GIVEN | {"tags": json.dumps(GIVEN["tags"])}
    assert_given(declare("dev", {config_key(field): text for field, text in config.items()}))


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


def test_what_decides_which_resources_exist_must_be_known() -> None:
    may_be_outputs = {key.field for key in KEYS.values() if key.takes_outputs}
    assert may_be_outputs == {*GIVEN, "bucket_kms_key_arn"}
