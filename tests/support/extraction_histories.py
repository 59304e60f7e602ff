"""Random histories whose files are extracted meanwhile, as the table's stream asks for it.

Its records come once or several times, in any order, in the middle of a notification's handling,
and while the key changes. In the end each has come, and what is in a row is of its version.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from support.extractor_env import Extracting
from support.histories import Histories, Record, do, keys, picks

POISON = 13
"""Bytes of a file that no extractor can read."""


def facts(version: str | None, content: bytes) -> dict[str, str]:
    """What an extractor finds."""
    if len(content) == POISON:
        raise ValueError("poison")
    return {"version": str(version), "sha256": sha256(content).hexdigest()}


class ExtractionHistories(Histories):
    """One history; ``extracting`` is set by the test too."""

    extracting: ClassVar[Extracting]

    @initialize()
    def start(self) -> None:
        super().start()
        self.extracting.stream.pending()  # those of the history before
        self.asked: list[Record] = []
        self.before_file: list[Callable[[], None]] = []
        self.after_file: list[Callable[[], None]] = []

    # What happens to the rows

    @rule(which=picks, again=st.booleans())
    def extract(self, which: int, *, again: bool) -> None:
        self._extract(which, again=again)

    @precondition(lambda self: self.waiting)
    @rule()
    def catch_up(self) -> None:
        """Handle all notifications, so that there are rows to extract."""
        while self.waiting:
            self._deliver(0)

    @rule(
        which=picks,
        key=keys,
        kind=st.sampled_from(["put", "delete", "expire", "ask", "damage"]),
        pick=picks,
        others=st.lists(picks, max_size=3),
        early=st.booleans(),
    )
    def extract_across_a_change(
        self, which: int, key: str, kind: str, pick: int, others: list[int], *, early: bool
    ) -> None:
        """Before a file is read, or between that and the write, its key changes, and its row."""
        if not self._poll():
            self.put(key, pick, 0, 1)
            self.catch_up()
            self._poll()
        record = self.asked[which % len(self.asked)]
        key = record["dynamodb"]["Keys"]["file_key"]["S"].removeprefix(self.prefix)
        around = self.before_file if early else self.after_file
        around[:] = [
            lambda: self._change(key, kind, pick, 0),
            *(lambda of=of: self._deliver(of) for of in others),
        ]
        self._extract(which)
        around.clear()

    def _change(self, key: str, kind: str, pick: int, at: int) -> None:
        if kind == "ask":
            self.ask_again(key)
        elif kind == "damage":
            self.damage(key)
        else:
            super()._change(key, kind, pick, at)

    @rule(which=picks, first=picks, early=st.booleans())
    def deliver_across_an_extraction(self, which: int, first: int, *, early: bool) -> None:
        """Around a notification's read of S3 a file is extracted."""
        around = self.watched.before if early else self.watched.after
        around[:] = [lambda: self._extract(first)]
        self._deliver(which)
        around.clear()

    @rule(key=keys)
    def ask_again(self, key: str) -> None:
        """Request what ``ops extract`` does."""
        self._rewrite(
            key,
            "SET extraction = :p, extracted_at = :now REMOVE extraction_error",
            {":p": {"S": "pending"}, ":now": {"S": datetime.now(UTC).isoformat()}},
        )

    @rule(key=keys)
    def damage(self, key: str) -> None:
        """Make a row one from before rows had a checksum, which a backfill adds."""
        self._rewrite(key, "REMOVE checksum", {})

    @rule(key=keys)
    def put_poison(self, key: str) -> None:
        self.put(key, POISON, 0, 1)

    # The end

    def teardown(self) -> None:
        super().teardown()
        while self._poll():
            self._extract(-1)  # the newest first: an older one must change nothing
        problems = {key: problem for key in sorted(self.touched) if (problem := self._wrong(key))}
        assert not problems, problems

    def _wrong(self, key: str) -> str | None:
        item = self.bench.item(self.prefix + key)
        state = {name: item[name] for name in item if name.startswith("extract")}
        if item.get("processing_status") != {"S": "completed"}:
            return f"a tombstone has {state}" if state else None
        version = item["version_id"]["S"]
        content = self.s3.get_object(
            Bucket=self.bench.bucket, Key=self.prefix + key, VersionId=version
        )["Body"].read()
        state.pop("extracted_at")
        if len(content) == POISON:
            expected: Any = {
                "extraction": {"S": "failed"},
                "extraction_error": {"S": "ValueError: poison"},
            }
        else:
            found = {name: {"S": text} for name, text in facts(version, content).items()}
            expected = {"extraction": {"S": "done"}, "extracted": {"M": found}}
        return None if state == expected else f"expected {expected}, row {state}"

    # Steps

    def _facts(self, file: Any) -> Mapping[str, str]:
        do(self.before_file)
        content = file.open().read()
        do(self.after_file)
        return facts(file.version, content)

    def _poll(self) -> list[Record]:
        self.asked += self.extracting.stream.pending()
        return self.asked

    def _extract(self, which: int, *, again: bool = False) -> None:
        if not self._poll():
            return
        record = self.asked[which % len(self.asked)]
        if not again:
            self.asked.remove(record)
        self.extracting.extract(self._facts, record)

    def _rewrite(self, key: str, expression: str, values: dict[str, Any]) -> None:
        if self.bench.item(self.prefix + key).get("processing_status") == {"S": "completed"}:
            self.bench.cloud("dynamodb").update_item(
                TableName=self.bench.table,
                Key={"file_key": {"S": self.prefix + key}},
                UpdateExpression=expression,
                **({"ExpressionAttributeValues": values} if values else {}),
            )
