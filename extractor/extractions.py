"""Extracts one version, and writes the result to the row if it still describes that version."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from attributes import COMPLETED, DONE, FAILED
from contents import NO_VERSION, ArchivedError, Contents, SupersededError
from dynamodb import ConditionalCheckFailedError, DynamoDB
from extraction import File
from result import Typed
from row import VERSION_ATTRIBUTES, iso
from s3 import S3
from stream import Version
from user_code import Extract, Failure, failure, run

SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Extractions:
    """The bucket to read, the extractor's code, and the table to write to."""

    s3: S3
    dynamodb: DynamoDB
    table: str
    extract: Extract

    def update(self, version: Version) -> str | Failure:
        """Extract a version, and write the result to its row.

        Returns:
            ``done``; the failure that was written to the row; or ``superseded`` if the row now
            describes another version, which has its own record in the stream.

        Raises:
            service.CallError: S3 or DynamoDB refused, or did not answer.
        """
        contents = Contents(self.s3, version)
        result = run(self.extract, _file(version, contents))
        if isinstance(contents.failure, SupersededError):
            return SUPERSEDED
        if isinstance(contents.failure, ArchivedError):
            # Each retry would fail as well, until somebody restores it.
            result = failure(contents.failure)
        elif contents.failure:
            # The extractor could not read the whole file, so its result does not count.
            raise contents.failure
        try:
            self.dynamodb.update_item(
                TableName=self.table, **_change(version, result, datetime.now(UTC))
            )
        except ConditionalCheckFailedError:
            return SUPERSEDED
        return result if isinstance(result, Failure) else DONE


def _file(version: Version, contents: Contents) -> File:
    return File(
        key=version.key,
        size=version.size,
        content_type=version.content_type,
        metadata=version.metadata,
        version=None if version.version_id == NO_VERSION else version.version_id,
        read=contents.read,
    )


def _change(version: Version, result: Typed | Failure, now: datetime) -> dict[str, Any]:
    """The parameters of ``UpdateItem``. The new row is not pending, so the filter skips it."""
    if isinstance(result, Failure):
        status, sets, removes = FAILED, "extraction_error", "extracted"
        value: dict[str, Any] = {"S": result.error}
    else:
        status, sets, removes = DONE, "extracted", "extraction_error"
        value = {"M": result}
    conditions = {"processing_status": COMPLETED} | {
        name: getattr(version, name) for name in VERSION_ATTRIBUTES
    }
    return {
        "Key": {"file_key": {"S": version.key}},
        "UpdateExpression": f"SET extraction = :status, {sets} = :value, extracted_at = :now"
        f" REMOVE {removes}",
        "ConditionExpression": " AND ".join(f"{name} = :{name}" for name in conditions),
        "ExpressionAttributeValues": {
            ":status": {"S": status},
            ":value": value,
            ":now": {"S": iso(now)},
            **{f":{name}": {"S": text} for name, text in conditions.items()},
        },
    }
