"""A stack that Pulumi's engine keeps up, and the data in it."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from botocore.exceptions import ClientError
from pulumi import automation

from local.cloud import Cloud
from support.journeys import Deployed
from support.plugin_process import STACK_TYPE
from support.pulumi_command import configure

BUCKET, TABLE, QUEUE, KEY = (
    "aws:s3/bucket:Bucket",
    "aws:dynamodb/table:Table",
    "aws:sqs/queue:Queue",
    "aws:kms/key:Key",
)
HELD = "held.txt"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an update made of the stack's resources, by type; all others stay or change in place."""

    made: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()

    @classmethod
    def between(cls, before: Mapping[str, Any], after: Mapping[str, Any]) -> Self:
        """Compare two states: identifier and type by URN."""
        return cls(
            made=frozenset(after[urn][1] for urn in after.keys() - before.keys()),
            gone=frozenset(before[urn][1] for urn in before.keys() - after.keys()),
            replaced=frozenset(
                before[urn][1] for urn in before.keys() & after.keys() if before[urn] != after[urn]
            ),
        )


@dataclass
class LiveStack:
    """A running stack."""

    stack: automation.Stack
    cloud: Cloud
    config: dict[str, str] = field(default_factory=dict)
    """What was configured for it, empty where nothing was."""
    outputs: dict[str, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    """Every KMS key that it ever had: what was written under one needs it for good."""
    _held: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    _resources: dict[str, tuple[str, str]] = field(default_factory=dict)
    """As the last update left them: identifier and type by URN."""

    def up(self) -> Outcome:
        """Update it without a preview, and say what became of its resources.

        Raises:
            automation.CommandError: Pulumi refused, maybe in the middle.
        """
        workspace = self.stack.workspace
        # `stack.up` asks for outputs and history as well, which takes as long again.
        workspace.pulumi_command.run(
            ["up", "--yes", "--skip-preview", "--stack", self.stack.name],
            workspace.work_dir,
            {"PULUMI_HOME": str(workspace.pulumi_home), **workspace.env_vars},
        )
        before = self._resources
        state = self.stack.export_stack().deployment["resources"]
        [self.outputs] = [one["outputs"] for one in state if one["type"] == STACK_TYPE]
        self._resources = {one["urn"]: (one["id"], one["type"]) for one in state if one["custom"]}
        self.keys |= {made for made, token in self._resources.values() if token == KEY}
        return Outcome.between(before, self._resources)

    def configure(self, **config: str) -> None:
        """Set keys of its configuration; the next update heeds them."""
        configure(self.stack, **config)
        self.config |= config

    def works(self, key: str) -> None:
        """See a file get its row, and its result where there is an extractor."""
        deployed = Deployed(self.cloud, self.outputs)
        version = deployed.put(key)
        assert deployed.completed(key, version)["processing_status"] == "completed"
        if self.config.get("extractor"):
            row = deployed.row_once(key, lambda row: row.get("extraction") == "done")
            assert row["extracted"]["version"] == version

    def hold(self) -> None:
        """Put data into bucket, table and queue."""
        bucket, table, queue = (
            self.outputs[name] for name in ("S3BucketName", "DynamoDBTableName", "FailureQueueUrl")
        )
        self.cloud("s3").put_object(Bucket=bucket, Key=HELD, Body=b"held")
        row = {"file_key": {"S": "held row"}}
        self.cloud("dynamodb").put_item(TableName=table, Item=row)
        self.cloud("sqs").send_message(QueueUrl=queue, MessageBody="held")
        self._held = [
            (BUCKET, {"Bucket": bucket, "Key": HELD}),
            (TABLE, {"TableName": table, "Key": row}),
            (QUEUE, {"QueueUrl": queue, "AttributeNames": ["ApproximateNumberOfMessages"]}),
        ]

    def lost(self) -> set[str]:
        """The types whose data is no longer there."""
        held = [*self._held, *((KEY, {"KeyId": key}) for key in self.keys)]
        return {token for token, where in held if not self._has(token, where)}

    def _has(self, token: str, where: dict[str, Any]) -> bool:
        with contextlib.suppress(ClientError):
            if token == BUCKET:
                return bool(self.cloud("s3").get_object(**where)["Body"].read() == b"held")
            if token == TABLE:
                return "Item" in self.cloud("dynamodb").get_item(**where)
            if token == QUEUE:
                answer = self.cloud("sqs").get_queue_attributes(**where)
                return int(answer["Attributes"]["ApproximateNumberOfMessages"]) > 0
            state = self.cloud("kms").describe_key(**where)["KeyMetadata"]["KeyState"]
            return bool(state == "Enabled")
        return False
