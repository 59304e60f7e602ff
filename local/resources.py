"""Creates the declared resources in an emulator.

A type or a property without a rule is an error, so that the emulator never runs less than
the program declares.
"""

from typing import Any

from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

from local.cloud import Cloud
from local.inputs import Inputs
from local.rules import RULES


class UnknownTypeError(ValueError):
    """The program uses a type that has no rule here."""


class CloudMocks(Mocks):
    """Creates each declared resource in an emulator."""

    def __init__(self, cloud: Cloud) -> None:
        """Create resources through the given clients."""
        self._cloud = cloud

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Create one resource; a component needs none.

        Raises:
            UnknownTypeError: its type has no rule.
            local.inputs.UnknownPropertyError: its rule does not know one of its properties.
            botocore.exceptions.ClientError: the emulator refused it.
        """
        if not args.custom:
            return "", {}
        rule = RULES.get(args.typ)
        if rule is None:
            raise UnknownTypeError(f"{args.typ} {args.name!r} has no rule in local/rules")
        inputs = Inputs(args.typ, args.name, args.inputs)
        identifier, outputs = rule(self._cloud, inputs)
        inputs.finish()
        return identifier, {**args.inputs, **outputs}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """Answer a lookup.

        Raises:
            UnknownTypeError: the lookup is unknown here.
        """
        if args.token == "aws:index/getCallerIdentity:getCallerIdentity":
            identity = self._cloud("sts").get_caller_identity()
            return {
                "accountId": identity["Account"],
                "arn": identity["Arn"],
                "userId": identity["UserId"],
                "id": identity["Account"],
            }, []
        if args.token == "aws:index/getRegion:getRegion":
            return {"region": self._cloud.region, "id": self._cloud.region}, []
        if args.token == "aws:index/getPartition:getPartition":
            return {"partition": "aws", "dnsSuffix": "amazonaws.com", "id": "aws"}, []
        raise UnknownTypeError(f"{args.token} has no answer in local/rules")
