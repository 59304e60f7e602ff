"""The data bucket: what it refuses, what it keeps, and the order of its settings."""

import json
from itertools import combinations

import pytest

from pipeline.resource_policies import bucket_requires_tls
from support.recorder import Program, declare

SETTINGS = (
    "BucketOwnershipControls",
    "BucketPublicAccessBlock",
    "BucketVersioning",
    "BucketServerSideEncryptionConfiguration",
    "BucketPolicy",
    "BucketLifecycleConfiguration",
    "BucketNotification",
)


def test_the_bucket_has_no_inline_settings(dev: Program) -> None:
    """The provider undoes inline settings and separate ones in turn, at every update."""
    assert set(dev.one("Bucket").inputs) == {"forceDestroy", "tags"}


def test_every_setting_is_known_here_and_is_this_bucket_s(dev: Program) -> None:
    declared = {one.kind: one for one in dev.resources if one.type.startswith("aws:s3/")}
    assert sorted(declared) == sorted(("Bucket", *SETTINGS))
    buckets = {declared[setting].inputs["bucket"] for setting in SETTINGS}
    assert buckets == {dev.outputs["S3BucketName"]}


@pytest.mark.parametrize(("one", "other"), [*combinations(SETTINGS, 2)])
def test_no_two_settings_of_the_bucket_are_saved_at_once(
    dev: Program, one: str, other: str
) -> None:
    """S3 answers some of them with a conflict if they are."""
    assert dev.needs(dev.one(one), dev.one(other)) or dev.needs(dev.one(other), dev.one(one))


def test_the_owner_of_the_bucket_owns_every_object(dev: Program) -> None:
    ownership = dev.one("BucketOwnershipControls").inputs["rule"]
    assert ownership == {"objectOwnership": "BucketOwnerEnforced"}


@pytest.mark.parametrize(
    "flag",
    ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"],
)
def test_public_access_is_blocked(dev: Program, flag: str) -> None:
    assert dev.one("BucketPublicAccessBlock").inputs[flag] is True


def test_overwritten_objects_keep_their_versions(dev: Program) -> None:
    versioning = dev.one("BucketVersioning").inputs["versioningConfiguration"]
    assert versioning == {"status": "Enabled"}


def test_objects_are_encrypted_and_those_under_a_customer_s_own_key_refused(dev: Program) -> None:
    assert dev.one("BucketServerSideEncryptionConfiguration").inputs["rules"] == [
        {
            "applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"},
            "bucketKeyEnabled": False,
            "blockedEncryptionTypes": ["SSE-C"],
        }
    ]


def test_everybody_is_refused_over_an_unsafe_connection(dev: Program) -> None:
    policy = json.loads(dev.one("BucketPolicy").inputs["policy"])
    assert policy == bucket_requires_tls(dev.one("Bucket").arn)


@pytest.mark.parametrize("days", [1, 3650])
def test_noncurrent_versions_expire_after_the_configured_days(days: int) -> None:
    """And unfinished uploads after a week; no rule touches a current object."""
    program = declare("dev", {"noncurrentVersionDays": str(days)})
    for_every_key = {"status": "Enabled", "filter": {"prefix": ""}}
    assert program.one("BucketLifecycleConfiguration").inputs["rules"] == [
        for_every_key
        | {
            "id": "abort-incomplete-uploads",
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
        },
        for_every_key
        | {
            "id": "expire-noncurrent-versions",
            "noncurrentVersionExpiration": {"noncurrentDays": days},
        },
        for_every_key
        | {
            "id": "drop-expired-delete-markers",
            "expiration": {"expiredObjectDeleteMarker": True},
        },
    ]


def test_only_the_dev_bucket_goes_with_its_objects(dev: Program, prod: Program) -> None:
    goes = [program.one("Bucket").inputs["forceDestroy"] for program in (dev, prod)]
    assert goes == [True, False]
