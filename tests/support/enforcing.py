"""An emulator that enforces IAM, and speaks the TLS that the bucket's policy demands."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3
import trustme

import roles
from local import emulator as emulators
from support.deployment import REGION, RETRIES_AT_ONCE, cloud_of, deploy_to
from support.github_example import actions, as_list, in_aws
from support.journeys import Deployed

Policies = Mapping[str, list[dict[str, Any]]]
"""Statements by a policy's name."""


@contextmanager
def enforcing_emulator(folder: Path) -> Iterator[emulators.Emulator]:
    """Run one, with its certificate in a folder."""
    certificate, key = folder / "server.pem", folder / "server.key"
    _write_certificate(certificate, key)
    settings = {
        **RETRIES_AT_ONCE,
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(certificate),
        "MINISTACK_SSL_KEY": str(key),
    }
    with emulators.running(settings) as running:
        yield running


def _write_certificate(certificate: Path, key: Path) -> None:
    """Write what the emulator serves and its clients trust: a certificate with its authority."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    for number, part in enumerate([*issued.cert_chain_pems, authority.cert_pem]):
        part.write_to_path(str(certificate), append=number > 0)
    issued.private_key_pem.write_to_path(str(key))


def account_of(running: emulators.Emulator) -> roles.Where:
    """Where the emulator's account is."""
    return in_aws(cloud_of(running)("sts").get_caller_identity()["Account"], REGION)


def deploy_within_boundary(running: emulators.Emulator, stack: str, **config: str) -> Deployed:
    """Deploy with the boundary that the example for GitHub makes for a stack."""
    suffix, followed = config["environmentSuffix"], config.get("bucketName", "")
    document = roles.boundary(account_of(running), suffix, followed_bucket=followed)
    made = cloud_of(running)("iam").create_policy(
        PolicyName=f"boundary-{suffix}", PolicyDocument=json.dumps(document)
    )
    return deploy_to(running, stack, **config, permissionsBoundary=made["Policy"]["Arn"])


def keys_of(running: emulators.Emulator, role: str) -> dict[str, str]:
    """Credentials of a role, as boto3 takes them."""
    cloud = cloud_of(running)
    arn = cloud("iam").get_role(RoleName=role)["Role"]["Arn"]
    keys = cloud("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }


@dataclass(frozen=True)
class Role:
    """A deployed function's role."""

    emulator: emulators.Emulator
    name: str
    policies: Policies
    """As they were deployed."""

    @classmethod
    def of(cls, running: emulators.Emulator, function: str) -> Self:
        cloud = cloud_of(running)
        arn = cloud("lambda").get_function_configuration(FunctionName=function)["Role"]
        name, iam = arn.rsplit("/", 1)[-1], cloud("iam")
        policies = {}
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            found = iam.get_role_policy(RoleName=name, PolicyName=policy)
            policies[policy] = found["PolicyDocument"]["Statement"]
        return cls(running, name, policies)

    def client(self, service: str) -> Any:
        """Return a client that acts in the role's name."""
        return boto3.client(
            service,
            endpoint_url=self.emulator.endpoint,
            verify=self.emulator.certificate,
            **keys_of(self.emulator, self.name),
        )

    @contextmanager
    def allowed(self, policies: Policies) -> Iterator[None]:
        """Put other statements in place of its own for a while."""
        try:
            self._put(policies)
            yield
        finally:
            self._put(self.policies)

    def without(self, action: str) -> AbstractContextManager[None]:
        """Take an action away from it for a while."""
        assert action in actions(*({"Statement": of} for of in self.policies.values()))
        fewer: dict[str, list[dict[str, Any]]] = {}
        for name, statements in self.policies.items():
            rests = [[may for may in as_list(one["Action"]) if may != action] for one in statements]
            fewer[name] = [
                one | {"Action": rest} for one, rest in zip(statements, rests, strict=True) if rest
            ]
        return self.allowed(fewer)

    def _put(self, policies: Policies) -> None:
        iam = cloud_of(self.emulator)("iam")
        for name, statements in policies.items():
            which = {"RoleName": self.name, "PolicyName": name}
            if statements:
                document = json.dumps({"Version": "2012-10-17", "Statement": statements})
                iam.put_role_policy(**which, PolicyDocument=document)
            else:
                iam.delete_role_policy(**which)
