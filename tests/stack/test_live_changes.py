"""Each setting is changed on a running stack, under Pulumi's own engine, and no data goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from pulumi import automation

from local.cloud import Cloud
from pipeline.settings import KEYS
from support.bus import follows
from support.extractors import ANOTHER_EXTRACTOR, EXTRACTOR
from support.live_stack import BUCKET, KEY, QUEUE, TABLE, LiveStack, Outcome
from support.pages import table
from support.pulumi_command import NEEDS_PULUMI, Open
from support.recorder import ROOT

REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
DATA = {BUCKET, TABLE, QUEUE, KEY}
ALIAS = "aws:kms/alias:Alias"
ROLE = frozenset({"aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"})
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
LOGGING = frozenset({"aws:s3/bucketLogging:BucketLogging"})
TOPIC = frozenset({"aws:sns/topic:Topic", "aws:sns/topicPolicy:TopicPolicy"})
EXISTING_KEY = "arn:aws:kms:us-east-1:123456789012:key/0f4c1a5e-0000-4000-8000-000000000000"
FUNCTION = ROLE | {
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:cloudwatch/logMetricFilter:LogMetricFilter",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:lambda/function:Function",
}
AUDIT = FUNCTION | {
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    "aws:scheduler/schedule:Schedule",
}
SUBSCRIPTION = frozenset({"aws:sns/topicSubscription:TopicSubscription"})
OF_BUCKET = frozenset(
    {BUCKET, "aws:lambda/permission:Permission"}
    | {
        f"aws:s3/bucket{kind}:Bucket{kind}"
        for kind in (
            *("LifecycleConfiguration", "Notification", "OwnershipControls", "Policy"),
            *("PublicAccessBlock", "ServerSideEncryptionConfiguration", "Versioning"),
        )
    }
)
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
OF_EXTRACTOR = FUNCTION | {MAPPING}
PROTECTED = "it is currently marked for protection"
OWN_BUCKET = "the name of the stack's own bucket"
IN_PREVIEW = "because it is protected"
"""The preview refuses; an update without one would, too, but only after making what is new."""
IN_PLACE = Outcome()


@dataclass(frozen=True)
class Step:
    """A setting's new value, and what comes of it: an outcome, or words that refuse it."""

    to: str
    comes: Outcome | str = IN_PLACE
    with_it: Mapping[str, str] = field(default_factory=dict)
    """Other settings that change at the same time."""


BOTH = {
    "memorySize": [Step("512")],
    "timeout": [Step("30")],
    "logRetentionDays": [Step("30")],
    "tracing": [Step("true")],
    "reservedConcurrency": [Step("5"), Step("-1")],
    "objectPrefix": [Step("in/")],
    "objectSuffix": [Step(".txt")],
    "tombstoneDays": [Step("2")],
    "noncurrentVersionDays": [Step("30")],
    "logLevel": [Step("DEBUG")],
    "accessLogBucket": [
        Step("engine-logs", Outcome(made=LOGGING)),
        Step("other-engine-logs"),
        Step(OWN_BUCKET, "accessLogBucket must be another bucket"),
        Step("", Outcome(gone=LOGGING)),
    ],
    "alarmEmail": [
        Step("a@example.com", Outcome(made=SUBSCRIPTION)),
        Step("b@example.com", Outcome(replaced=SUBSCRIPTION)),
        Step("", Outcome(gone=SUBSCRIPTION)),
    ],
    "stream": [Step("true"), Step("false")],
    "extractorMemorySize": [Step("1024")],
    "extractorTimeout": [Step("30")],
    "extractorStorage": [Step("1024")],
    # It stays, so that what follows happens to a stack with one as well.
    "extractor": [
        Step(EXTRACTOR, Outcome(made=OF_EXTRACTOR)),
        Step("", Outcome(gone=OF_EXTRACTOR)),
        Step(EXTRACTOR, Outcome(made=OF_EXTRACTOR)),
        Step(ANOTHER_EXTRACTOR),
    ],
    "batchOperations": [Step("true", Outcome(made=ROLE)), Step("false", Outcome(gone=ROLE))],
    "permissionsBoundary": [Step("arn:aws:iam::aws:policy/PowerUserAccess"), Step("")],
    "alarmTopicArn": [
        Step("arn:aws:sns:us-east-1:123456789012:ops", Outcome(gone=TOPIC)),
        Step("", Outcome(made=TOPIC)),
    ],
    "tags": [Step('{"Team": "data"}'), Step('{"Team": "other"}')],
    "bucketAccountId": [Step("210987654321", "bucketAccountId must be left out")],
    "bucketKmsKeyArn": [Step(EXISTING_KEY, "bucketKmsKeyArn must be left out")],
}
REPAIR = Step("repair")
AUDIT_ON, AUDIT_OFF = (
    Step("report", Outcome(made=AUDIT)),
    Step("off", Outcome(gone=AUDIT)),
)
OF_RULE = frozenset(
    {
        QUEUE,
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/eventTarget:EventTarget",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:lambda/permission:Permission",
        "aws:sqs/queuePolicy:QueuePolicy",
    }
)
FOLLOWS = {"bucketName": "live-theirs", "noncurrentVersionDays": "90"}
ON, OFF = (
    Step("true", Outcome(made=frozenset({KEY, ALIAS}))),
    Step("false", Outcome(gone=frozenset({KEY, ALIAS}))),
)
CHANGES = {
    "dev": BOTH
    | {
        "environmentSuffix": [
            Step("live-other", Outcome(replaced=frozenset({TABLE, DASHBOARD, MAPPING}))),
        ],
        "protectData": [Step("true"), Step("false")],
        "bucketName": [
            Step(OWN_BUCKET),
            Step("live-other-bucket", Outcome(replaced=OF_BUCKET)),
            Step("", Outcome(replaced=OF_BUCKET)),
        ],
        "customerManagedKey": [ON, OFF],
        "kmsKeyArn": [Step(EXISTING_KEY), Step("")],
        "audit": [AUDIT_ON, REPAIR, AUDIT_OFF],
        "eventSource": [
            Step("eventbridge", Outcome(made=OF_RULE, gone=OF_BUCKET), FOLLOWS),
            Step("notification", Outcome(made=OF_BUCKET, gone=OF_RULE), {"bucketName": ""}),
        ],
    },
    "prod": BOTH
    | {
        "environmentSuffix": [Step("live-other", PROTECTED)],
        "protectData": [Step("false", "protectData must be true")],
        "bucketName": [
            Step(OWN_BUCKET),
            Step("live-other-bucket", PROTECTED),
            Step("", PROTECTED),
        ],
        "customerManagedKey": [OFF, ON],
        "kmsKeyArn": [Step(EXISTING_KEY, "customerManagedKey must be false")],
        "audit": [REPAIR, AUDIT_OFF, AUDIT_ON],
        "eventSource": [Step("eventbridge", IN_PREVIEW, FOLLOWS)],
    },
}
"""By stack and setting. Types that are in no outcome keep their identifier."""


