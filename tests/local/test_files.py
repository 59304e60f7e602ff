"""Which files the demo takes, and what it says of those it cannot."""

from pathlib import Path

import pytest

from local.files import FilesError, collect


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name in ("b.csv", "a/2.txt", "a/1.txt", "a/.hidden", "a/__pycache__/x.pyc", ".git/config"):
        path = tmp_path / "base" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "base"


def keys(names: list[str], base: Path) -> list[str]:
    return [file.key for file in collect(names, base)]


def test_a_folder_is_walked_in_order_without_hidden_files_and_caches(base: Path) -> None:
    assert keys(["."], base) == ["a/1.txt", "a/2.txt", "b.csv"]


def test_a_hidden_file_is_taken_when_it_is_named(base: Path) -> None:
    assert keys(["a/.hidden"], base) == ["a/.hidden"]


def test_a_file_named_twice_is_taken_once(base: Path) -> None:
    assert keys(["b.csv", "./b.csv", "."], base) == ["b.csv", "a/1.txt", "a/2.txt"]


def test_a_file_from_elsewhere_goes_by_its_own_name(base: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("x")
    assert keys(["../outside.txt"], base) == ["outside.txt"]


def test_a_folder_from_elsewhere_goes_by_its_own_name(base: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/x.txt").write_text("x")
    assert keys([str(tmp_path / "other")], base) == ["other/x.txt"]


def test_a_folder_without_files_is_named(base: Path) -> None:
    (base / "empty").mkdir()
    with pytest.raises(FilesError, match="no files in folder: 'empty'"):
        collect(["empty"], base)


def test_two_files_cannot_have_one_key(base: Path, tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("another")
    with pytest.raises(FilesError, match="key must be of one file"):
        collect(["b.csv", "../b.csv"], base)


def test_a_key_is_at_most_as_long_as_s3_takes(base: Path) -> None:
    deep = Path(*["d" * 200] * 5)
    (base / deep).mkdir(parents=True)
    (base / deep / ("f" * 19)).write_text("fits")
    assert len(keys([str(deep)], base)[0]) == 1024
    (base / deep / ("f" * 20)).write_text("one too long")
    with pytest.raises(FilesError, match="key must be at most 1024 bytes"):
        collect([str(deep)], base)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("b.csv", "text/csv"), ("x.png", "image/png"), ("x", "application/octet-stream")],
)
def test_the_content_type_follows_the_name(base: Path, name: str, expected: str) -> None:
    (base / name).write_text("")
    assert collect([name], base)[0].content_type == expected
