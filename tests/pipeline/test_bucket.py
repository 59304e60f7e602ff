"""The data bucket: what it refuses, what it keeps, and the order of its settings."""

import json
from itertools import combinations
from typing import Any

import pytest

from support.recorder import ACCOUNT, REGION, Declared, Program, declare

BUCKET = "aws:s3/bucket:Bucket"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
PUBLIC_ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
NOTIFICATION = "aws:s3/bucketNotification:BucketNotification"
SETTINGS = (
    OWNERSHIP,
    PUBLIC_ACCESS,
    VERSIONING,
    ENCRYPTION,
    POLICY,
    LIFECYCLE,
    NOTIFICATION,
)


def encryption_rule(program: Program) -> dict[str, Any]:
    [rule] = program.one(ENCRYPTION).inputs["rules"]
    assert isinstance(rule, dict)
    return rule


def lifecycle_rule(program: Program, rule_id: str) -> dict[str, Any]:
    rules = program.one(LIFECYCLE).inputs["rules"]
    [found] = [rule for rule in rules if rule["id"] == rule_id]
    assert isinstance(found, dict)
    return found


def ordered(program: Program, one: Declared, other: Declared) -> bool:
    return program.needs(one, other) or program.needs(other, one)


def test_there_is_one_bucket(dev: Program) -> None:
    assert len(dev.all(BUCKET)) == 1


def test_the_bucket_has_no_inline_settings(dev: Program) -> None:
    """The provider undoes inline settings and separate ones in turn, at every update."""
    assert set(dev.one(BUCKET).inputs) == {"forceDestroy", "tags"}


def test_no_resource_is_of_a_deprecated_second_version(dev: Program) -> None:
    assert [resource.type for resource in dev.resources if "V2" in resource.type] == []


def test_every_setting_of_the_bucket_is_known_here(dev: Program) -> None:
    declared = [resource.type for resource in dev.resources if resource.type.startswith("aws:s3/")]
    assert sorted(declared) == sorted((BUCKET, *SETTINGS))


@pytest.mark.parametrize("setting", SETTINGS)
def test_each_setting_is_this_bucket_s(dev: Program, setting: str) -> None:
    assert dev.one(setting).inputs["bucket"] == dev.outputs["S3BucketName"]


@pytest.mark.parametrize(("one", "other"), [*combinations(SETTINGS, 2)])
def test_no_two_settings_of_the_bucket_are_saved_at_once(
    dev: Program, one: str, other: str
) -> None:
    """S3 answers some of them with a conflict if they are."""
    assert ordered(dev, dev.one(one), dev.one(other))


def test_the_owner_of_the_bucket_owns_every_object(dev: Program) -> None:
    assert dev.one(OWNERSHIP).inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


@pytest.mark.parametrize(
    "flag",
    ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"],
)
def test_public_access_is_blocked(dev: Program, flag: str) -> None:
    assert dev.one(PUBLIC_ACCESS).inputs[flag] is True


def test_overwritten_objects_keep_their_versions(dev: Program) -> None:
    assert dev.one(VERSIONING).inputs["versioningConfiguration"] == {"status": "Enabled"}


def test_objects_are_encrypted(dev: Program) -> None:
    default = encryption_rule(dev)["applyServerSideEncryptionByDefault"]
    assert default == {"sseAlgorithm": "AES256"}


def test_objects_under_a_customer_s_own_key_are_refused(dev: Program) -> None:
    assert encryption_rule(dev)["blockedEncryptionTypes"] == ["SSE-C"]


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param({"Bool": {"aws:SecureTransport": "false"}}, id="plain HTTP"),
        pytest.param({"NumericLessThan": {"s3:TlsVersion": "1.2"}}, id="TLS before 1.2"),
    ],
)
def test_everybody_is_refused_over_an_unsafe_connection(
    dev: Program, condition: dict[str, Any]
) -> None:
    arn = f"arn:aws:s3:{REGION}:{ACCOUNT}:{dev.outputs['S3BucketName']}"
    statements = json.loads(dev.one(POLICY).inputs["policy"])["Statement"]
    [statement] = [found for found in statements if found["Condition"] == condition]
    del statement["Sid"]
    assert statement == {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": condition,
    }


def test_uploads_left_unfinished_are_aborted_after_a_week(dev: Program) -> None:
    rule = lifecycle_rule(dev, "abort-incomplete-uploads")
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}


@pytest.mark.parametrize("days", [1, 3650])
def test_noncurrent_versions_expire_after_the_configured_days(days: int) -> None:
    program = declare("dev", {"noncurrentVersionDays": str(days)})
    rule = lifecycle_rule(program, "expire-noncurrent-versions")
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": days}


def test_delete_markers_with_nothing_behind_them_are_dropped(dev: Program) -> None:
    rule = lifecycle_rule(dev, "drop-expired-delete-markers")
    assert rule["expiration"] == {"expiredObjectDeleteMarker": True}


def test_no_lifecycle_rule_touches_a_current_object(dev: Program) -> None:
    """Beyond the id, status and filter, each rule does the one thing that it is named for."""
    rules = dev.one(LIFECYCLE).inputs["rules"]
    does = sorted(key for rule in rules for key in rule.keys() - {"id", "status", "filter"})
    assert does == ["abortIncompleteMultipartUpload", "expiration", "noncurrentVersionExpiration"]


@pytest.mark.parametrize(
    "rule_id",
    ["abort-incomplete-uploads", "expire-noncurrent-versions", "drop-expired-delete-markers"],
)
def test_every_lifecycle_rule_is_on_for_every_key(dev: Program, rule_id: str) -> None:
    rule = lifecycle_rule(dev, rule_id)
    assert (rule["status"], rule["filter"]) == ("Enabled", {"prefix": ""})


def test_the_dev_bucket_goes_with_its_objects(dev: Program) -> None:
    assert dev.one(BUCKET).inputs["forceDestroy"] is True


def test_the_prod_bucket_never_goes_with_its_objects(prod: Program) -> None:
    assert prod.one(BUCKET).inputs["forceDestroy"] is False
