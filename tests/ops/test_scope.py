"""Which keys are to have rows: what the bucket's notification for the function says."""

from collections.abc import Callable

import pytest

from ops.bucket import Scope
from support.journeys import Deployed
from support.tool import of, ops


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed]) -> Deployed:
    return deploy(environmentSuffix="scope", objectPrefix="in/", objectSuffix=".csv")


FORMS = {
    "name": "{name}",
    "name and alias": "{name}:live",
    "ARN": "arn:aws:lambda:us-east-1:000000000000:function:{name}",
    "ARN of an alias": "arn:aws:lambda:us-east-1:000000000000:function:{name}:live",
    "partial ARN": "000000000000:function:{name}",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_function_is_found_by_each_name_that_lambda_takes(stack: Deployed, form: str) -> None:
    # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    function = form.format(name=stack.function)
    found = Scope.of_notification(stack.client("s3"), stack.bucket, function)
    assert found == Scope("in/", ".csv")


def test_without_a_notification_for_the_function_there_is_no_scope(stack: Deployed) -> None:
    assert Scope.of_notification(stack.client("s3"), stack.bucket, "another") is None


@pytest.mark.parametrize("command", [["verify"], ["backfill", "--dry-run"]], ids=lambda c: c[0])
def test_a_command_stops_before_it_takes_every_key_for_its_own(
    stack: Deployed, command: list[str]
) -> None:
    result = ops(*command, *of(stack), "--function", "another", exits=1)
    assert "has no notification for the function 'another'" in result.output
    assert "the function has no rule for the bucket; give the stack's own" in result.output
