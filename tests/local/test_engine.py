"""The local engine runs the program as Pulumi would, and runs all of it or none."""

import re
import shutil
from pathlib import Path
from typing import Any
from unittest.mock import patch

import jmespath
import pytest
from botocore.exceptions import ParamValidationError

from local import engine
from local.cloud import Cloud
from local.inputs import Inputs, UnknownPropertyError, pascal
from local.resources import CloudMocks
from local.rules import RULES
from support.extractors import EXTRACTOR
from support.journeys import Deployed
from support.recorder import ROOT, Program, declare


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of its own, whose program the test writes."""
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def run(project: Path, program: str, cloud: Cloud) -> dict[str, Any]:
    (project / "__main__.py").write_text(program)
    return engine.run(project, "dev", engine.stack_config(project, "dev"), CloudMocks(cloud))


@pytest.mark.parametrize(
    ("program", "error", "text"),
    [
        (
            "aws.sqs.Queue('q', message_retention_seconds=60, sqs_managed_sse_enabled=True,"
            " fifo_queue=True)",
            UnknownPropertyError,
            "aws:sqs/queue:Queue 'q' declares fifoQueue",
        ),
        (
            "pulumi.export('zones', aws.get_availability_zones().id)",
            Exception,
            "getAvailabilityZones has no answer",
        ),
        ("aws.s3.BucketPolicy('p', bucket='none', policy='{}')", Exception, "NoSuchBucket"),
        ("1 / 0", ZeroDivisionError, "division by zero"),
    ],
    ids=["unknown property", "unknown lookup", "refused by the emulator", "in the program"],
)
def test_an_error_stops_the_program(
    project: Path, cloud: Cloud, program: str, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        run(project, f"import pulumi, pulumi_aws as aws\n{program}", cloud)


INTERRUPTED = """
import signal, weakref

class Thing:
    pass

