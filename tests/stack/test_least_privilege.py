"""The function's role, evaluated: it suffices, each permission is needed, and nothing else works.

The emulator enforces IAM here, and speaks HTTPS, as the bucket's policy demands. It does not
check the permissions for logs and for the failure queue; the declarations hold those.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

import roles
from local import emulator as emulators
from local.cloud import Cloud
from support.bus import follows, notify_others
from support.deployment import REGION, deploy_to
from support.enforcing import enforcing_emulator
from support.extractors import EXTRACTOR
from support.github_example import in_aws
from support.journeys import Deployed

ENFORCED = ("s3:GetObject", "dynamodb:PutItem", "dynamodb:GetItem")


@dataclass(frozen=True)
class Account:
    """A deployed stack in an emulator that enforces IAM."""

    emulator: emulators.Emulator
    stack: Deployed
    role: str
    policy_name: str
    policy: dict[str, Any]

    def allow(self, statements: list[dict[str, Any]]) -> None:
        """Put other statements in place of the role's."""
        document = json.dumps(self.policy | {"Statement": statements})
        self.stack.client("iam").put_role_policy(
            RoleName=self.role, PolicyName=self.policy_name, PolicyDocument=document
        )

    def as_the_function(self, service: str) -> Any:
        """Return a client that acts in the role's name."""
        arn = self.stack.client("iam").get_role(RoleName=self.role)["Role"]["Arn"]
        answer = self.stack.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")
        keys = answer["Credentials"]
        return boto3.client(
            service,
            endpoint_url=self.emulator.endpoint,
            verify=self.emulator.certificate,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def invoke(self, key: str, sequencer: str | None) -> str:
        """Announce a key to the deployed function; return what it failed of, or nothing."""
        described: dict[str, Any] = {"key": key} | ({"sequencer": sequencer} if sequencer else {})
        record = {
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "eventTime": "2026-01-01T00:00:00Z",
            "s3": {"bucket": {"name": self.stack.bucket}, "object": described},
        }
        answer = self.stack.client("lambda").invoke(
            FunctionName=self.stack.function, Payload=json.dumps({"Records": [record]}).encode()
        )
        payload = json.load(answer["Payload"])
        return str(payload["errorMessage"]) if "FunctionError" in answer else ""


@pytest.fixture(scope="module")
def enforcing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulators.Emulator]:
    with enforcing_emulator(tmp_path_factory.mktemp("tls")) as running:
        yield running


@pytest.fixture(scope="module")
def account(enforcing: emulators.Emulator) -> Account:
    return deployed(enforcing, environmentSuffix="enforced", extractor=EXTRACTOR)


THEIRS = "theirs"


@pytest.fixture(scope="module")
def following(enforcing: emulators.Emulator) -> Account:
    """A stack that follows somebody else's bucket."""
    cloud = Cloud(enforcing.endpoint, REGION, enforcing.certificate)
    chosen = follows(cloud, THEIRS)
    notify_others(cloud, THEIRS)
    return deployed(enforcing, **chosen)


def deployed(running: emulators.Emulator, **config: str) -> Account:
    """A stack within its boundary, seen from its function's role."""
    suffix = config["environmentSuffix"]
    bound = boundary(Cloud(running.endpoint, REGION, running.certificate), suffix)
    stack = deploy_to(running, "prod", **config, permissionsBoundary=bound)
    return as_role_of(running, stack, stack.function)


def as_role_of(running: emulators.Emulator, stack: Deployed, function: str) -> Account:
    """The account, seen from one function's role."""
    iam = stack.client("iam")
    arn = stack.client("lambda").get_function_configuration(FunctionName=function)["Role"]
    role = arn.rsplit("/", 1)[-1]
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    return Account(running, stack, role, name, policy)


@pytest.fixture(scope="module")
def extractor(account: Account) -> Account:
    """The same account, seen from the extractor's role."""
    functions = account.stack.client("lambda")
    [mapping] = functions.list_event_source_mappings()["EventSourceMappings"]
    return as_role_of(account.emulator, account.stack, mapping["FunctionArn"])


def boundary(cloud: Cloud, stack: str) -> str:
    """Make a stack's boundary as the example for GitHub does; return its ARN."""
    where = in_aws(cloud("sts").get_caller_identity()["Account"], REGION)
    document = json.dumps(roles.boundary(where, stack, followed_bucket=THEIRS))
    made = cloud("iam").create_policy(PolicyName=f"boundary-{stack}", PolicyDocument=document)
    return str(made["Policy"]["Arn"])


@pytest.fixture
def restored_extractor(extractor: Account) -> Iterator[Account]:
    yield extractor
    extractor.allow(extractor.policy["Statement"])


@pytest.fixture
def restored(account: Account) -> Iterator[Account]:
    """The account, whose role has its own permissions again afterwards."""
    yield account
    account.allow(account.policy["Statement"])


def test_the_function_works_end_to_end_under_its_own_role(account: Account) -> None:
    version = account.stack.put("works.txt", b"five.")
    assert account.stack.completed("works.txt", version)["file_size"] == 5
    account.stack.delete("works.txt")
    assert account.stack.deleted("works.txt")


def test_an_unordered_notification_works_under_the_role_too(account: Account) -> None:
    account.stack.put("unordered.txt")
    assert account.invoke("unordered.txt", None) == ""


def extracted(account: Account, key: str) -> dict[str, Any]:
    return account.stack.row_once(key, lambda row: row["extraction"] != "pending")


def test_a_file_is_read_under_the_extractors_own_role(account: Account) -> None:
    account.stack.put("read.txt", b"hello")
    assert extracted(account, "read.txt")["extracted"]["word"] == "hello"