@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_is_changed(name: str) -> None:
    assert CHANGES[name].keys() == KEYS.keys()


def test_no_change_of_a_protected_stack_replaces_data() -> None:
    outcomes = [step.comes for steps in CHANGES["prod"].values() for step in steps]
    assert not any(DATA & comes.replaced for comes in outcomes if isinstance(comes, Outcome))


@pytest.mark.parametrize("row", table("Setting", REFERENCE), ids=lambda row: row[0])
def test_the_page_says_what_is_replaced_and_what_is_refused(row: list[str]) -> None:
    key, said = row[0].strip("`"), row[1].lower()
    outcomes = [step.comes for steps in CHANGES.values() for step in steps[key]]
    replaced = any(comes.replaced for comes in outcomes if isinstance(comes, Outcome))
    assert ("replaced" in said) == replaced
    assert ("refused" in said) == any(isinstance(comes, str) for comes in outcomes)


@pytest.fixture(scope="module")
def live(open_stack: Open, cloud: Cloud) -> dict[str, LiveStack]:
    """The stacks that are up, each brought up by the first test that needs it."""
    for bucket in ("engine-logs", "other-engine-logs"):
        cloud("s3").create_bucket(Bucket=bucket)
    follows(cloud, FOLLOWS["bucketName"])
    return {}


@pytest.fixture
def stack(live: dict[str, LiveStack], open_stack: Open, cloud: Cloud, name: str) -> LiveStack:
    """A stack that is up, with data in it."""
    if name not in live:
        live[name] = LiveStack(open_stack(name), cloud)
        protect = str(name == "prod").lower()
        live[name].configure(environmentSuffix=f"live-{name}", protectData=protect)
        live[name].up()
    live[name].hold()
    return live[name]


@NEEDS_PULUMI
@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name, keys in CHANGES.items() for key in keys]
)
def test_a_change_of_a_live_stack_comes_out_as_said(stack: LiveStack, name: str, key: str) -> None:
    for step in CHANGES[name][key]:
        to = stack.outputs["S3BucketName"] if step.to == OWN_BUCKET else step.to
        chosen = {key: to, **step.with_it}
        before = {name: stack.config.get(name, "") for name in chosen}
        stack.configure(**chosen)
        if isinstance(step.comes, str):
            with pytest.raises(automation.CommandError, match=step.comes):
                (stack.stack.preview if step.comes == IN_PREVIEW else stack.up)()
            assert stack.lost() == set()
            stack.configure(**before)
            if step.comes == PROTECTED:  # in the middle of the update
                stack.up()
                assert stack.lost() == set()
        else:
            assert stack.up() == step.comes
            # A queue that is gone was the rule's, without data; keys stay in the account.
            assert stack.lost() == DATA & step.comes.replaced | {BUCKET} & step.comes.gone
            stack.hold()
    stack.works("in/report.txt")


@NEEDS_PULUMI
@pytest.mark.parametrize("name", ["dev"])
def test_a_stack_without_protection_is_destroyed_but_for_its_keys(
    stack: LiveStack, live: dict[str, LiveStack], name: str
) -> None:
    stack.configure(customerManagedKey="true")
    stack.up()
    del live[name]
    stack.stack.destroy()
    assert stack.stack.export_stack().deployment.get("resources", []) == []
    assert stack.lost() == {BUCKET, TABLE, QUEUE}
