"""What an extractor returns is stored as it is, or refused with the rule that it breaks."""

import enum
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import DYNAMODB_CONTEXT, TypeDeserializer
from hypothesis import given
from hypothesis import strategies as st

from result import MAX_BYTES, ResultError, typed


def levels(count: int) -> Any:
    """Lists in lists, so many."""
    value: Any = 1
    for _ in range(count):
        value = [value]
    return value


def test_every_type_of_json_is_stored() -> None:
    found = {"n": None, "t": True, "i": -7, "f": 1.5, "s": "\u00e9", "l": [{"k": ""}, ()]}
    assert typed(found) == {
        "n": {"NULL": True},
        "t": {"BOOL": True},
        "i": {"N": "-7"},
        "f": {"N": "1.5"},
        "s": {"S": "\u00e9"},
        "l": {"L": [{"M": {"k": {"S": ""}}}, {"L": []}]},
    }


class Color(str, enum.Enum):  # noqa: UP042 # as older code writes it
    RED = "red"


class Short(str):
    """A text that says of itself that it is empty."""

    __slots__ = ()

    def __len__(self) -> int:
        return 0


def test_a_text_of_a_class_of_its_own_is_stored_as_it_is() -> None:
    assert typed({Color.RED: Color.RED}) == {"red": {"S": "red"}}
    with pytest.raises(ResultError, match="result must be at most 65536 bytes"):
        typed({"a": Short("x" * MAX_BYTES)})


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
numbers = st.one_of(
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda n: n == 0 or 1e-129 < abs(n) < 9e125
    ),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=10,
)


def as_read(value: Any) -> Any:
    """What boto3 reads of it: numbers as Decimal."""
    if isinstance(value, Mapping):
        return {name: as_read(member) for name, member in value.items()}
    if isinstance(value, list):
        return [as_read(element) for element in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return Decimal(repr(value))


@given(st.dictionaries(names, values, max_size=5))
def test_what_is_stored_is_read_again(found: dict[str, Any]) -> None:
    read = TypeDeserializer().deserialize({"M": typed(found)})
    assert read == as_read(found)


@pytest.mark.parametrize(
    "number",
    [10**125, -(10**125), 1e125, 9.9e125, 1e-130, 10**38 - 1, 123 * 10**100, 5e-130, -0.0, 2**63],
)
def test_numbers_at_the_edge_are_stored(number: float) -> None:
    stored = typed({"n": number})["n"]["N"]
    assert DYNAMODB_CONTEXT.create_decimal(stored) == Decimal(repr(number))


class Endless(Mapping[str, int]):
    """A mapping without end."""

    def __getitem__(self, key: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        number = 0
        while True:
            yield str(number)
            number += 1

    def __len__(self) -> int:
        return 1


def doubling(times: int) -> Any:
    """A list that is small in memory and huge written out."""
    value: Any = ["x"]
    for _ in range(times):
        value = [value] * 10
    return {"a": value}


SELF: list[Any] = []
SELF.append(SELF)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "result must be a mapping, got NoneType"),
        ([1], "result must be a mapping, got list"),
        ("text", "result must be a mapping, got str"),
        ({"a": {1, 2}}, r"result\['a'\] must be a JSON value .*, got set"),
        ({"a": [b"x"]}, r"result\['a'\]\[0\] must be a JSON value .*, got bytes"),
        ({"a": Decimal(1)}, r"result\['a'\] must be a JSON value .*, got Decimal"),
        ({"a": iter([])}, r"got list_iterator"),
        ({1: 2}, "a key of result must be a text of at least one character, got int"),
        ({"": 2}, "a key of result must be a text of at least one character, got ''"),
        ({"a": {None: 2}}, r"a key of result\['a'\] must be a text"),
        ({"a": math.nan}, r"result\['a'\] must be a finite number, got NaN"),
        ({"a": -math.inf}, r"result\['a'\] must be a finite number, got -Infinity"),
        ({"a": 10**38 + 1}, r"result\['a'\] must have at most 38 digits, got 39"),
        ({"a": 10**126}, r"result\['a'\] must be 0 or from 1E-130 to 9\.9E\+125, got"),
        ({"a": 1e-131}, r"result\['a'\] must be 0 or from 1E-130"),
        ({"a": 1e300}, r"result\['a'\] must be 0 or from 1E-130"),
        ({"a": 1 << 10_000_000}, r"result\['a'\] must be less than 1E\+126, got more"),
        ({"a": "\ud800"}, r"result\['a'\] must be text that UTF-8 can encode, got '\\ud800'"),
        ({"\udfff": 1}, r"a key of result must be text that UTF-8 can encode, got '\\udfff'"),
        ({"a": levels(16)}, "result must be at most 16 levels deep, got more"),
        ({"a": SELF}, "result must be at most 16 levels deep, got more"),
        ({"a": "x" * MAX_BYTES}, "result must be at most 65536 bytes as DynamoDB counts them"),
        ({"a": "\u20ac" * (MAX_BYTES // 3)}, "result must be at most 65536 bytes"),
        ({"k" * MAX_BYTES: 1}, "result must be at most 65536 bytes"),
        ({"a": [0] * MAX_BYTES}, "result must be at most 65536 bytes"),
        (doubling(14), "result must be at most 65536 bytes"),
        (Endless(), "result must be at most 65536 bytes"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, str) else "",
)
def test_what_breaks_a_rule_is_refused_by_its_name(found: Any, message: str) -> None:
    with pytest.raises(ResultError, match=message):
        typed(found)


def test_sixteen_levels_and_almost_64_kb_are_stored() -> None:
    assert typed({"a": levels(15)})
    assert typed({"a": "x" * (MAX_BYTES - 5)})
    with pytest.raises(ResultError):
        typed({"a": "x" * (MAX_BYTES - 4)})


def test_a_message_quotes_at_most_a_hundred_characters() -> None:
    with pytest.raises(ResultError) as caught:
        typed({"a" * 5000: math.nan})
    assert len(str(caught.value)) < 200
