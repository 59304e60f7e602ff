"""The extractor: what a stack has with one, and that a stack without has nothing of it."""

import json
from typing import Any

from attributes import PENDING
from support.extractors import EXTRACTOR
from support.recorder import Declared, Program, declare

# Besides alarms and metrics from the log, which have tests of their own.
OF_AN_EXTRACTOR = [
    "file-metadata-extractor",
    "file-metadata-extractor-function",
    "file-metadata-extractor-logs",
    "file-metadata-extractor-permissions",
    "file-metadata-extractor-role",
    "file-metadata-extractor-stream",
]
CHANGED_BY_IT = {
    "file-metadata-table-rows": {"streamEnabled", "streamViewType"},
    "file-metadata-processor-function": {"environment"},
    "file-metadata-monitoring-dashboard": {"dashboardBody"},
    "file-metadata-encryption-key": {"policy"},
}


def variables(function: Declared) -> dict[str, str]:
    found: dict[str, str] = function.inputs["environment"]["variables"]
    return found


def inputs(program: Program) -> dict[str, dict[str, Any]]:
    return {
        one.name: {k: v for k, v in one.inputs.items() if k != "code"} for one in program.resources
    }


def stream(program: Program) -> str:
    return f"{program.one('Table').arn}/stream/1"


def test_an_extractor_adds_its_own_and_changes_nothing_else(extracting: Program) -> None:
    without, having = inputs(declare("prod", {"audit": "off"})), inputs(extracting)
    added = having.keys() - without.keys()
    assert without.keys() <= having.keys()
    assert sorted(name for name in added if "-monitoring-" not in name) == OF_AN_EXTRACTOR
    changed = {
        name: {key for key in having[name] if having[name][key] != declared.get(key)}
        for name, declared in without.items()
        if having[name] != declared
    }
    assert changed == CHANGED_BY_IT
    assert "EXTRACTION" in variables(extracting.named("processor-function"))
    assert extracting.outputs["DynamoDBTableStreamArn"] == stream(extracting)


def test_a_stack_without_one_knows_nothing_of_extraction(prod: Program) -> None:
    assert not any("extract" in str(declared).lower() for declared in inputs(prod).items())
    assert not any("EXTRACTION" in variables(one) for one in prod.all("Function"))
    assert prod.outputs["DynamoDBTableStreamArn"] == ""


def test_a_stream_alone_changes_the_table_alone(prod: Program) -> None:
    program = declare("prod", {"stream": "true"})
    without, having = inputs(prod), inputs(program)
    assert [name for name in having if having[name] != without.get(name)] == [
        "file-metadata-table-rows"
    ]
    assert program.one("Table").inputs["streamViewType"] == "NEW_AND_OLD_IMAGES"
    assert program.outputs["DynamoDBTableStreamArn"] == stream(program)


def test_the_mapping_feeds_the_extractor_one_pending_row_at_a_time(extracting: Program) -> None:
    mapping = extracting.one("EventSourceMapping").inputs
    [found] = mapping["filterCriteria"]["filters"]
    pending = {"dynamodb": {"NewImage": {"extraction": {"S": [PENDING]}}}}
    assert json.loads(found["pattern"]) == pending
    assert {k: v for k, v in mapping.items() if k not in {"filterCriteria", "tags"}} == {
        "functionName": extracting.named("extractor-function").id,
        "eventSourceArn": stream(extracting),
        "startingPosition": "TRIM_HORIZON",
        "batchSize": 1,
        "parallelizationFactor": 10,
        "maximumRecordAgeInSeconds": 6 * 60 * 60,
        "maximumRetryAttempts": 100,
        "metricsConfig": {"metrics": ["EventCount"]},
    }


def test_the_permissions_are_in_place_before_what_needs_them(extracting: Program) -> None:
    policy = extracting.named("extractor-permissions")
    for needing in ("extractor-stream", "extractor-function"):
        assert extracting.needs(extracting.named(needing), policy)


def test_the_extractor_has_a_role_of_its_own(extracting: Program) -> None:
    role = extracting.named("extractor-role")
    assert extracting.named("extractor-function").inputs["role"] == role.arn
    assert extracting.named("extractor-permissions").inputs["role"] == role.id


def test_its_size_comes_from_its_own_keys() -> None:
    sized = {"extractorMemorySize": "3008", "extractorTimeout": "900", "extractorStorage": "2048"}
    program = declare("dev", {"extractor": EXTRACTOR, "tracing": "true", **sized})
    function = program.named("extractor-function").inputs
    assert (function["memorySize"], function["timeout"]) == (3008, 900)
    assert function["ephemeralStorage"] == {"size": 2048}
    assert function["tracingConfig"] == {"mode": "Active"}


def test_it_runs_where_the_first_function_does(extracting: Program) -> None:
    ours, first = (
        {key: one.inputs[key] for key in ("runtime", "architectures", "kmsKeyArn", "tracingConfig")}
        for one in extracting.all("Function")
    )
    assert ours == first


def test_its_log_is_json_in_a_group_of_its_own(extracting: Program) -> None:
    logging = extracting.named("extractor-function").inputs["loggingConfig"]
    group = extracting.named("extractor-logs")
    assert (logging["logFormat"], logging["logGroup"]) == ("JSON", group.id)
    assert group.inputs["retentionInDays"] == 90
    assert extracting.needs(extracting.named("extractor-function"), group)


def test_it_knows_bucket_and_table(extracting: Program) -> None:
    assert variables(extracting.named("extractor-function")) == {
        "DYNAMODB_TABLE_NAME": "file-metadata-table-prod",
        "DYNAMODB_TABLE_ARN": extracting.one("Table").arn,
        "S3_BUCKET_NAME": extracting.outputs["S3BucketName"],
    }


def test_the_archive_holds_both_functions_code_and_the_users_beside(extracting: Program) -> None:
    function = extracting.named("extractor-function").inputs
    module, _, _ = function["handler"].partition(".")
    code = function["code"].assets
    assert {f"{module}.py", "signature.py", "user/extract.py"} <= code.keys()
