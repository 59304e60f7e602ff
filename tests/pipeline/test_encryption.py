"""Encryption: AWS's own keys, said aloud; or one key of the account's, used by all and no more."""

from typing import Any

import pulumi
import pytest

from support.extractors import EXTRACTOR
from support.recorder import ACCOUNT, REGION, REGIONS, Program, declare

LOGGING = {"accessLogBucket": "audit-logs"}
KEY_IN = {
    "Queue": "kmsMasterKeyId",
    "Topic": "kmsMasterKeyId",
    "LogGroup": "kmsKeyId",
    "Function": "kmsKeyArn",
}
"""The property for the key, by type."""


def bucket_rule(program: Program) -> dict[str, Any]:
    [rule] = program.one("BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert isinstance(rule, dict)
    return rule


def keys(program: Program) -> dict[str, str | None]:
    """The key that each part names."""
    return {
        "bucket": bucket_rule(program)["applyServerSideEncryptionByDefault"].get("kmsMasterKeyId"),
        "table": program.one("Table").inputs["serverSideEncryption"].get("kmsKeyArn"),
        **{
            one.name: one.inputs.get(at) for kind, at in KEY_IN.items() for one in program.all(kind)
        },
    }


def test_with_a_key_each_part_is_encrypted_with_it(prod: Program) -> None:
    assert set(keys(prod).values()) == {prod.one("Key").arn}


def test_without_a_key_none_is_made_and_no_part_names_one(dev: Program) -> None:
    assert dev.all("Key") == dev.all("Alias") == []
    assert set(keys(dev).values()) == {None}


def test_with_a_key_the_bucket_uses_kms_and_a_bucket_key(prod: Program) -> None:
    rule = bucket_rule(prod)
    assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
    assert rule["bucketKeyEnabled"] is True


def test_without_a_key_the_table_moves_off_any_that_it_was_under(dev: Program) -> None:
    """The provider keeps a `kmsKeyArn` that is no longer declared, and sees no change in it.

    https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/dynamodb/table.go
    """
    assert dev.one("Table").inputs["serverSideEncryption"] == {"enabled": False}


def test_with_a_key_the_queue_leaves_sqs_own_encryption(prod: Program) -> None:
    assert "sqsManagedSseEnabled" not in prod.one("Queue").inputs


def test_the_key_rotates(prod: Program) -> None:
    assert prod.one("Key").inputs["enableKeyRotation"] is True


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_pulumi_never_deletes_the_key(stack: str) -> None:
    """A key that waits for its deletion fails every use at once."""
    assert declare(stack, {"customerManagedKey": "true"}).one("Key").retain


def test_the_key_can_leave_a_protected_stack(prod: Program) -> None:
    """Pulumi refuses to take a protected resource out of a stack, retained or not."""
    assert [found.name for found in prod.all("Key") + prod.all("Alias") if found.protect] == []


def test_the_alias_is_free_for_another_key(prod: Program) -> None:
    """An alias that stayed would be refused as taken when the setting is turned on again.

    After an update that stopped it may have its old name back.
    """
    assert not prod.one("Alias").retain
    assert prod.one("Alias").delete_before_replace


def test_the_alias_names_the_environment_and_leads_to_the_key(prod: Program) -> None:
    assert prod.one("Alias").inputs == {
        "name": "alias/file-metadata-prod",
        "targetKeyId": prod.one("Key").id,
    }


def test_only_the_account_and_services_of_it_are_in_the_key_policy(prod: Program) -> None:
    principals = [one["Principal"] for one in prod.one("Key").statements().values()]
    assert principals == [
        {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        {"Service": f"logs.{REGION}.amazonaws.com"},
        {"Service": "cloudwatch.amazonaws.com"},
        {"AWS": "*"},
    ]


@pytest.mark.parametrize(
    ("partition", "suffix"),
    [("aws", "amazonaws.com"), ("aws-cn", "amazonaws.com.cn"), ("aws-us-gov", "amazonaws.com")],
)
def test_what_keeps_data_may_use_the_key_for_callers_of_this_account(
    partition: str, suffix: str
) -> None:
    """A table that comes under the key does so before the function's role may use it."""
    region = REGIONS[partition]
    policy = declare("prod", region=region).one("Key").statements()
    assert policy["LogsEncryptOurLogGroups"]["Principal"] == {"Service": f"logs.{region}.{suffix}"}
    statement = policy["AccountUsesKeyThroughServices"]
    services = [f"{service}.{region}.{suffix}" for service in ("dynamodb", "s3", "sqs")]
    assert statement["Condition"] == {
        "StringEquals": {"kms:CallerAccount": ACCOUNT, "kms:ViaService": services}
    }
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def test_only_this_accounts_alarms_may_use_the_key(prod: Program) -> None:
    statement = prod.one("Key").statements()["AlarmsPublishToTopic"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


@pytest.mark.parametrize("audit", ["off", "report"])
def test_the_log_service_may_use_the_key_for_our_log_groups_and_not_manage_it(audit: str) -> None:
    program = declare("prod", {"extractor": EXTRACTOR, "audit": audit})
    statement = program.one("Key").statements()["LogsEncryptOurLogGroups"]
    prefix = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"
    [patterns] = statement["Condition"]["ArnLike"].values()
    assert statement["Condition"] == {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": patterns}}
    assert set(patterns) == {f"{prefix}{group.name}*" for group in program.all("LogGroup")}
    assert all(
        action.startswith(("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt", "kms:GenerateDataKey"))
        or action == "kms:DescribeKey"
        for action in statement["Action"]
    )


def test_the_roles_may_use_this_key_and_no_other(prod: Program) -> None:
    statements = [one for policy in prod.all("RolePolicy") for one in policy.statements().values()]
    used = {one["Resource"] for one in statements if "kms:Decrypt" in one["Action"]}
    assert used == {prod.one("Key").arn}


def test_access_logs_go_to_the_bucket_that_is_named() -> None:
    program = declare("dev", LOGGING)
    bucket = program.one("Bucket").id
    assert program.one("BucketLogging").inputs == {
        "bucket": bucket,
        "targetBucket": "audit-logs",
        "targetPrefix": f"{bucket}/",
    }


def test_access_logging_waits_its_turn_among_the_buckets_settings() -> None:
    program = declare("dev", LOGGING)
    logging = program.one("BucketLogging")
    assert program.needs(logging, program.one("BucketLifecycleConfiguration"))
    assert program.needs(program.one("BucketNotification"), logging)


def test_access_logs_can_be_turned_off_on_a_protected_stack() -> None:
    """They hold no data, and Pulumi would refuse to take a protected resource away."""
    assert not declare("prod", LOGGING).one("BucketLogging").protect


def test_access_logs_never_go_into_the_bucket_that_pulumi_named() -> None:
    """Each log file would be a change, which is logged, without end."""
    own = declare("dev").outputs["S3BucketName"]
    rule = "accessLogBucket must be another bucket than the one that is logged"
    with pytest.raises(pulumi.RunError, match=rf"^{rule}, got '{own}'$"):
        declare("dev", {"accessLogBucket": own})
