"""The role of a job of S3 Batch Operations."""

import json

import pytest

from pipeline.role_policies import run_batch_jobs, trust_batch_operations
from support.recorder import Program, declare


@pytest.fixture(scope="module")
def batch() -> Program:
    return declare("dev", {"batchOperations": "true"})


def test_the_role_is_made_only_when_asked_for(dev: Program, batch: Program) -> None:
    assert len(batch.all("Role")) == len(dev.all("Role")) + 1
    assert batch.outputs["BatchOperationsRoleArn"] == batch.named("batch-role").arn
    assert dev.outputs["BatchOperationsRoleArn"] == ""


def test_only_batch_operations_may_assume_it(batch: Program) -> None:
    trust = json.loads(batch.named("batch-role").inputs["assumeRolePolicy"])
    assert trust == trust_batch_operations()


def test_a_key_adds_nothing_for_a_job(prod: Program) -> None:
    """A job touches no object, and it is Lambda that uses the key, in the function's name."""
    with_job = declare("prod", {"batchOperations": "true"})
    assert "kms:" not in with_job.named("batch-permissions").inputs["policy"]
    assert with_job.one("Key").inputs == prod.one("Key").inputs


def test_it_may_list_this_bucket_and_invoke_this_function_and_nothing_else(
    batch: Program,
) -> None:
    policy = batch.named("batch-permissions").inputs
    assert policy["role"] == batch.named("batch-role").id
    assert json.loads(policy["policy"]) == run_batch_jobs(
        bucket_arn=batch.one("Bucket").arn, function_arn=batch.one("Function").arn
    )
