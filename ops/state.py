"""Stores the progress of a run in a file, so that an interrupted run can continue."""

import json
from collections.abc import Callable, Collection
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Kept(Protocol):
    """A dataclass with the plan of the run, another dataclass."""

    @property
    def plan(self) -> "DataclassInstance":
        """What the run was asked to do."""


State = TypeVar("State", bound=Kept)


class StateError(ValueError):
    """The state file is invalid, or belongs to another run."""


def read(
    path: Path,
    command: str,
    load: Callable[[dict[str, Any]], State],
    plan: "DataclassInstance",
    *,
    may_differ: Collection[str] = (),
) -> State | None:
    """Read the state of an interrupted run; None if there was none.

    Args:
        path: the file.
        command: its name, for messages.
        load: makes a state from the file's values.
        plan: this run's plan.
        may_differ: fields of the plan that may differ; the interrupted run's values stay.

    Raises:
        StateError: the file is invalid, or belongs to another plan.
    """
    if not path.exists():
        return None
    try:
        state = load(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError) as err:
        raise StateError(
            f"{path} must be the state of `{command}`, got {err!r:.200}; give --restart"
        ) from err
    before = asdict(state.plan)
    for name, here in asdict(plan).items():
        if name not in may_differ and here != (there := before[name]):
            raise StateError(
                f"{path} must be of the same `{command}`, got {name} {there!r}, not {here!r};"
                " finish that one first, or give --restart"
            )
    return state


def save(path: Path, state: "DataclassInstance") -> None:
    """Write the file whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(json.dumps(asdict(state)), encoding="utf-8")
    draft.replace(path)
