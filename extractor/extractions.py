"""Extract one version, and put the result into its row if the row still describes it."""

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
    """The bucket to read, the code that reads it, and the table to write to."""

    s3: S3
    dynamodb: DynamoDB
    table: str
    extract: Extract

    def update(self, version: Version) -> str | Failure:
        """Make the row of a version say what is inside it.

        Returns:
            ``done``; the failure that the row says now; or ``superseded`` where the row describes
            another version by now, which has a record of its own.

        Raises:
            service.CallError: S3 or DynamoDB refused, or did not answer.
        """
        contents = Contents(self.s3, version)
        result = run(self.extract, _file(version, contents))
        if isinstance(contents.failure, SupersededError):
            return SUPERSEDED
        if isinstance(contents.failure, ArchivedError):
            # As long as nobody restores it, each retry would fail as well.
            result = failure(contents.failure)
        elif contents.failure:
            # Whatever the extractor made of it, it did not have the whole file.
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
    """What ``UpdateItem`` is to do; what it sets is not pending, so the filter leaves it out."""
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
