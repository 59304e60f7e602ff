"""What the stand-in for the AWS provider goes by: of every type, and in the provider's words."""

import importlib
import inspect
import re
from typing import Any

import pytest

from support.extractors import EXTRACTOR
from support.provider_deletes import DELETES
from support.provider_facts import FACTS, Change
from support.recorder import EVENTBRIDGE, declare

KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
TABLE = "aws:dynamodb/table:Table"
BUCKET = "aws:s3/bucket:Bucket"
EVERYTHING = {
    "accessLogBucket": "logs",
    "audit": "report",
    "alarmEmail": "someone@example.com",
    "batchOperations": "true",
    "customerManagedKey": "true",
    "extractor": EXTRACTOR,
}


def camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name.rstrip("_"))


def properties(token: str) -> set[str]:
    """What the SDK's class of a type takes."""
    [(module, kind)] = re.findall(r"aws:(\w+)/\w+:(\w+)", token)
    of = importlib.import_module(f"pulumi_aws.{module}{'_' if module == 'lambda' else ''}")
    return {camel(name) for name in inspect.signature(getattr(of, kind)._internal_init).parameters}


def test_every_type_that_the_program_declares_has_its_facts_and_its_deletion() -> None:
    programs = (declare("dev", EVERYTHING), declare("dev", EVENTBRIDGE))
    declared = {resource.type for program in programs for resource in program.resources}
    assert {token for token in declared if token.startswith("aws:")} == FACTS.keys()
    assert FACTS.keys() == DELETES.keys()


@pytest.mark.parametrize("token", FACTS)
def test_what_forces_a_replacement_is_a_property_of_the_type(token: str) -> None:
    assert set(FACTS[token].replaces) <= properties(token)
    assert FACTS[token].source.endswith(".go")


def table(**encryption: Any) -> dict[str, Any]:
    return {"name": "rows", "serverSideEncryption": encryption}


def test_a_key_that_is_left_out_stays_on_the_table() -> None:
    on, left_out = table(enabled=True, kmsKeyArn=KEY), table(enabled=True)
    change = Change.between(TABLE, state=on, old=on, new=left_out)
    assert change == Change(inputs=on, properties=frozenset(), replaces=())


def test_an_encryption_that_is_turned_off_is_a_change_in_place() -> None:
    on, off = table(enabled=True, kmsKeyArn=KEY), table(enabled=False)
    change = Change.between(TABLE, state=on, old=on, new=off)
    assert (change.properties, change.replaces) == ({"serverSideEncryption"}, ())


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        ({}, {"bucket": "made-up"}, ()),
        ({}, {"bucket": "another"}, ("bucket",)),
        ({"bucket": "made-up"}, {}, ("bucket",)),
    ],
    ids=["its own", "another", "no longer"],
)
def test_a_bucket_is_replaced_where_its_name_is_another(
    old: dict[str, str], new: dict[str, str], replaces: tuple[str, ...]
) -> None:
    change = Change.between(BUCKET, state={"bucket": "made-up"}, old=old, new=new)
    assert change.replaces == replaces
