"""The protocol is right in every order, as a model of it shows, and the function is that model."""

import functools
import random
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.cloud import Cloud
from support.faults import FaultProxy
from support.handler_env import in_bucket, process_file
from support.protocol import NONE, Protocol
from support.protocol_replay import Replay, edited
from support.protocol_search import FROM_BEFORE, Bounds, Result, State, is_wrong_end, search, steps
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
Place = tuple[Any, Any, tuple[Any, Any], str, str]


def limits(bounds: Bounds) -> str:
    return ", ".join(
        f"{n} {name}" for name, n in vars(bounds).items() if n and name not in {"labelled", "early"}
    )


@pytest.mark.parametrize("bounds", QUICK, ids=limits)
def test_no_order_within_small_bounds_ends_wrong(bounds: Bounds, record_property: Note) -> None:
    assert_right(bounds, record_property)


@pytest.mark.soak
@pytest.mark.parametrize("bounds", LARGE, ids=limits)
def test_no_order_within_large_bounds_ends_wrong(bounds: Bounds, record_property: Note) -> None:
    assert_right(bounds, record_property)


def assert_right(bounds: Bounds, record_property: Note) -> None:
    began = time.monotonic()
    found = search(Protocol(), bounds)
    seconds = f"{time.monotonic() - began:.1f}"
    record_property("model", ("shipped", limits(bounds), found.states, found.wrong, seconds))
    assert found.wrong == 0


@functools.cache
def counterexample(variant: type[Variant]) -> tuple[Result, str]:
    """Search for one; with the seconds that it took."""
    began = time.monotonic()
    found = search(variant(), variant.bounds, first=True)
    return found, f"{time.monotonic() - began:.1f}"


@variants
def test_a_wrong_variant_has_a_counterexample(
    variant: type[Variant], record_property: Note
) -> None:
    found, seconds = counterexample(variant)
    states = f"{found.states}, first"
    name = variant.__name__
    record_property("model", (name, limits(variant.bounds), states, found.wrong, seconds))
    print(f"{name}: {variant.__doc__}\n  " + "\n  ".join(step.name for step in found.story))
    assert found.wrong


@pytest.fixture(scope="module")
def place(cloud: Cloud, session_proxy: FaultProxy) -> Place:
    name = f"protocol-{secrets.token_hex(6)}"
    cloud("s3").create_bucket(Bucket=name)
    cloud("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    cloud("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "file_key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "file_key", "AttributeType": "S"}],
    )
    catalog = process_file(session_proxy).CATALOG
    in_function = (in_bucket(catalog, name)["s3"], catalog.dynamodb)
    return cloud("s3"), cloud("dynamodb"), in_function, name, name


@variants
def test_the_function_made_wrong_in_the_same_way_ends_as_the_model_does(
    variant: type[Variant], place: Place, tmp_path: Path
) -> None:
    story = counterexample(variant)[0].story
    replay = Replay(edited(tmp_path, variant.edits), *place)
    replay.start(State(current=FROM_BEFORE if variant.bounds.from_before else NONE))
    for step in story:
        replay.make(step)
    assert is_wrong_end(story[-1].after)


@pytest.mark.parametrize("from_before", [False, True])
def test_the_function_makes_the_same_steps_as_the_model(
    place: Place,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    *,
    from_before: bool,
) -> None:
    """At random, so that model and function can't drift apart."""
    module = edited(tmp_path)
    for seed in range(max(12, pytestconfig.getoption("--histories") // 10)):
        dice = random.Random(seed)  # noqa: S311 # no secret
        state = State(current=FROM_BEFORE if from_before else NONE)
        replay = Replay(module, *place)
        replay.start(state)
        while choices := list(steps(Protocol(), WALKS, state)):
            step = dice.choice(choices)
            replay.make(step)
            state = step.after
