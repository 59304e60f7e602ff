"""What the AWS provider makes of a change: nothing, an update in place, or a replacement."""

import copy
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Of one type; `provider_facts.toml` says what each means."""

    source: str
    replaces: Sequence[str] = ()
    keeps: Sequence[str] = ()
    autonamed: str = ""


FILE = Path(__file__).with_name("provider_facts.toml")
FACTS = {
    token: Facts(**said) for token, said in tomllib.loads(FILE.read_text(encoding="utf-8")).items()
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """From what the provider last saw to what the program declares now."""

    inputs: dict[str, Any]
    """What is declared, with what the provider keeps of the state."""
    properties: frozenset[str]
    """Those that differ."""
    replaces: tuple[str, ...]
    """Those of them that force a replacement."""

    @classmethod
    def between(
        cls,
        token: str,
        *,
        state: Mapping[str, Any],
        old: Mapping[str, Any],
        new: Mapping[str, Any],
    ) -> "Change":
        """Compare two declarations of a resource, of this type and with this state."""
        before, after = (_with_kept(token, state, declared) for declared in (old, new))
        name = FACTS[token].autonamed
        if name and name not in old:
            before[name] = state[name]
            after.setdefault(name, state[name])
        differing = frozenset(
            key
            for key in before.keys() | after.keys()
            if _comparable(before.get(key)) != _comparable(after.get(key))
        )
        forcing = tuple(key for key in FACTS[token].replaces if key in differing)
        return cls(inputs=after, properties=differing, replaces=forcing)


def _with_kept(token: str, state: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    filled = copy.deepcopy(dict(declared))
    for path in FACTS[token].keeps:
        block, key = path.split(".")
        if block in filled and key in state.get(block, {}):
            filled[block].setdefault(key, state[block][key])
    return filled


def _comparable(value: Any) -> Any:
    """An archive's hash: the engine does not always send what is in it."""
    return value["hash"] if isinstance(value, dict) and "hash" in value else value
