"""The metadata table: its key, its price, and how it keeps and forgets rows."""

import pytest

from support.recorder import Program, declare

TABLE = "aws:dynamodb/table:Table"


def test_there_is_one_table(dev: Program) -> None:
    assert len(dev.all(TABLE)) == 1


@pytest.mark.parametrize("suffix", ["dev", "a", "eu-west-2-blue"])
def test_the_table_is_named_after_the_environment(suffix: str) -> None:
    table = declare("dev", {"environmentSuffix": suffix}).one(TABLE)
    assert table.inputs["name"] == f"file-metadata-table-{suffix}"


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_without_a_suffix_the_table_is_named_after_the_stack(stack: str) -> None:
    table = declare(stack, {"environmentSuffix": ""}).one(TABLE)
    assert table.inputs["name"] == f"file-metadata-table-{stack}"


def test_the_object_s_key_is_the_table_s_partition_key(dev: Program) -> None:
    assert dev.one(TABLE).inputs["hashKey"] == "file_key"


def test_the_table_has_no_sort_key(dev: Program) -> None:
    assert "rangeKey" not in dev.one(TABLE).inputs


def test_the_partition_key_is_text(dev: Program) -> None:
    assert dev.one(TABLE).inputs["attributes"] == [{"name": "file_key", "type": "S"}]


def test_the_table_is_paid_by_the_request(dev: Program) -> None:
    assert dev.one(TABLE).inputs["billingMode"] == "PAY_PER_REQUEST"


def test_the_table_can_be_restored_to_a_point_in_time(dev: Program) -> None:
    assert dev.one(TABLE).inputs["pointInTimeRecovery"] == {"enabled": True}


def test_tombstones_expire(dev: Program) -> None:
    assert dev.one(TABLE).inputs["ttl"] == {"attributeName": "expires_at", "enabled": True}


def test_aws_lets_the_dev_table_be_deleted(dev: Program) -> None:
    assert dev.one(TABLE).inputs["deletionProtectionEnabled"] is False


def test_aws_refuses_to_delete_the_prod_table(prod: Program) -> None:
    assert prod.one(TABLE).inputs["deletionProtectionEnabled"] is True
