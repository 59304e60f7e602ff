"""``python -m local`` as a user runs it, judged by its output and status."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest

from local import __main__ as local_demo
from local.files import collect
from support.recorder import ROOT

Done = subprocess.CompletedProcess
EXTRACTOR = str(ROOT / "examples/extractors/csv_columns")


def demo(*words: str, cwd: Path = ROOT, **environment: str) -> "Done[str]":
    """Run it to its end, in a process of its own."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def row_of(output: str, key: str) -> str:
    [line] = [line for line in output.splitlines() if line.strip().startswith(f"{key} ")]
    return line


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a run over the samples printed, with settings of the user's that must not matter."""
    hostile = {
        "AWS_PROFILE": "no-such-profile",
        "AWS_ENDPOINT_URL": "https://aws.invalid",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "TMPDIR": str(tmp_path_factory.mktemp("tmp")),
    }
    done = demo("-m", "local", **hostile)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_demo_shows_a_row_for_every_sample_and_deletes_one(samples: str) -> None:
    rows = [row_of(samples, file.key) for file in collect(["."], ROOT / "samples")]
    assert sum("completed" in row for row in rows) == len(rows) - 1
    assert sum("deleted" in row for row in rows) == 1


def test_the_overwritten_sample_has_its_new_size(samples: str) -> None:
    smallest = min(collect(["."], ROOT / "samples"), key=lambda file: file.path.stat().st_size)
    assert f"{smallest.path.stat().st_size * 2} bytes" in row_of(samples, smallest.key)


def test_the_stages_are_shown_with_their_seconds(samples: str) -> None:
    stages = re.findall(r"^(.+?) +\d+\.\d\d s$", samples, re.MULTILINE)
    assert len(stages) == 3


def test_output_that_is_no_terminal_is_plain_text(samples: str) -> None:
    assert "\x1b" not in samples
    assert "\r" not in samples


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What a run over a user's files in a followed bucket printed, as prod, and its picture.

    It is started in another folder.
    """
    folder = tmp_path_factory.mktemp("user")
    (folder / "mine" / "deep").mkdir(parents=True)
    (folder / "mine/deep/[red]x.txt").write_text("markup in a name")
    (folder / "mine/line\nbreak.txt").write_text("")
    (folder / "mine/zz.bin").write_bytes(b"\0" * 100_000)
    picture = folder / "demo.svg"
    settings = {"STACK": "prod", "SOURCE": "eventbridge", "PICTURE": str(picture)}
    done = demo("-m", "local", "mine", cwd=folder, TMPDIR=str(folder), **settings)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, picture


def test_files_and_folders_of_the_users_have_rows(mine: tuple[str, Path]) -> None:
    assert "text/plain" in row_of(mine[0], "mine/deep/[red]x.txt")
    assert "completed" in row_of(mine[0], r"mine/line\nbreak.txt")


def test_the_prod_stacks_configuration_runs_too(mine: tuple[str, Path]) -> None:
    assert "file-metadata-table-prod" in mine[0]


def test_a_followed_bucket_stays_its_owners(mine: tuple[str, Path]) -> None:
    assert re.search(r"S3BucketName +somebody-elses-files", mine[0])
    assert "the bucket's own notification configuration is as it was" in mine[0]


def test_a_demo_can_draw_what_it_shows(mine: tuple[str, Path]) -> None:
    drawn = ElementTree.parse(mine[1]).getroot()  # noqa: S314 - our own
    said = "".join(drawn.itertext()).replace("\xa0", " ")
    assert "all 3 rows agree with the bucket" in said


OF_ANOTHER_FOLDER = """
import sys
from pathlib import Path
from local import __main__ as demo
demo.ROOT = Path(sys.argv[1])
sys.exit(demo.main(["--stack", "own", "."]))
"""


def own_stack(folder: Path, setting: str) -> None:
    """Write a stack's configuration, beside the program."""
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(ROOT / name, folder)
    (folder / "Pulumi.own.yaml").write_text(
        f"config:\n  aws:region: eu-central-1\n  file-metadata-pipeline:{setting}\n"
        "  file-metadata-pipeline:environmentSuffix: mine\n"
    )


def test_what_the_extractor_of_a_stack_s_configuration_finds_is_beside_the_rows(
    tmp_path: Path,
) -> None:
    """Its path is relative to `Pulumi.yaml`, wherever the demo is started."""
    own_stack(tmp_path, "extractor: ./mine")
    shutil.copytree(EXTRACTOR, tmp_path / "mine")
    files = tmp_path / "files"
    files.mkdir()
    (files / "a.csv").write_text("name,price\nbolt,1\nnut,2\n")
    (files / "bad.csv").write_bytes(b"\xff\xff")
    (files / "zz.csv").write_text("will be deleted")
    done = demo("-c", OF_ANOTHER_FOLDER, str(tmp_path), cwd=files)
    assert (done.returncode, done.stderr) == (0, "")
    assert "contents extracted" in done.stdout
    assert '"rows": 2}' in done.stdout
    assert "failed: " in done.stdout
    assert "all 3 rows agree" in done.stdout


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run the demo in a user's folder; what it says of that which it refuses at once."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **environment: str) -> str:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        try:
            status = local_demo.main(arguments)
        except SystemExit as wrong_usage:
            status = int(str(wrong_usage))
        output, errors = capsys.readouterr()
        assert (status, output) == (2, "")
        return errors

    return run


