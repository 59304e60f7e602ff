"""Stores rows and listings in a temporary file, so that memory use does not grow with them."""

# Lambda's Python 3.14 has it: https://github.com/lambgeo/docker-lambda/issues/101. Without it each
# audit would fail at import. Lambda counts that as an error, which an alarm watches.
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from ops import rows
from ops.bucket import Current

MOST = 2**63
"""One more than SQLite's largest integer."""


@dataclass(frozen=True, slots=True)
class Row:
    """The attributes of a row that are compared with its object."""

    key: str
    status: str
    size: int | None
    etag: str | None
    version_id: str | None

    @classmethod
    def of(cls, row: rows.Row) -> "Row":
        """Take these attributes from a row; a value of another type counts as none."""
        return cls(
            str(row["file_key"]),
            str(row.get("processing_status", "")),
            size if isinstance(size := row.get("file_size"), int) and abs(size) < MOST else None,
            _text(row, "etag"),
            _text(row, "version_id"),
        )


def _text(row: rows.Row, name: str) -> str | None:
    return value if isinstance(value := row.get(name), str) else None


class Spill:
    """A file of rows, states of the bucket, and keys to be read once more."""

    def __init__(self, path: Path) -> None:
        """Make the file."""
        self._db = sqlite3.connect(path, isolation_level=None)
        # The file is deleted after this run, so it need not survive a crash.
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA temp_store = FILE")
        self._db.execute("CREATE TABLE rows (key BLOB, status, size, etag, version)")
        self._db.execute("CREATE TABLE states (key BLOB, changed, size, etag, version)")
        self._db.execute("CREATE TABLE undated (key BLOB)")

    def add(self, page: list[Row]) -> None:
        """Store some rows."""
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?)",
            [(row.key.encode(), row.status, row.size, row.etag, row.version_id) for row in page],
        )
        self._db.execute("COMMIT")

    def sorted(self) -> Iterator[Row]:
        """Return all rows, in the order of their keys' bytes."""
        for key, *rest in self._db.execute("SELECT * FROM rows ORDER BY key"):
            yield Row(key.decode(), *rest)

    def add_states(self, page: list[Current]) -> None:
        """Store some of the bucket's states, which come in the order of their keys."""
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT INTO states VALUES (?, ?, ?, ?, ?)",
            [
                (one.key.encode(), one.changed.timestamp(), one.size, one.etag, one.version_id)
                for one in page
            ],
        )
        self._db.execute("COMMIT")

    def states(self) -> Iterator[Current]:
        """Return the states in that order."""
        for key, changed, *rest in self._db.execute("SELECT * FROM states ORDER BY rowid"):
            yield Current(key.decode(), datetime.fromtimestamp(changed, UTC), *rest)

    def add_undated(self, key: str) -> None:
        """Store a key that changed at an unknown time."""
        self._db.execute("INSERT INTO undated VALUES (?)", (key.encode(),))

    def undated(self) -> Iterator[str]:
        """Return the keys that changed at an unknown time."""
        for (key,) in self._db.execute("SELECT key FROM undated"):
            yield key.decode()

    def close(self) -> None:
        """Close the file."""
        self._db.close()


@contextmanager
def spill() -> Iterator[Spill]:
    """Open a temporary file, and delete it afterwards."""
    with (
        TemporaryDirectory(prefix="file-metadata-verify-") as folder,
        closing(Spill(Path(folder) / "rows.sqlite")) as kept,
    ):
        yield kept
