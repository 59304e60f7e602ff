"""The policy pack as the engine runs it: a process that answers over gRPC, without the engine."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import grpc
import pulumi
import pytest
import yaml
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2 as proto
from pulumi.runtime.proto.analyzer_pb2_grpc import AnalyzerStub
from pulumi.runtime.rpc import UNKNOWN as NOT_KNOWN

import rules
from declared import (
    BUCKET,
    BUCKET_POLICY,
    ENCRYPTION,
    KEY,
    LOG_GROUP,
    NOTIFICATION,
    OWNERSHIP,
    PERMISSION,
    PUBLIC_ACCESS,
    QUEUE,
    QUEUE_POLICY,
    ROLE,
    TABLE,
    TOPIC,
    UNKNOWN,
    VERSIONING,
    Resource,
)
from support.policy_stacks import ROLE_POLICY, URN, allowing, as_declared, changed
from support.recorder import ROOT, Program

POLICY = ROOT / "policy"
Stack = list[Resource]
Change = Callable[[Stack], Stack]


@dataclass(frozen=True)
class Pack:
    """The pack's process."""

    analyzer: AnalyzerStub

    def said(self, stack: Stack) -> list[Any]:
        """What the pack says of a stack: of each resource, then of all together."""
        answers = [self.analyzer.Analyze(one(resource)) for resource in stack]
        whole = proto.AnalyzeStackRequest(resources=[one_of_stack(resource) for resource in stack])
        answers.append(self.analyzer.AnalyzeStack(whole))
        return [diagnostic for answer in answers for diagnostic in answer.diagnostics]


def one(resource: Resource) -> Any:
    return proto.AnalyzeRequest(**shown(resource))


def one_of_stack(resource: Resource) -> Any:
    by_property = {
        name: proto.AnalyzerPropertyDependencies(urns=sorted(urns))
        for name, urns in resource.refers.items()
    }
    return proto.AnalyzerResource(**shown(resource), propertyDependencies=by_property)


def shown(resource: Resource) -> dict[str, Any]:
    return {
        "type": resource.type,
        "urn": resource.urn,
        "name": resource.urn.rpartition("::")[2],
        "properties": as_sent(resource.props),
        "options": proto.AnalyzerResourceOptions(protect=resource.protect),
    }


def as_sent(props: Any) -> Struct:
    sent = Struct()
    sent.update(_sent(dict(props)))
    return sent


