"""The archive holds the handler's code and nothing else, and depends on nothing else."""

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pulumi
import pytest

from local.inputs import UnknownPropertyError
from local.rules.compute import zip_archive
from pipeline.package import HANDLER_FOLDER, extractor_archive, handler_archive
from support.recorder import ROOT

ContentHash = Callable[[pulumi.AssetArchive], str]
LONG_AGO = 1_000_000_000


def texts_hash(archive: pulumi.AssetArchive) -> str:
    """Hash of the names and texts in the order in which the program hands them over."""
    texts = [(name, asset.text) for name, asset in archive.assets.items()]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def zip_hash(archive: pulumi.AssetArchive) -> str:
    return hashlib.sha256(zip_archive(archive)).hexdigest()


HASHES = pytest.mark.parametrize("content_hash", [texts_hash, zip_hash])


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}\n", encoding="utf-8")
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The handler elsewhere: other path, times, modes and line ends, and bytecode beside."""
    copy = tmp_path / "elsewhere" / "handler"
    shutil.copytree(HANDLER_FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in copy.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        path.chmod(0o600)
        os.utime(path, (LONG_AGO, LONG_AGO))
    return write(copy, "__pycache__/process_file.cpython-314.pyc", "notes.txt")


def test_the_program_packs_the_handler_folder() -> None:
    folder = ROOT / "handler"
    code = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*.py")
    }
    packed = {name: asset.text for name, asset in handler_archive().assets.items()}
    assert packed == code


def test_only_python_files_are_packed(tmp_path: Path) -> None:
    write(tmp_path, "module.py", "deep/down/module.py")
    write(
        tmp_path,
        "__pycache__/module.cpython-314.pyc",
        "module.pyc",
        "module.pyi",
        "notes.txt",
        "data.json",
        ".env",
        "module.py.orig",
        "py",
    )
    assert set(handler_archive(tmp_path).assets) == {"module.py", "deep/down/module.py"}


def test_the_files_are_in_order(tmp_path: Path) -> None:
    """Written last to first and first to last in turn, so that no folder keeps them sorted."""
    names = [f"module_{number:02}.py" for number in range(40)]
    write(tmp_path, *names[1::2], *reversed(names[::2]))
    assert list(handler_archive(tmp_path).assets) == names


@HASHES
def test_another_checkout_has_the_same_hash(checkout: Path, content_hash: ContentHash) -> None:
    assert content_hash(handler_archive(checkout)) == content_hash(handler_archive())


@HASHES
def test_a_changed_byte_changes_the_hash(checkout: Path, content_hash: ContentHash) -> None:
    with (checkout / "process_file.py").open("a", encoding="utf-8") as code:
        code.write("#")
    assert content_hash(handler_archive(checkout)) != content_hash(handler_archive())


@HASHES
def test_another_file_s_name_changes_the_hash(checkout: Path, content_hash: ContentHash) -> None:
    (checkout / "events.py").rename(checkout / "event.py")
    assert content_hash(handler_archive(checkout)) != content_hash(handler_archive())


def test_the_packed_archive_holds_no_time_of_day() -> None:
    """1980 is the zip format's first year, and what a file has that was given none."""
    with zipfile.ZipFile(io.BytesIO(zip_archive(handler_archive()))) as packed:
        assert {entry.date_time for entry in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_letters_beyond_ascii_are_packed_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_bytes("# Übergröße 📦\n".encode())
    assert handler_archive(tmp_path).assets["module.py"].text == "# Übergröße 📦\n"


def names_in(archive: pulumi.AssetArchive) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(zip_archive(archive))) as packed:
        return set(packed.namelist())


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """An extractor with a library, data, and what is nobody's business."""
    nobodys = (".env", "__pycache__/extract.cpython-314.pyc", ".git/config")
    return write(tmp_path, "extract.py", "lib/deep/module.py", "model.bin", *nobodys)


def test_the_extractor_s_archive_has_all_that_its_parts_have(users: Path) -> None:
    ours = {
        path.relative_to(ROOT / folder).as_posix()
        for folder in ("handler", "extractor")
        for path in (ROOT / folder).rglob("*.py")
    }
    theirs = {"user/extract.py", "user/lib/deep/module.py", "user/model.bin"}
    assert names_in(extractor_archive(str(users))) == ours | theirs


def test_an_archive_of_the_user_s_becomes_the_same(users: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    write(folder, "extract.py", "lib/module.py")
    of_folder = names_in(extractor_archive(str(folder)))
    zipped = shutil.make_archive(str(tmp_path / "zipped"), "zip", folder)
    with zipfile.ZipFile(zipped) as packed:
        folders = {f"user/{name}" for name in packed.namelist() if name.endswith("/")}
    assets = {name: pulumi.StringAsset("") for name in ("extract.py", "lib/module.py")}
    assert names_in(extractor_archive(pulumi.AssetArchive(assets))) == of_folder
    assert names_in(extractor_archive(pulumi.FileArchive(str(folder)))) == of_folder
    assert names_in(extractor_archive(pulumi.FileArchive(zipped))) == of_folder | folders


def test_the_local_engine_fetches_nothing() -> None:
    elsewhere = extractor_archive(pulumi.RemoteArchive("https://example.com/extractor.zip"))
    with pytest.raises(UnknownPropertyError, match="'user' must be on this machine"):
        zip_archive(elsewhere)


def test_a_changed_byte_of_the_user_s_changes_the_hash(users: Path) -> None:
    before = zip_hash(extractor_archive(str(users)))
    (users / "model.bin").write_bytes(b"\xff")
    assert zip_hash(extractor_archive(str(users))) != before


@pytest.mark.parametrize("others", [(), ("notes.txt",)], ids=["missing", "without code"])
def test_a_folder_without_code_is_an_error(tmp_path: Path, others: tuple[str, ...]) -> None:
    folder = write(tmp_path / "handler", *others)
    with pytest.raises(FileNotFoundError) as caught:
        handler_archive(folder)
    assert str(caught.value) == f"handler folder must hold Python files, got none in {folder}"
