"""The role of a job of S3 Batch Operations."""

import json

import pytest

from ops import batch_job
from support.recorder import ACCOUNT, REGION, Declared, Program, declare

ROLE = "aws:iam/role:Role"


ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"


@pytest.fixture(scope="module")
def batch() -> Program:
    return declare("dev", {"batchOperations": "true"})


def job_role(program: Program) -> Declared:
    [role] = [role for role in program.all(ROLE) if "batch" in role.name]
    return role


def test_the_role_is_made_only_when_asked_for(dev: Program, batch: Program) -> None:
    assert len(batch.all(ROLE)) == len(dev.all(ROLE)) + 1
    assert dev.outputs["BatchOperationsRoleArn"] == ""


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_the_job_s_bucket_is_of_the_function_s_partition(partition: str) -> None:
    function = f"arn:{partition}:lambda:any-1:{ACCOUNT}:function:f"
    manifest = batch_job._manifest("files", function, {})
    assert manifest["SourceBucket"] == f"arn:{partition}:s3:::files"
    assert manifest["ExpectedBucketOwner"] == ACCOUNT


def test_the_role_is_an_output(batch: Program) -> None:
    name = job_role(batch).name
    assert (
        batch.outputs["BatchOperationsRoleArn"] == f"arn:aws:iam:{REGION}:{ACCOUNT}:{name}-1234567"
    )


def test_only_batch_operations_may_assume_it(batch: Program) -> None:
    [statement] = json.loads(job_role(batch).inputs["assumeRolePolicy"])["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Principal"] == {"Service": "batchoperations.s3.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"


def test_it_is_tagged_like_all_else(batch: Program) -> None:
    bucket = batch.one("aws:s3/bucket:Bucket")
    assert job_role(batch).inputs["tags"] == bucket.inputs["tags"]


def test_a_key_adds_nothing_for_a_job(prod: Program) -> None:
    """A job touches no object, and it is Lambda that uses the key, in the function's name."""
    with_job = declare("prod", {"batchOperations": "true"})
    [policy] = [p for p in with_job.all(ROLE_POLICY) if "batch" in p.name]
    assert "kms:" not in policy.inputs["policy"]
    key = "aws:kms/key:Key"
    assert with_job.one(key).inputs["policy"] == prod.one(key).inputs["policy"]


def test_it_may_list_this_bucket_and_invoke_this_function_and_nothing_else(
    batch: Program,
) -> None:
    role = job_role(batch)
    [policy] = [p for p in batch.all(ROLE_POLICY) if p.inputs["role"] == f"{role.name}-1234567"]
    allowed = {
        (statement["Effect"], statement["Action"], statement["Resource"])
        for statement in json.loads(policy.inputs["policy"])["Statement"]
    }
    bucket = batch.one("aws:s3/bucket:Bucket").name
    function = batch.one("aws:lambda/function:Function").name
    assert allowed == {
        (
            "Allow",
            "s3:PutInventoryConfiguration",
            f"arn:aws:s3:{REGION}:{ACCOUNT}:{bucket}-1234567",
        ),
        (
            "Allow",
            "lambda:InvokeFunction",
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:{function}-1234567",
        ),
    }
