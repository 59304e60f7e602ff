"""The protocol is right in every order, as a model of it shows, and the function is that model."""

import functools
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from support.handler_env import Bench
from support.protocol import Protocol
from support.protocol_replay import Replay, edited
from support.protocol_search import Bounds, Result, Search, is_wrong_end
from support.protocol_variants import VARIANTS, Variant

QUICK = [
    Bounds(changes=4, handlers=2),
    Bounds(changes=3, handlers=3, early=True),
    Bounds(changes=3, handlers=2, duplicates=1),
    Bounds(changes=3, handlers=2, ties=1),
    Bounds(changes=2, handlers=2, ties=1, damages=1, repairs=1),
    Bounds(changes=2, handlers=3, late_writes=1, repairs=1, expirations=1),
    Bounds(changes=1, handlers=3, duplicates=1, late_writes=1, repairs=1, from_before=True),
]
LARGE = [
    Bounds(changes=3, handlers=2, ties=1, damages=1, repairs=1),
    Bounds(changes=4, handlers=3, repairs=1),
    Bounds(changes=3, handlers=3, duplicates=1, late_writes=1),
    Bounds(changes=3, handlers=3, late_writes=1, repairs=1, expirations=1),
    Bounds(
        changes=2,
        handlers=3,
        duplicates=1,
        repairs=1,
        late_writes=1,
        expirations=1,
        from_before=True,
    ),
]
WALKS = Bounds(
    changes=4, handlers=3, duplicates=1, repairs=1, late_writes=1, expirations=1, damages=1,
    early=True, labelled=True,
)  # fmt: skip
pytestmark = pytest.mark.no_cover
variants = pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.__name__)
Note = Callable[[str, object], None]


def limits(bounds: Bounds) -> str:
    return ", ".join(
        f"{n} {name}" for name, n in vars(bounds).items() if n and name not in {"labelled", "early"}
    )


def summary(name: str, bounds: Bounds, found: Result) -> str:
    states = f"{found.states}{', first' if found.story else ''}"
    figures = f"{states:>14}{found.wrong:>14}{found.seconds:>14.1f}"
    return f"{name:<26}{limits(bounds):<76}{figures}"


@pytest.mark.parametrize(
    "bounds",
    [*QUICK, *(pytest.param(bounds, marks=pytest.mark.soak) for bounds in LARGE)],
    ids=limits,
)
def test_no_order_within_bounds_ends_wrong(bounds: Bounds, record_property: Note) -> None:
    found = Search(Protocol(), bounds).run()
    record_property("model", summary("shipped", bounds, found))
    assert found.wrong == 0


@functools.cache
def counterexample(variant: type[Variant]) -> Result:
    return Search(variant(), variant.bounds).run(first=True)


@variants
def test_a_wrong_variant_has_a_counterexample(
    variant: type[Variant], record_property: Note
) -> None:
    found, name = counterexample(variant), variant.__name__
    record_property("model", summary(name, variant.bounds, found))
    print(f"{name}: {variant.__doc__}\n  " + "\n  ".join(step.name for step in found.story))
    assert found.wrong


@variants
def test_the_function_made_wrong_in_the_same_way_ends_as_the_model_does(
    variant: type[Variant], bench: Bench
) -> None:
    story = counterexample(variant).story
    replay = Replay(edited(variant.edits), bench, variant.bounds.start)
    for step in story:
        replay.make(step)
    assert is_wrong_end(story[-1].after)


@pytest.mark.parametrize("from_before", [False, True])
def test_the_function_makes_the_same_steps_as_the_model(
    bench: Bench, pytestconfig: pytest.Config, *, from_before: bool
) -> None:
    """At random, so that model and function can't drift apart."""
    module = edited()
    search = Search(Protocol(), replace(WALKS, from_before=from_before))
    for seed in range(max(12, pytestconfig.getoption("--histories") // 10)):
        dice = random.Random(seed)  # noqa: S311 # no secret
        state = search.bounds.start
        replay = Replay(module, bench, state)
        while choices := list(search.steps(state)):
            step = dice.choice(choices)
            replay.make(step)
            state = step.after
