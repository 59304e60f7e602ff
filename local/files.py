"""Finds the files that the demo uploads, and their keys."""

import mimetypes
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_KEY_BYTES = 1024  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html


class FilesError(ValueError):
    """A file cannot be uploaded."""


@dataclass(frozen=True)
class LocalFile:
    """A file and the object that it becomes."""

    path: Path
    key: str

    @property
    def content_type(self) -> str:
        """The media type that its name suggests."""
        return mimetypes.guess_type(self.path.name)[0] or "application/octet-stream"


def collect(names: Sequence[str], base: Path) -> list[LocalFile]:
    """Find the files, also in folders; hidden files and caches in folders are left out.

    Args:
        names: files and folders, absolute or relative to ``base``.
        base: the folder that keys are relative to. If a name is outside it, its keys are
            relative to the name's parent folder.

    Raises:
        FilesError: a file is missing or cannot be read, a folder is empty, two files have the
            same key, or a key is too long.
    """
    found: dict[str, LocalFile] = {}
    for name in names:
        try:
            inside = list(_walk(name, base.resolve()))
        except (OSError, RuntimeError) as err:
            raise FilesError(f"cannot read {name!r}: {err}") from err
        for file in inside:
            try:
                size = len(file.key.encode())
            except UnicodeEncodeError as err:
                raise FilesError(f"key must be UTF-8, got {file.key!r}") from err
            if size > MAX_KEY_BYTES:
                raise FilesError(f"key must be at most {MAX_KEY_BYTES} bytes, got {file.key!r}")
            other = found.setdefault(file.key, file)
            if other.path != file.path:
                raise FilesError(f"key must be of one file, got {other.path} and {file.path}")
    return list(found.values())


def _walk(name: str, base: Path) -> Iterator[LocalFile]:
    path = (base / name).resolve()
    if path.is_dir():
        inside = [file for file in sorted(path.rglob("*")) if _is_content(file, path)]
        if not inside:
            raise FilesError(f"no files in folder: {name!r}")
    elif path.is_file():
        inside = [path]
    else:
        raise FilesError(f"no such file: {name!r}")
    root = base if path.is_relative_to(base) else path.parent
    for file in inside:
        if not os.access(file, os.R_OK):
            raise FilesError(f"cannot read file: {str(file)!r}; check its permissions")
        yield LocalFile(file, file.relative_to(root).as_posix())


def _is_content(file: Path, folder: Path) -> bool:
    parts = file.relative_to(folder).parts
    hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
    return file.is_file() and not hidden
