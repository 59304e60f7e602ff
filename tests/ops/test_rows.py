"""``ops get`` and ``ops list``: rows as they are, for people and for machines."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from attributes import EXTRACTION_ATTRIBUTES
from ops.commands.rows import ATTRIBUTES
from support.journeys import Deployed
from support.tool import of, ops

HOSTILE = 'a\n"b",=1+1\x1b[31m'
FORMULAS = [f"{first}1+1" for first in "=+-@\t\r\n\0＝＋－＠"]  # noqa: RUF001 - on purpose


@pytest.fixture(scope="module")
def stack(deploy: Callable[..., Deployed]) -> Deployed:
    """A stack with rows of several days, and one row that the function wrote itself."""
    deployed = deploy(environmentSuffix="rows")
    for number in range(30):
        row = {
            "file_key": {"S": f"day/{number:02}"},
            "processing_status": {"S": "deleted" if number % 3 == 0 else "completed"},
            "file_size": {"N": str(number)},
            "processed_at": {"S": f"2026-03-{number + 1:02}T12:00:00.000000Z"},
        }
        deployed.client("dynamodb").put_item(TableName=deployed.table, Item=row)
    deployed.completed(HOSTILE, deployed.put(HOSTILE, b"12345", Metadata={"owner": "=1+1"}))
    return deployed


def listed(stack: Deployed, *options: str) -> list[dict[str, Any]]:
    output = ops("list", *of(stack), "--json", *options).stdout
    return [json.loads(line) for line in output.splitlines()]


def test_a_row_is_shown_whole(stack: Deployed) -> None:
    assert json.loads(ops("get", *of(stack), "--json", HOSTILE).stdout) == stack.row(HOSTILE)


def test_a_row_is_shown_to_people_with_every_attribute(stack: Deployed) -> None:
    row = stack.row(HOSTILE)
    assert row is not None
    output = ops("get", *of(stack), HOSTILE).output
    assert {line.split()[0] for line in output.splitlines()} == set(row)


@pytest.mark.parametrize("command", [["get", HOSTILE], ["list", "--prefix", HOSTILE[:1]]])
def test_a_key_breaks_out_of_no_line_on_a_terminal(stack: Deployed, command: list[str]) -> None:
    name, *rest = command
    output = ops(name, *of(stack), *rest).output
    assert "\x1b" not in output
    assert r"a\n" in output


def test_a_key_without_a_row_is_a_finding(stack: Deployed) -> None:
    result = ops("get", *of(stack), "no such key", exits=1)
    assert "no row for 'no such key'" in result.output


def test_no_value_is_cut_off(stack: Deployed) -> None:
    long = "long/" + "x" * 90
    stack.completed(long, stack.put(long))
    output = ops("list", *of(stack), "--prefix", "long/").output
    assert long in output
    assert "…" not in output
    stack.client("dynamodb").delete_item(TableName=stack.table, Key={"file_key": {"S": long}})


def test_without_a_limit_all_rows_are_listed_once(stack: Deployed) -> None:
    keys = [row["file_key"] for row in listed(stack, "--limit", "0")]
    assert sorted(keys) == sorted([HOSTILE, *(f"day/{n:02}" for n in range(30))])


def test_a_limit_is_kept(stack: Deployed) -> None:
    assert len(listed(stack, "--limit", "7")) == 7
    assert "7 rows, --limit 7 reached" in ops("list", *of(stack), "--limit", "7").output
    for form in ("--csv", "--json"):
        assert ops("list", *of(stack), "--limit", "7", form).stderr == "--limit 7 reached\n"
        assert ops("list", *of(stack), "--limit", "0", form).stderr == ""


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (["--status", "deleted"], range(0, 30, 3)),
        (["--since", "2026-03-28"], [27, 28, 29]),
        (["--since", "2026-03-28T13:00:00+01:00"], [27, 28, 29]),
        (["--since", "2026-03-28T12:00:01Z"], [28, 29]),
        (["--prefix", "day/0", "--status", "completed"], [1, 2, 4, 5, 7, 8]),
    ],
)
def test_rows_are_chosen(stack: Deployed, options: list[str], numbers: Any) -> None:
    rows = listed(stack, *options)
    assert sorted(row["file_key"] for row in rows if row["file_key"] != HOSTILE) == [
        f"day/{number:02}" for number in numbers
    ]


def test_csv_has_every_attribute_of_every_row(stack: Deployed) -> None:
    output = ops("list", *of(stack), "--csv", "--limit", "0").stdout
    table = list(csv.DictReader(io.StringIO(output)))
    assert len(table) == 31
    [mine] = [line for line in table if line["file_key"] == HOSTILE]
    row = stack.row(HOSTILE)
    assert row is not None
    assert {name: value for name, value in mine.items() if value} == {
        name: json.dumps(value) if name == "metadata" else str(value) for name, value in row.items()
    }


@pytest.fixture
def formulas(stack: Deployed) -> Iterator[None]:
    """Rows with keys that a spreadsheet would run."""
    for key in FORMULAS:
        item = {"file_key": {"S": key}, "file_size": {"N": "7"}, "etag": {"S": "a=1"}}
        stack.client("dynamodb").put_item(TableName=stack.table, Item=item)
    yield
    for key in FORMULAS:
        stack.client("dynamodb").delete_item(TableName=stack.table, Key={"file_key": {"S": key}})


@pytest.mark.usefixtures("formulas")
def test_no_cell_of_csv_runs_in_a_spreadsheet(stack: Deployed) -> None:
    """Whatever separates cells where it is opened: all of them are quoted.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    output = ops("list", *of(stack), "--csv", "--limit", "0").stdout_bytes.decode()
    table = list(csv.DictReader(io.StringIO(output, newline="")))
    mine = [line for line in table if line["etag"] == "a=1"]
    assert sorted(line["file_key"] for line in mine) == sorted(f"'{key}" for key in FORMULAS)
    assert {line["file_size"] for line in mine} == {"7"}
    assert output.startswith('"file_key","bucket_name",')
    assert f'"\'{FORMULAS[0]}",' in output


@pytest.mark.usefixtures("formulas")
def test_json_has_every_key_as_it_is(stack: Deployed) -> None:
    assert set(FORMULAS) <= {row["file_key"] for row in listed(stack, "--limit", "0")}


def test_csv_knows_every_attribute_that_the_function_writes(stack: Deployed) -> None:
    stack.put("to be deleted")
    stack.delete("to be deleted")
    tombstone = stack.deleted("to be deleted")
    row = stack.row(HOSTILE)
    assert row is not None
    only_sometimes = {"unordered_until", *EXTRACTION_ATTRIBUTES}
    assert row.keys() | tombstone.keys() | only_sometimes == set(ATTRIBUTES)
    stack.client("dynamodb").delete_item(
        TableName=stack.table, Key={"file_key": {"S": "to be deleted"}}
    )


def test_two_forms_at_once_are_wrong_usage(stack: Deployed) -> None:
    result = ops("list", *of(stack), "--csv", "--json", exits=2)
    assert "must not be given together" in result.output


def test_an_empty_key_is_wrong_usage() -> None:
    assert "KEY must not be empty" in ops("get", "", "--table", "t", exits=2).output
