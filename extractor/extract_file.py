"""The extractor's entry point: extracts versions of objects, and writes the results to their rows.

The table's stream sends the rows whose ``extraction`` is pending.
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

import logging
import os
from collections import Counter
from copy import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import s3
import stream
import user_code
from attributes import FAILED
from dynamodb import tables
from extractions import Extractions
from stream import Version
from tally import Tally
from user_code import Failure


def _own_log(root: logging.Logger) -> logging.Logger:
    """Copy the runtime's logging setup, so that the user's code cannot change it.

    The metrics, and so the alarms, come from this log.
    """
    log = logging.Logger(__name__, root.level)
    log.manager = logging.Manager(log)  # type: ignore[arg-type] # not logging.disable's
    log.handlers = [copy(handler) for handler in root.handlers]
    return log


LOG = _own_log(logging.getLogger())
REGION = os.environ["AWS_REGION"]
ACCOUNT = os.environ["DYNAMODB_TABLE_ARN"].split(":")[4]
OWNER = os.environ.get("S3_BUCKET_ACCOUNT_ID", ACCOUNT)
EXTRACTIONS = Extractions(
    s3=s3.bucket(os.environ["S3_BUCKET_NAME"], OWNER, REGION),
    dynamodb=tables(REGION),
    table=os.environ["DYNAMODB_TABLE_NAME"],
    # Loaded last, so that no module of the user replaces one of the function's own.
    extract=user_code.load(Path(__file__).parent / "user"),
)
for service in (EXTRACTIONS.s3.service, EXTRACTIONS.dynamodb.service):
    # Connect now: Lambda gives a container more CPU while it initialises than in its first event.
    service.host.open()
TALLY = Tally(LOG)
ERROR, NOT_PENDING = "error", "not pending"


def lambda_handler(event: object, _context: object) -> dict[str, int]:
    """Extract the files whose rows are pending in an event's records.

    Returns:
        The number of records for each outcome.

    Raises:
        stream.RecordError: the event's format is unknown.
        ExceptionGroup: S3 or DynamoDB failed, or a record is invalid. Lambda then retries.
    """
    results = [_try(record) for record in stream.records(event)]
    if failures := [result for result in results if isinstance(result, Exception)]:
        raise ExceptionGroup(f"{len(failures)} of {len(results)} records failed", failures)
    return dict(Counter(map(str, results)))


def _try(record: object) -> str | Exception:
    try:
        version = stream.pending(record)
        if version is None:
            return NOT_PENDING
        result = EXTRACTIONS.update(version)
    except Exception as err:  # one record's failure must not stop the others
        fields = {"file_key": stream.label(record), "outcome": ERROR, "count": 1}
        LOG.exception(ERROR, extra=fields)
        return err.with_traceback(None)
    return _log(version, result)


def _log(version: Version, result: str | Failure) -> str:
    """Log a record's outcome; at log level WARNING count it, unless it is a failure."""
    outcome = FAILED if isinstance(result, Failure) else result
    lag_ms = (datetime.now(UTC) - version.asked_at) // timedelta(milliseconds=1)
    fields = {"file_key": version.key, "outcome": outcome, "count": 1, "lag_ms": lag_ms}
    if isinstance(result, Failure):
        failure = {"extraction_error": result.error, "trace": result.trace}
        LOG.warning(outcome, extra=fields | failure)
    elif LOG.isEnabledFor(logging.INFO):
        LOG.info(outcome, extra=fields)
    else:
        TALLY.add(outcome, lag_ms)
    return outcome
