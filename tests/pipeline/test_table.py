"""The metadata table: its key, its price, and how it keeps and forgets rows."""

import pytest

from support.recorder import Program, declare


@pytest.mark.parametrize(
    ("stack", "suffix", "name"),
    [
        ("dev", "dev", "dev"),
        ("dev", "eu-west-2-blue", "eu-west-2-blue"),
        ("dev", "", "dev"),
        ("prod", "", "prod"),
    ],
)
def test_the_table_is_named_after_the_environment(stack: str, suffix: str, name: str) -> None:
    """Without a suffix, that is the stack."""
    table = declare(stack, {"environmentSuffix": suffix}).one("Table")
    assert table.inputs["name"] == f"file-metadata-table-{name}"


def test_the_object_s_key_is_the_table_s_only_key(dev: Program) -> None:
    table = dev.one("Table").inputs
    assert table["hashKey"] == "file_key"
    assert table["attributes"] == [{"name": "file_key", "type": "S"}]
    assert "rangeKey" not in table


def test_the_table_is_paid_by_the_request(dev: Program) -> None:
    assert dev.one("Table").inputs["billingMode"] == "PAY_PER_REQUEST"


def test_the_table_can_be_restored_to_a_point_in_time(dev: Program) -> None:
    assert dev.one("Table").inputs["pointInTimeRecovery"] == {"enabled": True}


def test_tombstones_expire(dev: Program) -> None:
    assert dev.one("Table").inputs["ttl"] == {"attributeName": "expires_at", "enabled": True}


def test_aws_refuses_to_delete_the_prod_table(dev: Program, prod: Program) -> None:
    protected = [one.one("Table").inputs["deletionProtectionEnabled"] for one in (dev, prod)]
    assert protected == [False, True]
