"""The function's role, evaluated: it suffices, each permission is needed, and nothing else works.

The emulator enforces IAM here, and speaks HTTPS, as the bucket's policy demands. It does not
check the permissions for logs and for the failure queue; the declarations hold those.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import emulator as emulators
from support.bus import follows, notify_others
from support.deployment import cloud_of
from support.enforcing import Role, deploy_within_boundary, enforcing_emulator
from support.extractors import EXTRACTOR
from support.journeys import Deployed

THEIRS = "theirs"


@pytest.fixture(scope="module")
def enforcing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulators.Emulator]:
    with enforcing_emulator(tmp_path_factory.mktemp("tls")) as running:
        yield running


@pytest.fixture(scope="module")
def own(enforcing: emulators.Emulator) -> Deployed:
    """A stack with a bucket of its own, and an extractor."""
    config = {"environmentSuffix": "enforced", "extractor": EXTRACTOR}
    return deploy_within_boundary(enforcing, "prod", **config)


@pytest.fixture(scope="module")
def following(enforcing: emulators.Emulator) -> Deployed:
    """A stack that follows somebody else's bucket."""
    chosen = follows(cloud_of(enforcing), THEIRS)
    notify_others(cloud_of(enforcing), THEIRS)
    return deploy_within_boundary(enforcing, "prod", **chosen)


@pytest.fixture(scope="module", params=["own", "following"])
def stack(request: pytest.FixtureRequest, own: Deployed, following: Deployed) -> Deployed:
    return own if request.param == "own" else following


@pytest.fixture(scope="module")
def role(enforcing: emulators.Emulator, own: Deployed) -> Role:
    return Role.of(enforcing, own.function)


@pytest.fixture(scope="module")
def extractor(enforcing: emulators.Emulator, own: Deployed) -> Role:
    return Role.of(enforcing, mapping(own)["FunctionArn"])


def mapping(stack: Deployed) -> dict[str, Any]:
    [found] = stack.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    described: dict[str, Any] = found
    return described


def invoke(stack: Deployed, key: str, sequencer: str | None) -> str:
    """Notify the deployed function of a key; return its error, or nothing."""
    event = {"Records": [stack.record(key, sequencer)]}
    answer = stack.client("lambda").invoke(
        FunctionName=stack.function, Payload=json.dumps(event).encode()
    )
    payload = json.load(answer["Payload"])
    return str(payload["errorMessage"]) if "FunctionError" in answer else ""


def test_the_function_works_end_to_end_under_its_own_role(stack: Deployed) -> None:
    version = stack.put("works.txt", b"five.")
    assert stack.completed("works.txt", version)["file_size"] == 5
    stack.delete("works.txt")
    assert stack.deleted("works.txt")


def test_an_unordered_notification_works_under_the_role_too(own: Deployed) -> None:
    own.put("unordered.txt")
    assert invoke(own, "unordered.txt", None) == ""


@pytest.mark.parametrize("action", ["s3:GetObjectVersion", "dynamodb:UpdateItem"])
def test_without_a_permission_the_extractor_waits(
    own: Deployed, extractor: Role, action: str
) -> None:
    key = f"extracted without {action}"
    with extractor.without(action):
        version = own.put(key)
        own.completed(key, version)
        own.eventually(
            lambda: mapping(own)["LastProcessingResult"] == "FAILED", lambda: "refused call"
        )
        assert own.completed(key, version)["extraction"] == "pending"
    own.row_once(key, lambda row: row["extraction"] == "done")


@pytest.mark.parametrize("action", ["s3:GetObject", "dynamodb:PutItem", "dynamodb:GetItem"])
def test_without_a_permission_the_call_that_needs_it_is_refused(
    own: Deployed, role: Role, action: str
) -> None:
    own.put(f"without {action}")
    with role.without(action):
        sequencer = None if action == "dynamodb:GetItem" else "F" * 18
        failure = invoke(own, f"without {action}", sequencer)
    assert "1 of 1 records failed" in failure
    assert "403" in failure or "AccessDenied" in failure


