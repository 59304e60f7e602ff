"""Encryption: AWS's own keys, said aloud; or one key of the account's, used by all and no more."""

import json
from typing import Any

import pulumi
import pytest

from support.recorder import ACCOUNT, REGION, REGIONS, Declared, Program, declare

KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
FUNCTION = "aws:lambda/function:Function"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)


def bucket_default(program: Program) -> dict[str, Any]:
    [rule] = program.one(ENCRYPTION).inputs["rules"]
    default: dict[str, Any] = rule["applyServerSideEncryptionByDefault"]
    return default


def key_of_all(program: Program, kind: str, field: str) -> str | None:
    [key] = {found.inputs.get(field) for found in program.all(kind)}
    return key


KEY_OF = {
    "bucket": lambda program: bucket_default(program).get("kmsMasterKeyId"),
    "table": lambda program: (
        program.one("aws:dynamodb/table:Table").inputs["serverSideEncryption"].get("kmsKeyArn")
    ),
    "queue": lambda program: program.one("aws:sqs/queue:Queue").inputs.get("kmsMasterKeyId"),
    "topic": lambda program: program.one("aws:sns/topic:Topic").inputs.get("kmsMasterKeyId"),
    "log group": lambda program: key_of_all(program, LOG_GROUP, "kmsKeyId"),
    "function": lambda program: key_of_all(program, FUNCTION, "kmsKeyArn"),
}


def arn(key: Declared) -> str:
    return f"arn:aws:kms:{REGION}:{ACCOUNT}:{key.name}-1234567"


@pytest.mark.parametrize("part", KEY_OF)
def test_with_a_key_each_part_is_encrypted_with_it(prod: Program, part: str) -> None:
    assert KEY_OF[part](prod) == arn(prod.one(KEY))


@pytest.mark.parametrize("part", KEY_OF)
def test_without_a_key_no_part_names_one(dev: Program, part: str) -> None:
    assert KEY_OF[part](dev) is None


def test_without_a_key_none_is_made(dev: Program) -> None:
    assert dev.all(KEY) == dev.all(ALIAS) == []


def test_with_a_key_the_bucket_uses_kms_and_a_bucket_key(prod: Program) -> None:
    [rule] = prod.one(ENCRYPTION).inputs["rules"]
    assert bucket_default(prod)["sseAlgorithm"] == "aws:kms"
    assert rule["bucketKeyEnabled"] is True


def test_without_a_key_the_table_moves_off_any_that_it_was_under(dev: Program) -> None:
    """The provider keeps a `kmsKeyArn` that is no longer declared, and sees no change in it.

    https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/dynamodb/table.go
    """
    table = dev.one("aws:dynamodb/table:Table")
    assert table.inputs["serverSideEncryption"] == {"enabled": False}


def test_with_a_key_the_queue_leaves_sqs_own_encryption(prod: Program) -> None:
    assert "sqsManagedSseEnabled" not in prod.one("aws:sqs/queue:Queue").inputs


def test_the_key_rotates(prod: Program) -> None:
    assert prod.one(KEY).inputs["enableKeyRotation"] is True


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_pulumi_never_deletes_the_key(stack: str) -> None:
    """A key that waits for its deletion fails every use at once."""
    assert declare(stack, {"customerManagedKey": "true"}).one(KEY).retain


def test_the_key_can_leave_a_protected_stack(prod: Program) -> None:
    """Pulumi refuses to take a protected resource out of a stack, retained or not."""
    assert [found.name for found in prod.all(KEY) + prod.all(ALIAS) if found.protect] == []


def test_the_alias_is_free_for_another_key(prod: Program) -> None:
    """An alias that stayed would be refused as taken when the setting is turned on again."""
    assert not prod.one(ALIAS).retain


def test_the_alias_of_an_update_that_stopped_may_have_its_old_name_back(prod: Program) -> None:
    assert prod.one(ALIAS).delete_before_replace


def test_the_alias_names_the_environment_and_leads_to_the_key(prod: Program) -> None:
    alias = prod.one(ALIAS)
    assert alias.inputs["name"] == "alias/file-metadata-prod"
    assert alias.inputs["targetKeyId"] == f"{prod.one(KEY).name}-1234567"


def key_policy(program: Program) -> dict[str, dict[str, Any]]:
    statements = json.loads(program.one(KEY).inputs["policy"])["Statement"]
    return {statement["Sid"]: statement for statement in statements}