@pytest.mark.parametrize("action", ["s3:GetObjectVersion", "dynamodb:UpdateItem"])
def test_without_a_permission_the_extractor_waits(restored_extractor: Account, action: str) -> None:
    key, stack = f"extracted without {action}", restored_extractor.stack
    fewer = without(restored_extractor.policy["Statement"], action)
    assert fewer != restored_extractor.policy["Statement"]
    restored_extractor.allow(fewer)
    version = stack.put(key)
    stack.completed(key, version)
    functions = stack.client("lambda")

    def result() -> str:
        [mapping] = functions.list_event_source_mappings()["EventSourceMappings"]
        return str(mapping["LastProcessingResult"])

    stack.eventually(lambda: result() == "FAILED" or None, lambda: "refused call")
    assert stack.completed(key, version)["extraction"] == "pending"
    restored_extractor.allow(restored_extractor.policy["Statement"])
    assert extracted(restored_extractor, key)["extraction"] == "done"


def without(statements: list[dict[str, Any]], action: str) -> list[dict[str, Any]]:
    """Take one action out of a policy's statements."""
    kept = []
    for statement in statements:
        actions = statement["Action"]
        rest = [a for a in ([actions] if isinstance(actions, str) else actions) if a != action]
        kept += [statement | {"Action": rest}] if rest else []
    return kept


@pytest.mark.parametrize("action", ENFORCED)
def test_without_a_permission_the_call_that_needs_it_is_refused(
    restored: Account, action: str
) -> None:
    restored.stack.put(f"without {action}")
    fewer = without(restored.policy["Statement"], action)
    assert fewer != restored.policy["Statement"]
    restored.allow(fewer)
    sequencer = None if action == "dynamodb:GetItem" else "F" * 18
    failure = restored.invoke(f"without {action}", sequencer)
    assert "1 of 1 records failed" in failure
    assert "403" in failure or "AccessDenied" in failure


BATCH_OPERATIONS_MAY, EXTRACTOR_MAY = "invoke the function", "update a row"
AUDIT_MAY = "scan the table"
OTHERS_MAY = {AUDIT_MAY, BATCH_OPERATIONS_MAY, EXTRACTOR_MAY}
CALLS = {
    "delete a row": (
        "dynamodb",
        lambda c, s: c.delete_item(TableName=s.table, Key={"file_key": {"S": "x"}}),
    ),
    AUDIT_MAY: ("dynamodb", lambda c, s: c.scan(TableName=s.table)),
    EXTRACTOR_MAY: (
        "dynamodb",
        lambda c, s: c.update_item(TableName=s.table, Key={"file_key": {"S": "x"}}),
    ),
    "write to another table": (
        "dynamodb",
        lambda c, _: c.put_item(TableName="other", Item={"file_key": {"S": "x"}}),
    ),
    "put an object": ("s3", lambda c, s: c.put_object(Bucket=s.bucket, Key="x")),
    "delete an object": ("s3", lambda c, s: c.delete_object(Bucket=s.bucket, Key="x")),
    "read another bucket": ("s3", lambda c, _: c.head_object(Bucket="other", Key="x")),
    "list another bucket": ("s3", lambda c, _: c.list_objects_v2(Bucket="other")),
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


@pytest.fixture(scope="module")
def others(account: Account) -> None:
    """Another bucket and table in the same account, so that only permission is missing."""
    account.stack.client("s3").create_bucket(Bucket="other")
    account.stack.client("dynamodb").create_table(
        TableName="other",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "file_key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "file_key", "AttributeType": "S"}],
    )


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize("call", CALLS)
def test_the_role_may_not(account: Account, call: str) -> None:
    assert_refused(account, call)


OF_THE_FIRST_ALONE = {
    "put a row": (
        "dynamodb",
        lambda c, s: c.put_item(TableName=s.table, Item={"file_key": {"S": "x"}}),
    ),
    "get a row": (
        "dynamodb",
        lambda c, s: c.get_item(TableName=s.table, Key={"file_key": {"S": "x"}}),
    ),
    "send a failed event": (
        "sqs",
        lambda c, s: c.send_message(QueueUrl=s.outputs["FailureQueueUrl"], MessageBody="x"),
    ),
}


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize("call", [c for c in CALLS | OF_THE_FIRST_ALONE if c != EXTRACTOR_MAY])
def test_the_extractors_role_may_not(extractor: Account, call: str) -> None:
    assert_refused(extractor, call)


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize("call", [c for c in CALLS if c not in OTHERS_MAY])
def test_the_role_may_not_even_if_it_is_given_everything(restored: Account, call: str) -> None:
    """Because of the boundary: a deployment can give the role what it likes."""
    restored.allow([{"Effect": "Allow", "Action": "*", "Resource": "*"}])
    assert_refused(restored, call)


def assert_refused(account: Account, call: str) -> None:
    service, attempt = (CALLS | OF_THE_FIRST_ALONE)[call]
    with pytest.raises(ClientError) as refused:
        attempt(account.as_the_function(service), account.stack)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
    assert refused.value.response["Error"]["Code"] in {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AWS.SimpleQueueService.AccessDenied",
    }


def test_a_followed_bucket_is_read_under_the_role(following: Account) -> None:
    stack = following.stack
    assert stack.completed("works.txt", stack.put("works.txt", b"five."))["file_size"] == 5
    stack.delete("works.txt")
    assert stack.deleted("works.txt")


def test_without_its_permission_a_followed_bucket_is_not_read(following: Account) -> None:
    following.allow(without(following.policy["Statement"], "s3:GetObject"))
    failure = following.invoke("unread.txt", "F" * 18)
    following.allow(following.policy["Statement"])
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
def test_the_role_may_not_touch_a_followed_bucket(following: Account, call: str) -> None:
    with pytest.raises(ClientError) as refused:
        ON_THEIRS[call](following.as_the_function("s3"))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