def _sent(value: Any) -> Any:
    if value is UNKNOWN:
        return NOT_KNOWN
    if isinstance(value, pulumi.Archive):
        # How the engine writes an archive:
        # https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/properties.go
        signature = "4dabf18193072939515e22adb298388d"
        return {signature: "0def7320c3a5731c473e5ecbe6d01bc7", "assets": {}}
    if isinstance(value, dict):
        return {key: _sent(inner) for key, inner in value.items()}
    return [_sent(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture(scope="session")
def pack(policy_python: str) -> Iterator[Pack]:
    # As the Pulumi CLI starts it; the pack never calls the engine, so its address does not matter.
    start = [policy_python, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(POLICY)]
    with subprocess.Popen(start, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert port.isdigit(), f"the pack did not start, it printed {port!r}"
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield Pack(AnalyzerStub(channel))
        finally:
            process.terminate()


@pytest.fixture
def in_prod(prod: Program) -> Stack:
    return as_declared(prod)


@pytest.fixture
def in_dev(dev: Program) -> Stack:
    return as_declared(dev)


def policy_name(rule: Any) -> str:
    return str(rule.__name__).replace("_", "-")


def test_every_rule_is_a_mandatory_policy(pack: Pack) -> None:
    info = pack.analyzer.GetAnalyzerInfo(Empty())
    expected = {
        policy_name(rule): (proto.MANDATORY, kind)
        for of_kind, kind in (
            (rules.RESOURCE_RULES, proto.POLICY_TYPE_RESOURCE),
            (rules.STACK_RULES, proto.POLICY_TYPE_STACK),
        )
        for rule in of_kind
    }
    assert {p.name: (p.enforcementLevel, p.policy_type) for p in info.policies} == expected


def test_every_policy_says_in_one_line_what_it_wants(pack: Pack) -> None:
    info = pack.analyzer.GetAnalyzerInfo(Empty())
    assert [p.name for p in info.policies if not p.description.endswith(".")] == []


@pytest.mark.parametrize("in_stack", ["in_dev", "in_prod"])
def test_the_pack_has_nothing_against_our_stacks(
    pack: Pack, in_stack: str, request: pytest.FixtureRequest
) -> None:
    assert pack.said(request.getfixturevalue(in_stack)) == []


def without(kind: str) -> Change:
    return lambda stack: [resource for resource in stack if resource.type != kind]


def another(kind: str) -> Change:
    return lambda stack: [
        *stack,
        *(replace(resource, urn=URN) for resource in stack if resource.type == kind),
    ]


def other(kind: str, path: str, value: Any) -> Change:
    return lambda stack: changed(stack, kind, path, value)


def also(kind: str, statement: dict[str, Any]) -> Change:
    return lambda stack: allowing(stack, kind, statement)


def unprotected(stack: Stack) -> Stack:
    return [replace(resource, protect=False) for resource in stack]


def with_aws_policy(stack: Stack) -> Stack:
    return changed(stack, ROLE, "managedPolicyArns", ["arn:aws:iam::aws:policy/ReadOnlyAccess"])


STRANGERS = {"Principal": "*", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:::ours"}
ALGORITHM = "rules.0.applyServerSideEncryptionByDefault.sseAlgorithm"
BREAKS: dict[str, Change] = {
    "public-access-is-blocked": other(PUBLIC_ACCESS, "blockPublicPolicy", False),
    "bucket-keeps-versions": other(VERSIONING, "versioningConfiguration.status", "Suspended"),
    "bucket-is-encrypted": other(ENCRYPTION, ALGORITHM, "none"),
    "bucket-owner-owns-objects": other(OWNERSHIP, "rule.objectOwnership", "ObjectWriter"),
    "queue-is-encrypted": other(QUEUE, "kmsMasterKeyId", None),
    "topic-is-encrypted-in-production": other(TOPIC, "kmsMasterKeyId", None),
    "plain-http-is-denied": other(BUCKET_POLICY, "policy", '{"Statement": [{"Effect": "Deny"}]}'),
    "table-can-be-restored": other(TABLE, "pointInTimeRecovery.enabled", False),
    "table-has-a-kms-key-in-production": other(TABLE, "serverSideEncryption", None),
    "production-table-refuses-deletion": other(TABLE, "deletionProtectionEnabled", False),
    "production-bucket-refuses-deletion": other(BUCKET, "forceDestroy", True),
    "production-data-is-protected": unprotected,
    "key-rotates": other(KEY, "enableKeyRotation", False),
    "actions-are-named": also(ROLE_POLICY, {"Action": "s3:*", "Resource": "arn:aws:s3:::ours"}),
    "resources-are-named": also(ROLE_POLICY, {"Action": "s3:GetObject", "Resource": "*"}),
    "principals-are-named": also(QUEUE_POLICY, STRANGERS),
    "attached-policies-are-customer-managed": with_aws_policy,
    "logs-have-retention": other(LOG_GROUP, "retentionInDays", 0),
    "permission-names-the-account": other(PERMISSION, "sourceAccount", None),
    "tags-name-environment-and-project": other(TABLE, "tags.Project", None),
    "protections-are-declared": without(PUBLIC_ACCESS),
    "bucket-has-one-notification": another(NOTIFICATION),
}


def test_every_policy_has_a_change_that_it_stops() -> None:
    every = [*rules.RESOURCE_RULES, *rules.STACK_RULES]
    assert BREAKS.keys() == {policy_name(rule) for rule in every}


@pytest.mark.parametrize("policy", BREAKS)
def test_a_policy_stops_what_it_is_for_and_no_other_speaks(
    pack: Pack, in_prod: Stack, policy: str
) -> None:
    said = pack.said(BREAKS[policy](in_prod))
    assert {(d.policyName, d.enforcementLevel) for d in said} == {(policy, proto.MANDATORY)}
    assert all(" must " in d.message and ", got " in d.message for d in said)


def test_the_pack_says_which_resource_of_the_stack_is_at_fault(pack: Pack, in_prod: Stack) -> None:
    [bucket] = [resource for resource in in_prod if resource.type == BUCKET]
    [said] = pack.said(without(VERSIONING)(in_prod))
    assert said.urn == bucket.urn


def test_the_older_names_of_a_bucket_s_parts_are_no_way_round(pack: Pack, in_prod: Stack) -> None:
    kind = "aws:s3/bucketVersioningV2:BucketVersioningV2"
    suspended = other(VERSIONING, "versioningConfiguration.status", "Suspended")(in_prod)
    said = pack.said([replace(r, type=kind) if r.type == VERSIONING else r for r in suspended])
    assert [diagnostic.policyName for diagnostic in said] == ["bucket-keeps-versions"]


def test_an_unknown_property_is_not_even_a_warning(pack: Pack, in_prod: Stack) -> None:
    """The SDK would warn that it cannot run the policy, and run it for nothing else either."""
    unsure = [
        replace(resource, props=dict.fromkeys(resource.props, UNKNOWN)) for resource in in_prod
    ]
    assert pack.said(unsure) == []


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (ENCRYPTION, "rules.0"),
        (ENCRYPTION, ALGORITHM),
        (VERSIONING, "versioningConfiguration.status"),
        (TABLE, "tags.Project"),
        (TABLE, "pointInTimeRecovery.enabled"),
    ],
)
def test_an_unknown_inside_a_property_is_not_even_a_warning(
    pack: Pack, in_prod: Stack, kind: str, path: str
) -> None:
    *way, last = path.split(".")
    if last.isdigit():
        assert pack.said(changed(in_prod, kind, ".".join(way), [UNKNOWN])) == []
    else:
        assert pack.said(changed(in_prod, kind, path, UNKNOWN)) == []


def test_what_is_known_is_stopped_beside_what_is_not(pack: Pack, in_prod: Stack) -> None:
    unsure = changed(in_prod, PUBLIC_ACCESS, "blockPublicAcls", UNKNOWN)
    said = pack.said(changed(unsure, PUBLIC_ACCESS, "ignorePublicAcls", False))
    assert [diagnostic.policyName for diagnostic in said] == ["public-access-is-blocked"]


def test_the_pack_has_an_environment_of_its_own() -> None:
    described = yaml.safe_load((POLICY / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    assert described["runtime"]["options"]["virtualenv"] == ".venv"


def test_the_pack_runs_on_the_program_s_own_pulumi() -> None:
    def pins(folder: Any) -> list[str]:
        text: str = (folder / "requirements.txt").read_text(encoding="utf-8")
        return [line for line in text.splitlines() if line.startswith("pulumi==")]

    assert len(pins(ROOT)) == 1
    assert pins(POLICY) == pins(ROOT)
