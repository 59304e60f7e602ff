"""Declares the program without any cloud and keeps what it declared."""

import functools
import inspect
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from keyword import iskeyword
from pathlib import Path
from typing import Any

import pulumi_aws
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks

from local import engine
from pipeline.settings import PROJECT

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
OF_AN_ACCOUNT = (
    "accessLogBucket",
    "alarmEmail",
    "alarmTopicArn",
    "bucketAccountId",
    "bucketKmsKeyArn",
    "bucketName",
    "kmsKeyArn",
    "permissionsBoundary",
    "tags",
)
"""The keys that name something in the account."""
REGION = "eu-west-1"
CREATED = "2026-01-02T03:04:05Z"
"""When all roles were."""
EVENTBRIDGE = {
    "eventSource": "eventbridge",
    "bucketName": "somebody-elses",
    "noncurrentVersionDays": "90",
}
"""The configuration with which a stack follows a bucket that somebody else owns."""
REGIONS = {"aws": REGION, "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""One of each partition."""


@dataclass(frozen=True)
class Declared:
    """One registered resource, as the engine would see it."""

    type: str
    name: str
    urn: str
    id: str
    """Its physical name."""
    arn: str
    """Empty where the program does not read it."""
    provider: str
    custom: bool
    inputs: dict[str, Any]
    parent: str
    dependencies: frozenset[str]
    """URNs: the explicit ``depends_on`` and those that the inputs imply."""
    protect: bool
    delete_before_replace: bool
    retain: bool
    """Whether Pulumi leaves it in the account when it deletes it from the stack."""

    @property
    def kind(self) -> str:
        """The last part of its type."""
        return self.type.rpartition(":")[2]

    def statements(self, at: str = "policy") -> dict[str, dict[str, Any]]:
        """The statements of its policy, by their ids."""
        return {one["Sid"]: one for one in json.loads(self.inputs[at])["Statement"]}


@dataclass
class Program:
    """All that one run of the program declared, and its outputs."""

    resources: list[Declared] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    lookups: dict[str, str] = field(default_factory=dict)
    """The provider of each."""

    def all(self, kind: str) -> list[Declared]:
        """Those of a type, ``aws:sqs/queue:Queue``, or of AWS's by its last part, ``Queue``."""
        return [one for one in self.resources if kind in (one.type, one.custom and one.kind)]

    def one(self, kind: str) -> Declared:
        [found] = self.all(kind)
        return found

    def named(self, name: str) -> Declared:
        """The resource with the logical name ``file-metadata-<name>``."""
        [found] = [one for one in self.resources if one.name == f"file-metadata-{name}"]
        return found

    def by_urn(self, urn: str) -> Declared:
        [found] = [resource for resource in self.resources if resource.urn == urn]
        return found

    def log_metrics(self) -> dict[str, dict[str, Any]]:
        """The metrics that the filters make of the log, by name."""
        made = [one.inputs["metricTransformation"] for one in self.all("LogMetricFilter")]
        return {one["name"]: one for one in made}

    def needs(self, later: Declared, earlier: Declared) -> bool:
        """Whether the graph makes one resource wait for another, directly or not."""
        seen: set[str] = set()
        waiting = set(later.dependencies)
        while waiting:
            urn = waiting.pop()
            if urn == earlier.urn:
                return True
            if urn not in seen:
                seen.add(urn)
                waiting |= self.by_urn(urn).dependencies
        return False


def accepts_tags(resource: Declared) -> bool:
    """Whether the provider's class for a resource takes ``tags``."""
    if not resource.type.startswith("aws:"):
        return False
    _, path, name = resource.type.split(":")
    module = path.partition("/")[0]
    package = getattr(pulumi_aws, f"{module}_" if iskeyword(module) else module)
    return "tags" in inspect.signature(getattr(package, f"{name}Args")).parameters


class _Answers(Mocks):
    """Answers as the provider would: names, ARNs and addresses made from the inputs."""

    def __init__(self, region: str = REGION) -> None:
        self._region = region
        partitions = {region: partition for partition, region in REGIONS.items()}
        self._partition = partitions.get(region, "aws")
        self._dns_suffix = "amazonaws.com.cn" if self._partition == "aws-cn" else "amazonaws.com"

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if not args.custom:
            return "", {}
        name = args.inputs.get("name", f"{args.name}-1234567")
        service = args.typ.split(":")[1].split("/")[0]
        made = {
            "name": name,
            "arn": f"arn:{self._partition}:{service}:{self._region}:{ACCOUNT}:{name}",
            "bucket": name,
            "keyId": name,
            "bucketRegionalDomainName": f"{name}.s3.{self._region}.{self._dns_suffix}",
            "streamArn": f"arn:{self._partition}:dynamodb:{self._region}:{ACCOUNT}:{name}/stream/1",
            "createDate": CREATED,
            "uuid": name,
            "url": f"https://{service}.{self._region}.{self._dns_suffix}/{ACCOUNT}/{name}",
        }
        return name, made | args.inputs

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        if args.token == "aws:index/getCallerIdentity:getCallerIdentity":
            return {"accountId": ACCOUNT, "arn": "", "userId": "", "id": ACCOUNT}, []
        if args.token == "aws:index/getRegion:getRegion":
            return {"region": self._region, "id": self._region}, []
        if args.token == "aws:index/getPartition:getPartition":
            return {"partition": self._partition, "dnsSuffix": self._dns_suffix}, []
        raise AssertionError(f"unexpected lookup {args.token}")


class _Monitor(MockMonitor):
    def __init__(self, program: Program, creator: Mocks | None = None) -> None:
        super().__init__(creator or _Answers())
        self._program = program

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - the SDK's name
        self._program.lookups[request.tok] = request.provider
        return super().Invoke(request)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the SDK's name
        answer = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            self._program.resources.append(
                Declared(
                    type=request.type,
                    name=request.name,
                    urn=answer.urn,
                    id=answer.id,
                    arn=dict(answer.object).get("arn", ""),
                    provider=request.provider,
                    custom=request.custom,
                    inputs=rpc.deserialize_properties(request.object),
                    parent=request.parent,
                    dependencies=frozenset(request.dependencies),
                    protect=request.protect,
                    delete_before_replace=request.deleteBeforeReplace,
                    retain=request.retainOnDelete,
                )
            )
        return answer


def shipped_config(stack: str, project: Path = ROOT) -> dict[str, str]:
    """Read a stack's configuration, but for what whoever deploys it chooses for an account.

    So a clone whose stacks were deployed passes the tests like any other.
    """
    values = engine.stack_config(project, stack)
    chosen = dict.fromkeys(OF_AN_ACCOUNT, "") | {
        "environmentSuffix": stack,
        "eventSource": "notification",
    }
    ours = {f"{PROJECT}:{key}": value for key, value in chosen.items()}
    return values | {key: value for key, value in ours.items() if key in values}


def declare(
    stack: str = "dev",
    config: Mapping[str, str] | None = None,
    project: Path = ROOT,
    region: str = REGION,
) -> Program:
    """Run the program with a stack's configuration, some keys of it replaced; once in a session.

    Args:
        stack: ``dev`` or ``prod``.
        config: values by key, without the project's name before it.
        project: where the program is.
        region: where it is deployed to.
    """
    values = shipped_config(stack, project)
    for key, value in (config or {}).items():
        values[f"{PROJECT}:{key}"] = value
    run = _declared if project == ROOT else declare_anew
    return run(project, stack, tuple(values.items()), region)


def declare_anew(
    project: Path, stack: str, values: tuple[tuple[str, str], ...], region: str = REGION
) -> Program:
    """Run a program, even if it has been run with the same configuration."""
    program = Program()
    monitor = _Monitor(program, _Answers(region))
    program.outputs = engine.run(project, stack, dict(values), monitor.mocks, monitor)
    assert program.resources, "the program declared nothing"
    # Registrations that do not wait for each other come in any order.
    program.resources.sort(key=lambda resource: resource.urn)
    return program


_declared = functools.cache(declare_anew)


def declare_by(folder: Path, code: str) -> Program:
    """Run another program of the project, which needs no configuration."""
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    (folder / "__main__.py").write_text(
        f"import pulumi\nfrom pipeline import FileMetadataPipeline, Settings\n{code}",
        encoding="utf-8",
    )
    return declare_anew(folder, "dev", ())
