"""The declared properties of a resource. A rule takes each one, so that none is ignored."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from local.cloud import Cloud


class UnknownPropertyError(ValueError):
    """A resource has a property that its rule does not know."""


class Inputs:
    """The declared properties of one resource; a rule takes each one once."""

    def __init__(self, type_token: str, name: str, values: Mapping[str, Any]) -> None:
        """Store the properties of the resource with this type and logical name."""
        self.type_token = type_token
        self.name = name
        self._values: dict[str, Any] = _whole_numbers(values)

    def take(self, key: str, default: Any = None) -> Any:
        """Take a property, or the default if it is not declared."""
        return self._values.pop(key, default)

    def parameters(self, *keys: str) -> dict[str, Any]:
        """Take those of the properties that are declared, with the AWS API's names."""
        taken = {key: value for key in keys if (value := self.take(key)) is not None}
        parameters: dict[str, Any] = pascal(taken)
        return parameters

    def auto_name(self, key: str = "name") -> str:
        """Take the physical name: the declared one, or the logical name and seven random digits.

        https://www.pulumi.com/docs/iac/concepts/resources/names/#autonaming
        """
        declared: str | None = self.take(key)
        return declared or f"{self.name}-{secrets.token_hex(4)[:7]}"

    def tag_list(self) -> list[dict[str, str]]:
        """Take the tags as a list of pairs, which some services need."""
        return [{"Key": key, "Value": value} for key, value in self.tags().items()]

    def tags(self) -> dict[str, str]:
        """Take the tags."""
        tags: dict[str, str] = self.take("tags", {})
        return tags

    def finish(self) -> None:
        """Check that every property was taken.

        Raises:
            UnknownPropertyError: the rule did not take one, so the emulator would lack it.
        """
        if self._values:
            raise UnknownPropertyError(
                f"{self.type_token} {self.name!r} declares {', '.join(sorted(self._values))},"
                " which its rule does not pass on; add it in local/rules (for an update:"
                " tests/support/provider_updates.py)"
            )


Outputs = dict[str, Any]
Rule = Callable[[Cloud, Inputs], tuple[str, Outputs]]


def of_module(module: str, rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """Map type tokens to rules: ``Bucket`` of ``s3`` is ``aws:s3/bucket:Bucket``."""
    return {
        f"aws:{module}/{kind[:1].lower()}{kind[1:]}:{kind}": rule for kind, rule in rules.items()
    }


def _whole_numbers(value: Any) -> Any:
    """Convert 7.0 to 7, because the protocol between program and engine has no integers."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _whole_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(inner) for inner in value]
    return value


def pascal(value: Any) -> Any:
    """Convert Pulumi's camelCase keys to the AWS API's PascalCase, at every level."""
    if isinstance(value, Mapping):
        return {key[:1].upper() + key[1:]: pascal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [pascal(inner) for inner in value]
    return value


def renamed(value: Mapping[str, Any], /, **names: str) -> dict[str, Any]:
    """Rename keys of one mapping that AWS spells in another way, such as ``ID`` for ``id``."""
    return {names.get(key, key): inner for key, inner in value.items()}
