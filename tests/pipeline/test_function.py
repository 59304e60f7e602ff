"""The function: its code, its surroundings, its log group, and what its role may do."""

import ast
import json

import pytest

from pipeline.role_policies import process_files, trust_lambda
from support.recorder import ROOT, Program, declare


def variables(program: Program) -> dict[str, str]:
    found: dict[str, str] = program.one("Function").inputs["environment"]["variables"]
    return found


def variables_read_by_the_handler() -> set[str]:
    """The names in every ``os.environ[...]`` of the handler."""
    return {
        ast.literal_eval(node.slice)
        for path in (ROOT / "handler").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ"
    }


def test_the_function_runs_on_python_3_14(dev: Program) -> None:
    """On ARM, and on the account's unreserved concurrency unless told otherwise."""
    function = dev.one("Function").inputs
    assert (function["runtime"], function["architectures"]) == ("python3.14", ["arm64"])
    assert function["reservedConcurrentExecutions"] == -1


def test_the_archive_defines_the_entry_point(dev: Program) -> None:
    function = dev.one("Function").inputs
    assert function["handler"] == "process_file.lambda_handler"
    code = ast.parse(function["code"].assets["process_file.py"].text)
    defined = {node.name for node in code.body if isinstance(node, ast.FunctionDef)}
    assert "lambda_handler" in defined


def test_the_function_s_size_comes_from_the_configuration() -> None:
    sized = {"memorySize": "512", "timeout": "60", "reservedConcurrency": "5"}
    function = declare("dev", sized).one("Function").inputs
    assert (function["memorySize"], function["timeout"]) == (512, 60)
    assert function["reservedConcurrentExecutions"] == 5


@pytest.mark.parametrize(("tracing", "mode"), [("true", "Active"), ("false", "PassThrough")])
def test_invocations_are_traced_when_asked(tracing: str, mode: str) -> None:
    program = declare("dev", {"tracing": tracing})
    assert program.one("Function").inputs["tracingConfig"] == {"mode": mode}
    assert ("Trace" in program.one("RolePolicy").statements()) is (mode == "Active")


@pytest.mark.parametrize(
    ("level", "application", "system"),
    [("DEBUG", "DEBUG", "INFO"), ("INFO", "INFO", "WARN"), ("WARNING", "WARN", "WARN")],
)
def test_logs_are_json_of_the_configured_level(level: str, application: str, system: str) -> None:
    program = declare("dev", {"logLevel": level})
    assert program.one("Function").inputs["loggingConfig"] == {
        "logFormat": "JSON",
        "logGroup": program.one("LogGroup").id,
        "applicationLogLevel": application,
        "systemLogLevel": system,
    }


@pytest.mark.parametrize("days", [1, 3653])
def test_logs_are_kept_for_the_configured_days(days: int) -> None:
    program = declare("dev", {"logRetentionDays": str(days)})
    assert program.one("LogGroup").inputs["retentionInDays"] == days


def test_the_function_sets_what_its_code_reads(dev: Program) -> None:
    """Lambda sets the region itself, and reserves such names."""
    assert variables(dev).keys() == variables_read_by_the_handler() - {"AWS_REGION"}
    assert [name for name in variables(dev) if name.startswith(("AWS_", "LAMBDA_", "_"))] == []


def test_the_function_knows_bucket_and_table_and_how_long_tombstones_stay() -> None:
    program = declare("dev", {"tombstoneDays": "365"})
    assert variables(program) == {
        "DYNAMODB_TABLE_NAME": "file-metadata-table-dev",
        "DYNAMODB_TABLE_ARN": program.one("Table").arn,
        "S3_BUCKET_NAME": program.outputs["S3BucketName"],
        "TOMBSTONE_DAYS": "365",
    }


def test_only_lambda_may_assume_the_role_which_has_no_managed_policy(dev: Program) -> None:
    role = dev.one("Role").inputs
    assert json.loads(role["assumeRolePolicy"]) == trust_lambda()
    assert set(role) == {"assumeRolePolicy", "tags"}


def test_a_boundary_is_around_every_role() -> None:
    arn = "arn:aws:iam::123456789012:policy/bounds"
    program = declare("dev", {"permissionsBoundary": arn, "batchOperations": "true"})
    assert [role.inputs["permissionsBoundary"] for role in program.all("Role")] == [arn, arn]


def test_each_permission_is_for_this_stack_s_own_resource(dev: Program) -> None:
    policy = dev.one("RolePolicy").inputs
    assert policy["role"] == dev.one("Role").id
    assert json.loads(policy["policy"]) == process_files(
        bucket_arn=dev.one("Bucket").arn,
        table_arn=dev.one("Table").arn,
        queue_arn=dev.one("Queue").arn,
        log_group_arn=dev.one("LogGroup").arn,
        key_arn=None,
        tracing=False,
    )


@pytest.mark.parametrize("earlier", ["RolePolicy", "LogGroup"])
def test_what_the_function_needs_is_in_place_before_it(dev: Program, earlier: str) -> None:
    """Without a log group Lambda makes one of its own, without retention."""
    assert dev.needs(dev.one("Function"), dev.one(earlier))
