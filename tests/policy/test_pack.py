"""The policy pack as the engine runs it: a process that answers over gRPC, without the engine."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import grpc
import pulumi
import pytest
import yaml
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2 as proto
from pulumi.runtime.proto.analyzer_pb2_grpc import AnalyzerStub
from pulumi.runtime.rpc import UNKNOWN as NOT_KNOWN

import aws
import rules
from declared import UNKNOWN, Resource
from support.policy_stacks import (
    ALGORITHM,
    BROKEN_IN_DEV,
    BROKEN_IN_PROD,
    URN,
    Stack,
    changed,
    shown,
)
from support.recorder import ROOT

POLICY = ROOT / "policy"


def said(pack: AnalyzerStub, stack: Stack) -> list[Any]:
    """What the pack says of a stack: of each resource, then of all together."""
    answers = [pack.Analyze(proto.AnalyzeRequest(**sent(resource))) for resource in stack]
    whole = [
        proto.AnalyzerResource(
            **sent(resource),
            propertyDependencies={
                name: proto.AnalyzerPropertyDependencies(urns=sorted(urns))
                for name, urns in resource.refers.items()
            },
        )
        for resource in stack
    ]
    answers.append(pack.AnalyzeStack(proto.AnalyzeStackRequest(resources=whole)))
    return [diagnostic for answer in answers for diagnostic in answer.diagnostics]


def sent(resource: Resource) -> dict[str, Any]:
    return {
        "type": resource.type,
        "urn": resource.urn,
        "name": resource.urn.rpartition("::")[2],
        "properties": sent_value(dict(resource.props)),
        "options": proto.AnalyzerResourceOptions(protect=resource.protect),
    }


def sent_value(value: Any) -> Any:
    if value is UNKNOWN:
        return NOT_KNOWN
    if isinstance(value, pulumi.Archive):
        # How the engine writes an archive:
        # https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/properties.go
        signature = "4dabf18193072939515e22adb298388d"
        return {signature: "0def7320c3a5731c473e5ecbe6d01bc7", "assets": {}}
    if isinstance(value, dict):
        return {key: sent_value(inner) for key, inner in value.items()}
    return [sent_value(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture(scope="session")
def pack(policy_python: str) -> Iterator[AnalyzerStub]:
    # As the Pulumi CLI starts it; the pack never calls the engine, so its address does not matter.
    start = [policy_python, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(POLICY)]
    with subprocess.Popen(start, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert port.isdigit(), f"the pack did not start, it printed {port!r}"
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield AnalyzerStub(channel)
        finally:
            process.terminate()


def policy_name(rule: Any) -> str:
    return str(rule.__name__).replace("_", "-")


def test_every_rule_is_a_mandatory_policy_that_says_in_one_line_what_it_wants(
    pack: AnalyzerStub,
) -> None:
    found = pack.GetAnalyzerInfo(Empty()).policies
    assert {(p.name, p.enforcementLevel, p.policy_type) for p in found} == {
        (policy_name(rule), proto.MANDATORY, kind)
        for of_kind, kind in (
            (rules.RESOURCE_RULES, proto.POLICY_TYPE_RESOURCE),
            (rules.STACK_RULES, proto.POLICY_TYPE_STACK),
        )
        for rule in of_kind
    }
    assert [p.name for p in found if not p.description.endswith(".")] == []


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_pack_has_nothing_against_our_stacks(pack: AnalyzerStub, name: str) -> None:
    assert said(pack, shown(name)) == []


def test_every_policy_stops_what_it_is_for(pack: AnalyzerStub) -> None:
    stack = [replace(resource, protect=False) for resource in shown("prod")]
    one_of_each_rule = {row[0]: row for row in BROKEN_IN_DEV + BROKEN_IN_PROD}
    for _, kind, path, value, _ in one_of_each_rule.values():
        stack = changed(stack, kind, path, value)
    stack += [replace(resource, urn=URN) for resource in stack if resource.type == aws.NOTIFICATION]
    stack = [resource for resource in stack if resource.type != aws.TOPIC_POLICY]
    found = said(pack, stack)
    every = {policy_name(rule) for rule in (*rules.RESOURCE_RULES, *rules.STACK_RULES)}
    assert {d.policyName for d in found} == every
    assert {d.enforcementLevel for d in found} == {proto.MANDATORY}


def test_the_pack_says_which_resource_of_the_stack_is_at_fault(pack: AnalyzerStub) -> None:
    stack = shown("prod")
    [bucket] = [resource for resource in stack if resource.type == aws.BUCKET]
    [found] = said(pack, [resource for resource in stack if resource.type != aws.VERSIONING])
    assert found.urn == bucket.urn


def test_the_older_names_of_a_bucket_s_parts_are_no_way_round(pack: AnalyzerStub) -> None:
    kind = "aws:s3/bucketVersioningV2:BucketVersioningV2"
    suspended = changed(
        shown("prod"), aws.VERSIONING, "versioningConfiguration.status", "Suspended"
    )
    older = [replace(r, type=kind) if r.type == aws.VERSIONING else r for r in suspended]
    assert [found.policyName for found in said(pack, older)] == ["bucket-keeps-versions"]


def test_an_unknown_property_is_not_even_a_warning(pack: AnalyzerStub) -> None:
    """The SDK would warn that it cannot run the policy, and run it for nothing else either."""
    unsure = [replace(r, props=dict.fromkeys(r.props, UNKNOWN)) for r in shown("prod")]
    assert said(pack, unsure) == []


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (aws.ENCRYPTION, "rules.0"),
        (aws.ENCRYPTION, ALGORITHM),
        (aws.VERSIONING, "versioningConfiguration.status"),
        (aws.TABLE, "tags.Project"),
        (aws.TABLE, "pointInTimeRecovery.enabled"),
    ],
)
def test_an_unknown_inside_a_property_is_not_even_a_warning(
    pack: AnalyzerStub, kind: str, path: str
) -> None:
    assert said(pack, changed(shown("prod"), kind, path, UNKNOWN)) == []


def test_what_is_known_is_stopped_beside_what_is_not(pack: AnalyzerStub) -> None:
    unsure = changed(shown("prod"), aws.PUBLIC_ACCESS, "blockPublicAcls", UNKNOWN)
    stack = changed(unsure, aws.PUBLIC_ACCESS, "ignorePublicAcls", False)
    assert [found.policyName for found in said(pack, stack)] == ["public-access-is-blocked"]


def test_the_pack_has_an_environment_of_its_own() -> None:
    described = yaml.safe_load((POLICY / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    assert described["runtime"]["options"]["virtualenv"] == ".venv"


def test_the_pack_runs_on_the_program_s_own_pulumi() -> None:
    def pins(folder: Any) -> list[str]:
        text: str = (folder / "requirements.txt").read_text(encoding="utf-8")
        return [line for line in text.splitlines() if line.startswith("pulumi==")]

    assert len(pins(ROOT)) == 1
    assert pins(POLICY) == pins(ROOT)
