"""The function: its code, its surroundings, its log group, and what its role may do."""

import ast
import json
from typing import Any

import pytest

from support.recorder import ACCOUNT, REGION, ROOT, Declared, Program, declare

FUNCTION = "aws:lambda/function:Function"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"


def auto_name(resource: Declared) -> str:
    return f"{resource.name}-1234567"


def arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


def permissions(program: Program) -> dict[str, dict[str, Any]]:
    statements = json.loads(program.one(ROLE_POLICY).inputs["policy"])["Statement"]
    return {statement["Sid"]: statement for statement in statements}


def variables(program: Program) -> dict[str, str]:
    found: dict[str, str] = program.one(FUNCTION).inputs["environment"]["variables"]
    return found


def variables_read_by_the_handler() -> set[str]:
    """The names in every ``os.environ[...]`` of the handler."""
    return {
        ast.literal_eval(node.slice)
        for path in (ROOT / "handler").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ"
    }


def test_there_is_one_function(dev: Program) -> None:
    assert len(dev.all(FUNCTION)) == 1


def test_the_function_runs_on_python_3_14(dev: Program) -> None:
    assert dev.one(FUNCTION).inputs["runtime"] == "python3.14"


def test_the_function_runs_on_arm(dev: Program) -> None:
    assert dev.one(FUNCTION).inputs["architectures"] == ["arm64"]


def test_the_entry_point_is_the_contract_s(dev: Program) -> None:
    assert dev.one(FUNCTION).inputs["handler"] == "process_file.lambda_handler"


def test_the_archive_defines_the_entry_point(dev: Program) -> None:
    function = dev.one(FUNCTION)
    module, _, name = function.inputs["handler"].partition(".")
    code = ast.parse(function.inputs["code"].assets[f"{module}.py"].text)
    assert name in {node.name for node in code.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("key", "name", "value"),
    [
        ("memorySize", "memorySize", 512),
        ("timeout", "timeout", 60),
        ("reservedConcurrency", "reservedConcurrentExecutions", 5),
    ],
)
def test_the_function_s_size_comes_from_the_configuration(key: str, name: str, value: int) -> None:
    program = declare("dev", {key: str(value)})
    assert program.one(FUNCTION).inputs[name] == value


def test_the_function_draws_on_the_unreserved_pool_unless_told(dev: Program) -> None:
    assert dev.one(FUNCTION).inputs["reservedConcurrentExecutions"] == -1


@pytest.mark.parametrize(("tracing", "mode"), [("true", "Active"), ("false", "PassThrough")])
def test_invocations_are_traced_when_asked(tracing: str, mode: str) -> None:
    function = declare("dev", {"tracing": tracing}).one(FUNCTION)
    assert function.inputs["tracingConfig"] == {"mode": mode}


def test_logs_are_json(dev: Program) -> None:
    assert dev.one(FUNCTION).inputs["loggingConfig"]["logFormat"] == "JSON"


def test_logs_go_to_our_own_log_group(dev: Program) -> None:
    group = dev.one(FUNCTION).inputs["loggingConfig"]["logGroup"]
    assert group == auto_name(dev.one(LOG_GROUP))


@pytest.mark.parametrize(
    ("level", "application", "system"),
    [("DEBUG", "DEBUG", "INFO"), ("INFO", "INFO", "WARN"), ("WARNING", "WARN", "WARN")],
)
def test_log_levels_follow_the_configuration(level: str, application: str, system: str) -> None:
    logging = declare("dev", {"logLevel": level}).one(FUNCTION).inputs["loggingConfig"]
    assert (logging["applicationLogLevel"], logging["systemLogLevel"]) == (application, system)


@pytest.mark.parametrize("days", [1, 3653])
def test_logs_are_kept_for_the_configured_days(days: int) -> None:
    program = declare("dev", {"logRetentionDays": str(days)})
    assert program.one(LOG_GROUP).inputs["retentionInDays"] == days


def test_the_function_sets_what_its_code_reads(dev: Program) -> None:
    """Lambda sets the region itself."""
    assert variables(dev).keys() == variables_read_by_the_handler() - {"AWS_REGION"}


def test_no_variable_takes_a_name_that_lambda_reserves(dev: Program) -> None:
    assert [name for name in variables(dev) if name.startswith(("AWS_", "LAMBDA_", "_"))] == []


def test_the_function_knows_its_bucket(dev: Program) -> None:
    assert variables(dev)["S3_BUCKET_NAME"] == dev.outputs["S3BucketName"]


def test_the_function_knows_its_table_by_name(dev: Program) -> None:
    assert variables(dev)["DYNAMODB_TABLE_NAME"] == "file-metadata-table-dev"


def test_the_function_knows_its_table_by_arn(dev: Program) -> None:
    assert variables(dev)["DYNAMODB_TABLE_ARN"] == arn("dynamodb", "file-metadata-table-dev")


def test_the_function_knows_how_long_tombstones_stay() -> None:
    assert variables(declare("dev", {"tombstoneDays": "365"}))["TOMBSTONE_DAYS"] == "365"


def test_the_function_takes_on_its_role(dev: Program) -> None:
    assert dev.one(FUNCTION).inputs["role"] == arn("iam", auto_name(dev.one(ROLE)))


def test_only_lambda_may_assume_the_role(dev: Program) -> None:
    [statement] = json.loads(dev.one(ROLE).inputs["assumeRolePolicy"])["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_the_permissions_are_the_role_s(dev: Program) -> None:
    assert dev.one(ROLE_POLICY).inputs["role"] == auto_name(dev.one(ROLE))


def test_the_role_has_no_managed_policy(dev: Program) -> None:
    assert set(dev.one(ROLE).inputs) == {"assumeRolePolicy", "tags"}


def test_a_boundary_is_around_every_role() -> None:
    arn = "arn:aws:iam::123456789012:policy/bounds"
    program = declare("dev", {"permissionsBoundary": arn, "batchOperations": "true"})
    assert [role.inputs["permissionsBoundary"] for role in program.all(ROLE)] == [arn, arn]


@pytest.mark.parametrize(
    ("sid", "service", "name", "rest"),
    [
        ("HeadObject", "s3", "file-metadata-bucket-objects-1234567", "/*"),
        ("DistinguishMissingObject", "s3", "file-metadata-bucket-objects-1234567", ""),
        ("WriteRow", "dynamodb", "file-metadata-table-dev", ""),
        ("ReadRowBeforeUnorderedWrite", "dynamodb", "file-metadata-table-dev", ""),
        ("SendFailedEvent", "sqs", "file-metadata-failures-events-1234567", ""),
        ("Log", "cloudwatch", "file-metadata-processor-logs-1234567", ":*"),
    ],
)
def test_each_permission_is_for_this_stack_s_own_resource(
    dev: Program, sid: str, service: str, name: str, rest: str
) -> None:
    assert permissions(dev)[sid]["Resource"] == arn(service, name) + rest


@pytest.mark.parametrize("tracing", [True, False])
def test_the_role_may_trace_only_where_tracing_is_on(tracing: bool) -> None:
    program = declare("dev", {"tracing": str(tracing).lower()})
    assert ("Trace" in permissions(program)) is tracing


def test_the_permissions_are_in_place_before_the_function(dev: Program) -> None:
    assert dev.needs(dev.one(FUNCTION), dev.one(ROLE_POLICY))


def test_the_log_group_is_in_place_before_the_function(dev: Program) -> None:
    """Else Lambda makes one of its own, without retention."""
    assert dev.needs(dev.one(FUNCTION), dev.one(LOG_GROUP))
