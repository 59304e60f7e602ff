"""Requests rows for objects from before the pipeline, or that it missed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from handler.attributes import COMPLETED
from ops import rows
from ops import state as state_files
from ops.bucket import Current, Scope, objects
from ops.recheck import Rechecks, RefusedError
from ops.state import Report

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

EVENT_NAME = "Backfill:Requested"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which objects to request."""

    bucket: str
    table: str
    prefix: str = ""
    since: str | None = None
    """Only objects that changed at this time or later, as given, such as ``36h``."""
    since_time: str | None = None
    """The same time in ISO 8601, computed when the backfill began."""
    everything: bool = False
    """Also objects that have a row."""


@dataclass(kw_only=True)
class State(state_files.State):
    """The progress of a backfill."""

    plan: Plan
    after: str = ""
    """The last key that is done."""
    listed: int = 0


def backfill(
    state: State,
    path: Path,
    s3: "S3Client",
    dynamodb: "DynamoDBClient",
    rechecks: Rechecks,
    *,
    scope: Scope,
    dry_run: bool,
    advance: Callable[[int], None],
) -> Report:
    """Request a re-check of objects, 100 at a time, in the order of their keys.

    The state is updated and saved after each hundred, so that a run that ended early can be
    continued. The next run may request some keys again, which changes nothing. At the end the
    state's file is removed. A dry run only counts.

    Stopping the requests' pace ends the run. ``advance`` is called with the number of objects
    listed since the last call.
    """
    plan = state.plan
    listed = objects(s3, plan.bucket, plan.prefix, state.after)
    try:
        while batch := list(islice(listed, rows.BATCH)):
            keys = _wanted(batch, plan, scope, dynamodb, rechecks.pace.stop)
            requested = len(keys) if dry_run else sum(rechecks.request(keys))
            if rechecks.pace.stop.is_set():
                return Report()
            state.after = batch[-1].key
            state.listed += len(batch)
            state.requested += requested
            if not dry_run:
                state_files.save(path, state)
            advance(len(batch))
    except (ClientError, BotoCoreError, RefusedError) as err:
        return Report(refused=str(err))
    if not dry_run:
        path.unlink(missing_ok=True)
    return Report(finished=True)


def _wanted(
    batch: list[Current],
    plan: Plan,
    scope: Scope,
    dynamodb: "DynamoDBClient",
    stop: threading.Event,
) -> list[str]:
    since = datetime.fromisoformat(plan.since_time) if plan.since_time else None
    keys = [
        current.key
        for current in batch
        if scope.has(current.key) and (since is None or current.changed >= since)
    ]
    if plan.everything or not keys:
        return keys
    known = rows.statuses(dynamodb, plan.table, keys, stop)
    return [key for key in keys if known.get(key) != COMPLETED]
