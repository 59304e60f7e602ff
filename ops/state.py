"""Stores the progress of a run in a file, so that an interrupted run can continue."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(kw_only=True)
class State:
    """The progress of a run, with all that it needs to continue after an interruption."""

    plan: "DataclassInstance"
    """What the run was asked to do."""
    resumed: bool = False
    """Whether it continues an interrupted run."""
    requested: int = 0


@dataclass
class Report:
    """How a run ended."""

    refused: str = ""
    """AWS's error that ended the run early; empty if there was none."""
    finished: bool = False


S = TypeVar("S", bound=State)


def resume(path: Path, command: str, new: S, *, may_differ: Collection[str] = ()) -> S:
    """Read the state of an interrupted run; the new state if there was none.

    Args:
        path: the file.
        command: its name, for messages.
        new: the state of a run that begins.
        may_differ: fields of the plan that may differ; the interrupted run's values stay.

    Raises:
        click.UsageError: the file is invalid, or belongs to another plan.
    """
    if not path.exists():
        return new
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        plan = type(new.plan)(**values["plan"])
        state = type(new)(**values | {"plan": plan, "resumed": True})
    except (ValueError, TypeError, KeyError) as err:
        raise click.UsageError(
            f"{path} must be the state of `{command}`, got {err!r:.200}; give --restart"
        ) from err
    before = asdict(plan)
    for name, here in asdict(new.plan).items():
        if name not in may_differ and here != (there := before[name]):
            raise click.UsageError(
                f"{path} belongs to another `{command}`, with {name} {there!r}, not {here!r};"
                " finish that one first, or give --restart"
            )
    return state


def save(path: Path, state: State) -> None:
    """Write the file whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(json.dumps(asdict(state)), encoding="utf-8")
    draft.replace(path)
