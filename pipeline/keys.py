"""Describes configuration keys, and checks their values."""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import MISSING, Field, dataclass, fields
from difflib import get_close_matches
from typing import Any, get_args, get_origin

import pulumi
from pulumi.output import Unknown

KNOWN_LATER = (pulumi.Output, Awaitable, Unknown)
"""The types of values that are not known yet."""
KINDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    str: "a text",
    dict: "an object of texts",
}


@dataclass(frozen=True)
class Rule:
    """What a value must be."""

    says: str
    """The text after "must be" in an error, with the unit."""
    holds: Callable[[Any], bool]


def between(low: int, high: int, unit: str) -> Rule:
    """A number from low to high, both included."""
    return Rule(f"{low}-{high} {unit}", lambda value: low <= value <= high)


def one_of(choices: Iterable[Any], unit: str = "") -> Rule:
    """One of these values."""
    known = tuple(choices)
    listed = f"one of {', '.join(map(str, known))} {unit}".rstrip()
    return Rule(listed, lambda value: value in known)


def matching(pattern: str, says: str) -> Rule:
    """A text that matches the whole pattern."""
    return Rule(says, lambda value: re.fullmatch(pattern, value, re.ASCII) is not None)


@dataclass(frozen=True, kw_only=True)
class Key:
    """The description of a configuration key; the field has its type."""

    means: str
    """Its meaning, in one line."""
    if_empty: str = ""
    """The meaning of an empty text."""
    rule: Rule | None = None
    more: str = ""
    """More details; Markdown, with links from `docs/`."""
    live: str
    """What changing it on a live stack does and costs; Markdown, with links from `docs/`."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A key that a field of a dataclass declares."""

    name: str
    """The name in a configuration, such as ``memorySize``."""
    field: str
    kind: Any
    """``bool``, ``int``, ``str`` or ``dict``."""
    takes_outputs: bool
    """Whether the value may be an output; False if it decides which resources exist."""
    archives: bool
    """Whether a program may give an archive instead."""
    default: Any
    """None if the key is required."""
    key: Key

    @property
    def description(self) -> str:
        """Meaning and rule, in one line."""
        said = [self.key.means]
        if self.key.if_empty:
            said.append(f"; {self.key.if_empty} if empty")
        if self.key.rule:
            said.append(f" ({self.key.rule.says})")
        return "".join(said)

    def checked(self, value: Any) -> Any:
        """Check type and rule of a value; a default is not checked against the rule.

        Returns:
            The value. An output is checked when its value becomes known.

        Raises:
            ValueError: the value breaks its rule, or must be known and is not.
        """
        if isinstance(value, KNOWN_LATER) and self.takes_outputs:
            return pulumi.Output.from_input(value).apply(self._checked_later)
        # In Python an `Output` is always true, so every `if` on it would pass.
        if isinstance(value, KNOWN_LATER):
            raise ValueError(  # noqa: TRY004 - as every other broken rule
                f"{self.name} must be known before any resource is made,"
                " got an output of a resource or a secret"
            )
        if self.archives and isinstance(value, pulumi.Archive):
            return value
        check(type(value) is self.kind, f"{self.name} must be {KINDS[self.kind]}", value)
        if value != self.default:
            self._check_rule(value)
        return value

    def _check_rule(self, value: Any) -> None:
        if rule := self.key.rule:
            check(rule.holds(value), f"{self.name} must be {rule.says}", value)

    def _checked_later(self, value: Any) -> Any:
        try:
            self._check_rule(value)
        except ValueError as err:
            raise pulumi.RunError(str(err)) from err
        return value


def config_key(field: str) -> str:
    """The configuration key of a field: ``memory_size`` is ``memorySize``."""
    head, *tail = field.split("_")
    return head + "".join(word.capitalize() for word in tail)


def declared(cls: type) -> dict[str, Declared]:
    """The keys that annotate the fields of a dataclass, by name, in order."""
    found = {}
    for field in fields(cls):
        declared_type, key = get_args(field.type)
        # `pulumi.Input` is a union of the plain type and of types that resolve to it.
        others = () if get_origin(declared_type) is dict else get_args(declared_type)[1:]
        kind = get_args(declared_type)[0] if others else declared_type
        name = config_key(field.name)
        found[name] = Declared(
            name=name,
            field=field.name,
            kind=get_origin(kind) or kind,
            takes_outputs=any(get_origin(other) is Awaitable for other in others),
            archives=pulumi.Archive in others,
            default=_default(field),
            key=key,
        )
    return found


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return None if field.default is MISSING else field.default


def check(holds: bool, rule: str, got: object) -> None:
    """Check that a rule holds.

    Raises:
        ValueError: it does not.
    """
    if not holds:
        raise ValueError(f"{rule}, got {got!r}")


def check_known(name: str, known: Iterable[str]) -> None:
    """Refuse an unknown key, which would have no effect.

    Raises:
        ValueError: the key is unknown.
    """
    by_lower = {key.lower(): key for key in known}
    if name in by_lower.values():
        return
    near = get_close_matches(name.lower(), by_lower, n=1)
    hint = f"did you mean {by_lower[near[0]]!r}?" if near else f"known: {', '.join(known)}"
    raise ValueError(f"unknown key {name!r}; {hint}")
