"""Which files the demo takes, and what it says of those it cannot."""

from pathlib import Path

import pytest

from local.files import FilesError, collect


@pytest.fixture
def base(tmp_path: Path) -> Path:
    inside = ("b.csv", "a/2.txt", "a/1.txt", "a/.hidden", "a/__pycache__/x.pyc", ".git/config")
    for name in (*inside, "../outside.txt", "../other/x.txt"):
        path = tmp_path / "base" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "base"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["."], ["a/1.txt", "a/2.txt", "b.csv"]),
        (["a/.hidden"], ["a/.hidden"]),
        (["b.csv", "./b.csv", "."], ["b.csv", "a/1.txt", "a/2.txt"]),
        (["../outside.txt"], ["outside.txt"]),
        (["{base}/../other"], ["other/x.txt"]),
    ],
    ids=["folder, in order", "hidden, named", "named twice", "file elsewhere", "folder elsewhere"],
)
def test_a_file_s_key_is_its_path(base: Path, names: list[str], expected: list[str]) -> None:
    """Those from elsewhere go by their own names; hidden files and caches are left out."""
    found = collect([name.format(base=base) for name in names], base)
    assert [file.key for file in found] == expected


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
    assert len(collect([str(deep)], base)[0].key) == 1024
    (base / deep / ("f" * 20)).write_text("one too long")
    with pytest.raises(FilesError, match="key must be at most 1024 bytes"):
        collect([str(deep)], base)


def test_a_link_to_itself_is_no_file(base: Path) -> None:
    (base / "loop").symlink_to("loop")
    with pytest.raises(FilesError, match="'loop'"):
        collect(["loop"], base)


def test_a_key_must_be_utf_8(base: Path) -> None:
    (base / "caf\udce9.txt").write_text("in Latin-1")
    with pytest.raises(FilesError, match=r"key must be UTF-8, got 'caf\\udce9\.txt'"):
        collect(["."], base)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("b.csv", "text/csv"), ("x.png", "image/png"), ("x", "application/octet-stream")],
)
def test_the_content_type_follows_the_name(base: Path, name: str, expected: str) -> None:
    (base / name).write_text("")
    assert collect([name], base)[0].content_type == expected
