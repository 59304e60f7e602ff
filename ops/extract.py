"""Requests that files are extracted again: it makes rows ``pending``, which the stream reports."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from handler.attributes import COMPLETED, PENDING
from ops import rows
from ops import state as state_files
from ops.clients import READS_AT_ONCE
from ops.pace import Pace

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient

NO_EXTRACTION = "not asked for"
"""Shown for rows from before the extractor."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which rows to extract again."""

    table: str
    prefix: str = ""
    statuses: list[str]
    """Values of ``extraction``. A completed row without one counts as ``pending``."""


@dataclass(kw_only=True)
class State(state_files.State):
    """The progress of a run."""

    plan: Plan
    start: str
    """When the first run began, in the rows' format. Rows extracted or requested since are done."""


@dataclass
class Report(state_files.Report):
    """How a run ended."""

    superseded: int = 0
    """Rows that changed between the read and the request, and so were skipped."""


class ExtractionCounts:
    """Counts the completed rows of a stack with an extractor by ``extraction``."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._oldest = ""

    def count(self, found: list[rows.Row]) -> None:
        """Count some rows."""
        for row in found:
            if row.get("processing_status") != COMPLETED:
                continue
            extraction = row.get("extraction", NO_EXTRACTION)
            self._counts[extraction] += 1
            if extraction == PENDING:
                since = str(row.get("extracted_at") or row.get("processed_at"))
                self._oldest = min(self._oldest or since, since)

    def facts(self) -> dict[str, Any] | None:
        """The counts, and the oldest pending row's time; None if no row read has an extraction."""
        if not self._counts.keys() - {NO_EXTRACTION}:
            return None
        return {"counts": dict(sorted(self._counts.items())), "oldestPending": self._oldest or None}


def check(functions: "LambdaClient", function: str) -> str:
    """Check that the stack has an extractor.

    Returns:
        The time in the format of rows, by AWS's clock, which also gives the rows' times.

    Raises:
        click.ClickException: it has none, or the function's environment cannot be read.
    """
    found = functions.get_function_configuration(FunctionName=function)
    environment = found.get("Environment", {})
    if error := environment.get("Error"):
        raise click.ClickException(
            f"cannot read the environment of function {function!r}, which says whether there is an"
            f" extractor: {error.get('Message')} (you need kms:Decrypt)"
        )
    if "EXTRACTION" not in environment.get("Variables", {}):
        raise click.ClickException(
            f"function {function!r} has no extractor: set `extractor` and run `pulumi up`"
        )
    return rows.written(parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"]))


def extract(
    state: State,
    path: Path,
    dynamodb: "DynamoDBClient",
    pace: Pace,
    advance: Callable[[int], None],
) -> Report:
    """Make rows ``pending`` again, so that the table's stream sends them to the extractor.

    A run that continues reads the whole table again, and skips rows that were requested or
    extracted since the first run began. The state is updated and saved after each page of rows; at
    the end its file is removed.

    Stopping the pace ends the run. ``advance`` is called with the number of rows requested since
    the last call.
    """
    report = Report()
    state_files.save(path, state)

    def paced(page: list[rows.Row]) -> Iterator[rows.Row]:
        for row in page:
            if not pace.wait():
                return
            yield row

    pages = rows.pages(dynamodb, state.plan.table, _query(state), pace.stop)
    try:
        with ThreadPoolExecutor(READS_AT_ONCE) as pool:
            for page in pages:
                asked = list(pool.map(lambda row: _ask(dynamodb, state, row), paced(page)))
                state.requested += sum(asked)
                report.superseded += len(asked) - sum(asked)
                state_files.save(path, state)
                advance(sum(asked))
    except (ClientError, BotoCoreError) as err:
        report.refused = str(err)
        return report
    if not pace.stop.is_set():
        report.finished = True
        path.unlink(missing_ok=True)
    return report


def _query(state: State) -> dict[str, Any]:
    plan = state.plan
    values = {":completed": COMPLETED}
    values |= {f":status{number}": status for number, status in enumerate(plan.statuses)}
    wanted = [f"extraction = {name}" for name in values if name.startswith(":status")]
    if PENDING in plan.statuses:
        wanted.append("attribute_not_exists(extraction)")
    tests = ["processing_status = :completed", f"({' OR '.join(wanted)})"]
    if plan.prefix:
        tests.append("begins_with(file_key, :prefix)")
        values[":prefix"] = plan.prefix
    if state.resumed:
        tests.append("(attribute_not_exists(extracted_at) OR extracted_at < :start)")
        values[":start"] = state.start
    return {
        "FilterExpression": " AND ".join(tests),
        "ExpressionAttributeValues": {name: {"S": value} for name, value in values.items()},
        "ProjectionExpression": "file_key, version_id, etag, extraction",
    }


def _ask(dynamodb: "DynamoDBClient", state: State, row: rows.Row) -> bool:
    """Make one row pending; False if it has changed since it was read.

    A write that changes nothing makes no stream record, so ``extracted_at`` always changes:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
    """
    values: dict[str, str] = {
        ":completed": COMPLETED,
        ":pending": PENDING,
        # This machine's clock may be behind AWS's.
        ":now": max(state.start, rows.written(datetime.now(UTC))),
        ":version": row.get("version_id", ""),
        ":etag": row.get("etag", ""),
    }
    as_read = "attribute_not_exists(extraction)"
    if before := row.get("extraction"):
        values |= {":before": before}
        as_read = "extraction = :before"
    try:
        dynamodb.update_item(
            TableName=state.plan.table,
            Key={"file_key": {"S": row["file_key"]}},
            UpdateExpression="SET extraction = :pending, extracted_at = :now"
            " REMOVE extraction_error",
            ConditionExpression="processing_status = :completed AND version_id = :version"
            f" AND etag = :etag AND {as_read}",
            ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True