BATCH_OPERATIONS_MAY, EXTRACTOR_MAY = "invoke the function", "update a row"
AUDIT_MAY = "scan the table"
ROW = {"file_key": {"S": "x"}}
OTHERS_MAY = {AUDIT_MAY, BATCH_OPERATIONS_MAY, EXTRACTOR_MAY}
CALLS = {
    "delete a row": ("dynamodb", lambda c, s: c.delete_item(TableName=s.table, Key=ROW)),
    AUDIT_MAY: ("dynamodb", lambda c, s: c.scan(TableName=s.table)),
    EXTRACTOR_MAY: ("dynamodb", lambda c, s: c.update_item(TableName=s.table, Key=ROW)),
    "write to another table": (
        "dynamodb",
        lambda c, _: c.put_item(TableName=f"file-metadata-table-follows-{THEIRS}", Item=ROW),
    ),
    "put an object": ("s3", lambda c, s: c.put_object(Bucket=s.bucket, Key="x")),
    "delete an object": ("s3", lambda c, s: c.delete_object(Bucket=s.bucket, Key="x")),
    "read another bucket": ("s3", lambda c, _: c.head_object(Bucket=THEIRS, Key="x")),
    "list another bucket": ("s3", lambda c, _: c.list_objects_v2(Bucket=THEIRS)),
    "read the failure queue": (
        "sqs",
        lambda c, s: c.receive_message(QueueUrl=s.outputs["FailureQueueUrl"]),
    ),
    "change its own role": (
        "iam",
        lambda c, _: c.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument="{}"),
    ),
    BATCH_OPERATIONS_MAY: ("lambda", lambda c, s: c.invoke(FunctionName=s.function)),
}


@pytest.mark.usefixtures("following")
@pytest.mark.parametrize("call", CALLS)
def test_the_role_may_not(own: Deployed, role: Role, call: str) -> None:
    assert_refused(own, role, call)


OF_THE_FIRST_ALONE = {
    "put a row": ("dynamodb", lambda c, s: c.put_item(TableName=s.table, Item=ROW)),
    "get a row": ("dynamodb", lambda c, s: c.get_item(TableName=s.table, Key=ROW)),
    "send a failed event": (
        "sqs",
        lambda c, s: c.send_message(QueueUrl=s.outputs["FailureQueueUrl"], MessageBody="x"),
    ),
}


@pytest.mark.usefixtures("following")
@pytest.mark.parametrize("call", [c for c in CALLS | OF_THE_FIRST_ALONE if c != EXTRACTOR_MAY])
def test_the_extractors_role_may_not(own: Deployed, extractor: Role, call: str) -> None:
    assert_refused(own, extractor, call)


@pytest.mark.usefixtures("following")
@pytest.mark.parametrize("call", [c for c in CALLS if c not in OTHERS_MAY])
def test_the_role_may_not_even_if_it_is_given_everything(
    own: Deployed, role: Role, call: str
) -> None:
    """Because of the boundary: a deployment can give the role what it likes."""
    everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    with role.allowed(dict.fromkeys(role.policies, everything)):
        assert_refused(own, role, call)


def assert_refused(stack: Deployed, role: Role, call: str) -> None:
    service, attempt = (CALLS | OF_THE_FIRST_ALONE)[call]
    with pytest.raises(ClientError) as refused:
        attempt(role.client(service), stack)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
    assert refused.value.response["Error"]["Code"] in {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AWS.SimpleQueueService.AccessDenied",
    }


@pytest.fixture(scope="module")
def follower(enforcing: emulators.Emulator, following: Deployed) -> Role:
    return Role.of(enforcing, following.function)


def test_without_its_permission_a_followed_bucket_is_not_read(
    following: Deployed, follower: Role
) -> None:
    with follower.without("s3:GetObject"):
        failure = invoke(following, "unread.txt", "F" * 18)
    assert "1 of 1 records failed" in failure


ON_THEIRS = {
    "put an object": lambda c: c.put_object(Bucket=THEIRS, Key="x"),
    "delete an object": lambda c: c.delete_object(Bucket=THEIRS, Key="x"),
    "read its notification": lambda c: c.get_bucket_notification_configuration(Bucket=THEIRS),
    "change its notification": lambda c: c.put_bucket_notification_configuration(
        Bucket=THEIRS, NotificationConfiguration={}
    ),
    "change its versioning": lambda c: c.put_bucket_versioning(
        Bucket=THEIRS, VersioningConfiguration={"Status": "Suspended"}
    ),
    "change its policy": lambda c: c.put_bucket_policy(Bucket=THEIRS, Policy="{}"),
    "delete it": lambda c: c.delete_bucket(Bucket=THEIRS),
}


@pytest.mark.parametrize("call", ON_THEIRS)
def test_the_role_may_not_touch_a_followed_bucket(follower: Role, call: str) -> None:
    with pytest.raises(ClientError) as refused:
        ON_THEIRS[call](follower.client("s3"))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