thing = Thing()
watched = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
del thing
"""


def test_an_interrupt_in_a_callback_that_python_ignores_stops_the_program(
    project: Path, cloud: Cloud
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(project, INTERRUPTED, cloud)


def summed(**of_metric: Any) -> Inputs:
    """An alarm on an expression over one metric, which has these properties, too."""
    metric = {"namespace": "N", "metricName": "m", "period": 60.0, "stat": "Sum"} | of_metric
    return Inputs(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "alarm",
        {
            "name": "summed",
            "evaluationPeriods": 1.0,
            "comparisonOperator": "GreaterThanThreshold",
            "threshold": 0.5,
            "metricQueries": [
                {"id": "m1", "metric": metric},
                {"id": "e1", "expression": "FILL(m1, 0)", "returnData": True},
            ],
        },
    )


def test_a_metric_of_an_expression_is_passed_on_whole(cloud: Cloud) -> None:
    """Read from the request, for the emulator gives no metrics of an expression back."""
    inputs = summed(unit="Count", dimensions={"QueueName": "q"})
    client = cloud("cloudwatch")
    with patch.object(client, "put_metric_alarm", wraps=client.put_metric_alarm) as sent:
        RULES[inputs.type_token](cloud, inputs)
    inputs.finish()
    assert sent.call_args.kwargs["Metrics"][0] == {
        "Id": "m1",
        "MetricStat": {
            "Metric": {
                "Namespace": "N",
                "MetricName": "m",
                "Dimensions": [{"Name": "QueueName", "Value": "q"}],
            },
            "Period": 60,
            "Stat": "Sum",
            "Unit": "Count",
        },
        "ReturnData": False,
    }


def test_a_property_of_a_metric_that_aws_does_not_know_stops(cloud: Cloud) -> None:
    inputs = summed(colour="red")
    with pytest.raises(ParamValidationError, match="Colour"):
        RULES[inputs.type_token](cloud, inputs)


@pytest.fixture(scope="module")
def configured(deploy: Any) -> Deployed:
    stack: Deployed = deploy(environmentSuffix="configured", reservedConcurrency="7")
    return stack


def test_the_outputs_are_those_that_the_emulator_answered(configured: Deployed) -> None:
    outputs = configured.outputs
    assert outputs["DynamoDBTableName"] == "file-metadata-table-configured"
    queues = configured.client("sqs").list_queues()["QueueUrls"]
    assert outputs["FailureQueueUrl"] in queues
    assert re.fullmatch(r"file-metadata-bucket-objects-[0-9a-f]{7}", outputs["S3BucketName"])


@pytest.mark.parametrize(
    ("service", "operation", "attribute", "expected"),
    [
        ("s3", "get_bucket_versioning", "Status", "Enabled"),
        (
            "s3",
            "get_bucket_encryption",
            "ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault"
            ".SSEAlgorithm",
            "AES256",
        ),
        ("dynamodb", "describe_time_to_live", "TimeToLiveDescription.AttributeName", "expires_at"),
        ("lambda", "get_function_event_invoke_config", "MaximumEventAgeInSeconds", 21600),
        ("lambda", "get_function_configuration", "LoggingConfig.LogFormat", "JSON"),
        ("lambda", "get_function_concurrency", "ReservedConcurrentExecutions", 7),
    ],
    ids=["versioning", "encryption", "ttl", "event age", "log format", "concurrency"],
)
def test_what_is_declared_is_what_the_emulator_holds(
    configured: Deployed, service: str, operation: str, attribute: str, expected: object
) -> None:
    names = {
        "s3": {"Bucket": configured.bucket},
        "dynamodb": {"TableName": configured.table},
        "lambda": {"FunctionName": configured.function},
    }
    answer = getattr(configured.client(service), operation)(**names[service])
    assert jmespath.search(attribute, answer) == expected


def test_a_bucket_outside_us_east_1_is_made_in_its_region(emulator: Any) -> None:
    cloud = Cloud(emulator.endpoint, "eu-west-1")
    config = engine.stack_config(ROOT, "dev")
    config["file-metadata-pipeline:environmentSuffix"] = "region"
    outputs = engine.run(ROOT, "dev", config, CloudMocks(cloud))
    location = cloud("s3").get_bucket_location(Bucket=outputs["S3BucketName"])
    assert location["LocationConstraint"] == "eu-west-1"


@pytest.mark.parametrize(
    ("file", "content", "error"),
    [
        (
            "Pulumi.dev.yaml",
            "config:\n  file-metadata-pipeline:logLevel:\n      secure: v1:abc\n",
            "logLevel must be a plain value",
        ),
        (
            "Pulumi.dev.yaml",
            "config:\n  file-metadata-pipeline:tags:\n    Team:\n      secure: v1:abc\n",
            "tags must be a plain value",
        ),
        (
            "Pulumi.yaml",
            "name: p\nconfig:\n  needed:\n    type: string\n",
            "missing p:needed in stack 'dev'; add",
        ),
        ("Pulumi.yaml", "- a\n- b\n", r"Pulumi\.yaml must hold a mapping, got list"),
    ],
    ids=["secret", "secret within", "no value and no default", "no mapping"],
)
def test_what_cannot_be_read_is_named(project: Path, file: str, content: str, error: str) -> None:
    (project / file).write_text(content)
    with pytest.raises(engine.StackConfigError, match=error):
        engine.stack_config(project, "dev")


def test_an_object_is_handed_over_as_json_as_pulumi_does(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text(
        "config:\n  file-metadata-pipeline:tags:\n    Team: data\n"
    )
    values = engine.stack_config(project, "dev")
    assert values["file-metadata-pipeline:tags"] == '{"Team": "data"}'


def test_the_stacks_value_wins_over_the_projects_default() -> None:
    values = engine.stack_config(ROOT, "dev")
    assert values["file-metadata-pipeline:logRetentionDays"] == "7"
    assert values["file-metadata-pipeline:protectData"] == "false"
    assert values["file-metadata-pipeline:memorySize"] == "128"


def test_whole_numbers_arrive_as_such() -> None:
    inputs = Inputs("t", "n", {"days": 7.0, "rules": [{"days": 1.0, "share": 0.5}]})
    assert repr(inputs.take("days")) == "7"
    assert repr(inputs.take("rules")) == "[{'days': 1, 'share': 0.5}]"


def test_keys_turn_to_pascal_case_all_the_way_down() -> None:
    assert pascal({"onFailure": [{"logFormat": "x"}]}) == {"OnFailure": [{"LogFormat": "x"}]}


def test_every_declared_type_has_a_rule(bus: Program) -> None:
    everything = {"accessLogBucket": "logs", "alarmEmail": "a@example.com", "extractor": EXTRACTOR}
    resources = [*declare("prod", everything).resources, *bus.resources]
    declared = {resource.type for resource in resources if resource.custom}
    of_examples = {"aws:iam/openIdConnectProvider:OpenIdConnectProvider", "aws:iam/policy:Policy"}
    assert declared | of_examples == set(RULES)