def test_only_the_account_and_services_of_it_are_in_the_key_policy(prod: Program) -> None:
    principals = [statement["Principal"] for statement in key_policy(prod).values()]
    assert principals == [
        {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        {"Service": f"logs.{REGION}.amazonaws.com"},
        {"Service": "cloudwatch.amazonaws.com"},
        {"AWS": "*"},
    ]


@pytest.mark.parametrize("service", ["dynamodb", "s3", "sqs"])
def test_what_keeps_data_may_use_the_key_for_callers_of_this_account(
    prod: Program, service: str
) -> None:
    """A table that comes under the key does so before the function's role may use it."""
    statement = key_policy(prod)["AccountUsesKeyThroughServices"]
    condition = statement["Condition"]["StringEquals"]
    assert statement["Condition"].keys() == {"StringEquals"}
    assert condition.keys() == {"kms:CallerAccount", "kms:ViaService"}
    assert condition["kms:CallerAccount"] == ACCOUNT
    assert f"{service}.{REGION}.amazonaws.com" in condition["kms:ViaService"]
    assert len(condition["kms:ViaService"]) == 3
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


@pytest.mark.parametrize(
    ("partition", "suffix"),
    [("aws", "amazonaws.com"), ("aws-cn", "amazonaws.com.cn"), ("aws-us-gov", "amazonaws.com")],
)
def test_the_key_s_policy_names_the_region_s_services_as_their_partition_does(
    partition: str, suffix: str
) -> None:
    region = REGIONS[partition]
    policy = key_policy(declare("prod", region=region))
    through = policy["AccountUsesKeyThroughServices"]["Condition"]["StringEquals"]
    assert policy["LogsEncryptOurLogGroups"]["Principal"] == {"Service": f"logs.{region}.{suffix}"}
    assert through["kms:ViaService"] == [
        f"{service}.{region}.{suffix}" for service in ("dynamodb", "s3", "sqs")
    ]


def test_only_this_accounts_alarms_may_use_the_key(prod: Program) -> None:
    statement = key_policy(prod)["AlarmsPublishToTopic"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def test_the_log_service_may_use_the_key_for_our_log_groups(prod: Program) -> None:
    condition = key_policy(prod)["LogsEncryptOurLogGroups"]["Condition"]
    [patterns] = condition["ArnLike"].values()
    assert condition == {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": patterns}}
    prefix = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"
    assert set(patterns) == {f"{prefix}{group.name}*" for group in prod.all(LOG_GROUP)}


def test_the_log_service_may_not_manage_the_key(prod: Program) -> None:
    actions = key_policy(prod)["LogsEncryptOurLogGroups"]["Action"]
    assert all(
        action.startswith(("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt", "kms:GenerateDataKey"))
        or action == "kms:DescribeKey"
        for action in actions
    )


def test_the_roles_may_use_this_key_and_no_other(prod: Program) -> None:
    statements = [
        statement
        for policy in prod.all(ROLE_POLICY)
        for statement in json.loads(policy.inputs["policy"])["Statement"]
    ]
    used = {one["Resource"] for one in statements if "kms:Decrypt" in one["Action"]}
    assert used == {arn(prod.one(KEY))}


def test_without_a_key_the_role_may_use_none(dev: Program) -> None:
    assert "kms:" not in dev.one(ROLE_POLICY).inputs["policy"]


def test_access_logs_go_to_the_bucket_that_is_named() -> None:
    program = declare("dev", {"accessLogBucket": "audit-logs"})
    logging = program.one("aws:s3/bucketLogging:BucketLogging")
    bucket = program.one("aws:s3/bucket:Bucket")
    assert logging.inputs["bucket"] == f"{bucket.name}-1234567"
    assert logging.inputs["targetBucket"] == "audit-logs"
    assert logging.inputs["targetPrefix"] == f"{bucket.name}-1234567/"


def test_access_logging_waits_its_turn_among_the_buckets_settings() -> None:
    program = declare("dev", {"accessLogBucket": "audit-logs"})
    logging = program.one("aws:s3/bucketLogging:BucketLogging")
    lifecycle = program.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    notification = program.one("aws:s3/bucketNotification:BucketNotification")
    assert program.needs(logging, lifecycle)
    assert program.needs(notification, logging)


def test_access_logs_can_be_turned_off_on_a_protected_stack() -> None:
    """They hold no data, and Pulumi would refuse to take a protected resource away."""
    program = declare("prod", {"accessLogBucket": "audit-logs"})
    assert not program.one("aws:s3/bucketLogging:BucketLogging").protect


def test_access_logs_never_go_into_the_bucket_that_pulumi_named() -> None:
    """Each log file would be a change, which is logged, without end."""
    own = declare("dev").outputs["S3BucketName"]
    rule = "accessLogBucket must be another bucket than the one that is logged"
    with pytest.raises(pulumi.RunError, match=rf"^{rule}, got '{own}'$"):
        declare("dev", {"accessLogBucket": own})


def test_without_a_bucket_for_them_there_are_no_access_logs(dev: Program) -> None:
    assert dev.all("aws:s3/bucketLogging:BucketLogging") == []
