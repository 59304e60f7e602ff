"""The extractor of the tests, in a folder of its own: a file's first word says what it does."""

import atexit
import shutil
import tempfile
from pathlib import Path

CODE = """
import time
from pathlib import Path


def extract(file):
    with file.open() as stream:
        word, _, rest = stream.readline().decode().partition(" ")
    if word == "poison":
        raise ValueError(f"poisoned {rest}")
    if word == "hold":
        # Says that it has begun, and waits to be let go.
        Path(rest, "begun").touch()
        while not Path(rest, "go").exists():
            time.sleep(0.01)
    if word == "endless":
        time.sleep(3600)
    return {"word": word, "size": file.size, "version": file.version}
"""
FOLDER = Path(tempfile.mkdtemp(prefix="extractor-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


def _folder(name: str, more: str = "") -> str:
    folder = FOLDER / name
    folder.mkdir()
    (folder / "extract.py").write_text(CODE + more, encoding="utf-8")
    return str(folder)


EXTRACTOR = _folder("one")
ANOTHER_EXTRACTOR = _folder("another", "# Another.\n")
