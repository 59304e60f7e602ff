"""An emulator that checks signatures and permissions, over TLS, accepts the function's calls."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dynamodb import DynamoDB
from local.cloud import Cloud
from s3 import S3
from service import RefusedError, Service
from support.deployment import REGION
from support.enforcing import enforcing_emulator
from support.handler_env import make_table

ACCOUNT = "000000000000"
KEYS = [
    *("a b", "a+b", "100%", "a%2Fb", "r\u00e9sum\u00e9 \U0001f4ce", "~tilde", "/root", "a//b"),
    *("../up", "a/./b/../c", "a?versionId=x&y=z#f", "q'uo\"te<>&{}|\\^`", "k" * 1024),
]


@dataclass(frozen=True)
class Place:
    """A bucket, a table, and users of the account: one that may use both, one that may not."""

    cloud: Cloud
    s3: S3
    dynamodb: DynamoDB
    user: tuple[str, str]
    stranger: tuple[str, str]


def user(cloud: Cloud, name: str, *actions: str) -> tuple[str, str]:
    """Make a user that may do this; return its access key."""
    cloud("iam").create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cloud("iam").put_user_policy(UserName=name, PolicyName="may", PolicyDocument=document)
    made = cloud("iam").create_access_key(UserName=name)["AccessKey"]
    return made["AccessKeyId"], made["SecretAccessKey"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with (
        enforcing_emulator(tmp_path_factory.mktemp("tls")) as running,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("AWS_CA_BUNDLE", str(running.certificate))
        cloud = Cloud(running.endpoint, REGION, running.certificate)
        cloud("s3").create_bucket(Bucket="signed")
        make_table(cloud, "signed")
        s3 = S3(Service("s3", REGION, running.endpoint), "/signed/", ACCOUNT)
        dynamodb = DynamoDB(Service("dynamodb", REGION, running.endpoint))
        may = ("s3:GetObject", "s3:ListBucket", "dynamodb:PutItem", "dynamodb:GetItem")
        users = user(cloud, "user", *may), user(cloud, "stranger", "sqs:SendMessage")
        yield Place(cloud, s3, dynamodb, *users)
        s3.service.host.close()
        dynamodb.service.host.close()


def act_as(monkeypatch: pytest.MonkeyPatch, key: tuple[str, str], token: str = "") -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key[1])
    monkeypatch.setenv("AWS_SESSION_TOKEN", token)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("checksum", [True, False])
def test_a_read_of_any_key_is_accepted(
    place: Place, monkeypatch: pytest.MonkeyPatch, key: str, checksum: bool
) -> None:
    place.cloud("s3").put_object(Bucket="signed", Key=key, Body=key.encode())
    act_as(monkeypatch, place.user)
    head = place.s3.head_object(key, checksum=checksum)
    assert head is not None
    assert head["ContentLength"] == len(key.encode())


@pytest.mark.parametrize("key", KEYS)
def test_a_row_of_any_key_is_written_and_read(
    place: Place, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    act_as(monkeypatch, place.user)
    item = {"file_key": {"S": key}, "n": {"N": "1"}}
    place.dynamodb.put_item(TableName="signed", Item=item)
    read = place.dynamodb.get_item(TableName="signed", Key={"file_key": {"S": key}})
    assert read == item


def test_a_wrong_secret_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    act_as(monkeypatch, (place.user[0], "wrong"))
    with pytest.raises(RefusedError) as caught:
        place.s3.head_object("a b", checksum=True)
    assert caught.value.status == 403
    with pytest.raises(RefusedError) as caught:
        place.dynamodb.get_item(TableName="signed", Key={"file_key": {"S": "k"}})
    assert caught.value.status in {400, 403}


def test_new_credentials_are_taken_up_by_the_next_call(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.cloud("s3").put_object(Bucket="signed", Key="k", Body=b"")
    act_as(monkeypatch, place.stranger)
    with pytest.raises(RefusedError, match="403"):
        place.s3.head_object("k", checksum=True)
    act_as(monkeypatch, place.user)
    assert place.s3.head_object("k", checksum=True) is not None