@pytest.mark.parametrize(
    ("arguments", "environment", "error"),
    [
        (["--stack", "staging"], {}, "demo: no such file: 'Pulumi.staging.yaml'"),
        (["missing.txt"], {}, "demo: no such file: 'missing.txt'"),
        ([], {"EXTRACTOR": "no"}, "extractor must be a folder with extract.py, got '{folder}/no'"),
        ([], {"PICTURE": "/no/x.svg"}, "must be in a folder that exists, got '/no/x.svg'"),
        ([], {"SOURCE": "sqs"}, "must be one of notification, eventbridge, got 'sqs'"),
    ],
    ids=["stack", "file", "extractor", "picture", "source"],
)
def test_what_is_not_there_is_named_before_anything_starts(
    refused: Callable[..., str],
    tmp_path: Path,
    arguments: list[str],
    environment: dict[str, str],
    error: str,
) -> None:
    assert error.format(folder=tmp_path) in refused(*arguments, **environment)


def test_a_bad_configuration_is_named_before_anything_starts(
    refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_stack(tmp_path, "memorySize: 5")
    monkeypatch.setattr(local_demo, "ROOT", tmp_path)
    assert "memorySize must be 128-10240 MB, got 5" in refused("--stack", "own")


@pytest.mark.parametrize(
    ("sizes", "error"),
    [
        (
            {"large\x1b.csv": 4 * 1024**2 + 1, "small.csv": 2 * 1024**2},
            r"large\x1b.csv must be at most 4194304 bytes for an extractor on the emulator,"
            " got 4194305",
        ),
        (
            {"large.csv": 4 * 1024**2, "small.csv": 2 * 1024**2 + 1},
            "small.csv must be at most 2097152 bytes for an extractor on the emulator,"
            " as the demo doubles the smallest file, got 2097153",
        ),
    ],
    ids=["file", "doubled"],
)
def test_a_file_that_no_extractor_could_read_is_named_before_anything_starts(
    refused: Callable[..., str], tmp_path: Path, sizes: dict[str, int], error: str
) -> None:
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(b"x" * size)
    assert error in refused(".", EXTRACTOR=EXTRACTOR)


WITHOUT_A_RULE = """
import sys
from local.rules import RULES
del RULES["aws:sqs/queue:Queue"]
from local.__main__ import main
sys.exit(main([]))
"""


def test_a_type_without_a_rule_is_named_in_a_line(tmp_path: Path) -> None:
    done = demo("-c", WITHOUT_A_RULE, TMPDIR=str(tmp_path))
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("demo: aws:sqs/queue:Queue 'file-metadata-failures-events' has no rule")
    assert list(tmp_path.iterdir()) == []


@contextmanager
def launched(
    folder: Path, *arguments: str, **environment: str
) -> Iterator["subprocess.Popen[str]"]:
    """A run with its temporary files in a folder; killed if it runs when the test ends.

    It starts with SIGINT ignored, as a shell starts what runs in the background.
    """
    ignoring = ("/bin/sh", "-c", """trap '' INT; exec "$@" """, "sh")
    # An interrupt in coverage's own code, which runs at each new file, is lost or blocks it.
    untraced = {name: os.environ[name] for name in os.environ if not name.startswith("COVERAGE_")}
    process = subprocess.Popen(
        [*ignoring, sys.executable, "-m", "local", *arguments],
        cwd=ROOT,
        env={**untraced, "TMPDIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(process: "subprocess.Popen[str]", text: str) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"no {text!r} in {seen}")


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def assert_ends_without_a_trace(
    process: "subprocess.Popen[str]", private_tmp: Path, number: int, status: int
) -> None:
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == status
    assert family
    # What is dead and merely waits for its parent to notice does not run.
    assert [member for member in family if is_alive(member)] == []
    assert list(private_tmp.iterdir()) == []


@pytest.mark.parametrize(
    ("until", "number"),
    [("AWS emulator started", signal.SIGINT), ("program deployed", signal.SIGTERM)],
    ids=["deploying, Ctrl-C", "uploading, terminated"],
)
def test_an_interrupted_demo_leaves_nothing_running_or_lying_behind(
    tmp_path: Path, until: str, number: int
) -> None:
    # So many files that they are still being uploaded when the signal comes.
    with launched(tmp_path, "pipeline") as process:
        wait_for(process, until)
        assert_ends_without_a_trace(process, tmp_path, number, 130)


def test_the_lines_of_a_kept_demo_can_be_pasted_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    """Over a single file, which is overwritten and kept."""
    with launched(tmp_path, "README.md", KEEP="1") as process:
        output = wait_for(process, " verify ")
        assert "1 uploaded, 1 overwritten, 0 deleted" in output
        told = [line for line in output.splitlines() if " -m ops " in line]
        assert len(told) == 2
        for line in told:
            done = subprocess.run(  # noqa: S602 - as it is pasted
                line,
                shell=True,
                cwd=ROOT,
                env={"PATH": os.environ["PATH"]},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        assert_ends_without_a_trace(process, tmp_path, signal.SIGINT, 0)


WRONG = """
import sys
from local import demo
demo.DELETED, demo.PATIENCE_SECONDS = "kept", 3
from local.__main__ import main
sys.exit(main(["README.md", "LICENSE"]))
"""


def test_the_demo_fails_when_a_row_is_wrong() -> None:
    """Here the row of the deleted file, of which something else is expected."""
    done = demo("-c", WRONG)
    assert done.returncode == 1
    assert "wrong: 'LICENSE' must be Expected(status='kept'" in done.stdout
