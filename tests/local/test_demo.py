"""``python -m local`` as a user runs it: a process of its own, judged by its output and status."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest

from local.files import collect
from support.recorder import ROOT

Launch = Callable[..., "subprocess.Popen[str]"]
EXTRACTOR = ROOT / "examples/extractors/csv_columns"


@pytest.fixture
def private_tmp(tmp_path: Path) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


@pytest.fixture
def launch(private_tmp: Path) -> Iterator[Launch]:
    """Start the demo; what still runs when the test ends is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, cwd: Path = ROOT, **environment: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "local", *arguments],
            cwd=cwd,
            env={**os.environ, "TMPDIR": str(private_tmp), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    """One whole run over the samples, with settings of the user's that must not matter."""
    hostile = {
        "AWS_PROFILE": "no-such-profile",
        "AWS_ENDPOINT_URL": "https://aws.invalid",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "TMPDIR": str(tmp_path_factory.mktemp("tmp")),
    }
    return subprocess.run(
        [sys.executable, "-m", "local"],
        cwd=ROOT,
        env={**os.environ, **hostile},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def row_of(output: str, key: str) -> str:
    [line] = [line for line in output.splitlines() if line.strip().startswith(f"{key} ")]
    return line


def test_the_demo_ends_well(samples: "subprocess.CompletedProcess[str]") -> None:
    assert (samples.returncode, samples.stderr) == (0, "")


def test_the_demo_shows_a_row_for_every_sample(
    samples: "subprocess.CompletedProcess[str]",
) -> None:
    for file in collect(["."], ROOT / "samples"):
        assert re.search("completed|deleted", row_of(samples.stdout, file.key))


def test_the_overwritten_sample_has_its_new_size(
    samples: "subprocess.CompletedProcess[str]",
) -> None:
    smallest = min(collect(["."], ROOT / "samples"), key=lambda file: file.path.stat().st_size)
    assert f"{smallest.path.stat().st_size * 2} bytes" in row_of(samples.stdout, smallest.key)


def test_exactly_one_sample_is_deleted(samples: "subprocess.CompletedProcess[str]") -> None:
    rows = [row_of(samples.stdout, file.key) for file in collect(["."], ROOT / "samples")]
    assert sum("deleted" in row for row in rows) == 1


def test_the_stages_are_shown_with_their_seconds(
    samples: "subprocess.CompletedProcess[str]",
) -> None:
    stages = re.findall(r"^(.+?) +\d+\.\d\d s$", samples.stdout, re.MULTILINE)
    assert len(stages) == 3


def test_output_that_is_no_terminal_is_plain_text(
    samples: "subprocess.CompletedProcess[str]",
) -> None:
    assert "\x1b" not in samples.stdout
    assert "\r" not in samples.stdout


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
    settings = {"TMPDIR": str(folder), "STACK": "prod", "SOURCE": "eventbridge"}
    done = subprocess.run(
        [sys.executable, "-m", "local", "mine"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PICTURE": str(picture), **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
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


def test_what_an_extractor_finds_is_beside_the_rows(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,price\nbolt,1\nnut,2\n")
    (tmp_path / "bad.csv").write_bytes(b"\xff\xff")
    (tmp_path / "zz.csv").write_text("will be deleted")
    process = launch(".", cwd=tmp_path, PYTHONPATH=str(ROOT), EXTRACTOR=str(EXTRACTOR))
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    assert '"rows": 2}' in output
    assert "failed: " in output
    assert "all 3 rows agree" in output


@pytest.mark.parametrize(
    ("files", "error"),
    [
        (
            {"large.csv": 4 * 1024**2 + 1, "small.csv": 2 * 1024**2},
            "large.csv must be at most 4194304 bytes for an extractor on the emulator, got 4194305",
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
    launch: Launch, tmp_path: Path, files: dict[str, int], error: str
) -> None:
    for name, size in files.items():
        (tmp_path / name).write_bytes(b"x" * size)
    process = launch(".", cwd=tmp_path, PYTHONPATH=str(ROOT), EXTRACTOR=str(EXTRACTOR))
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (2, "")
    assert error in errors


def test_a_folder_that_is_no_extractor_is_named_before_anything_starts(launch: Launch) -> None:
    process = launch(EXTRACTOR="nowhere")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (2, "")
    assert "extractor must be a folder with extract.py, got" in errors


def test_a_missing_stack_is_named_before_anything_starts(launch: Launch) -> None:
    process = launch("--stack", "staging")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (2, "")
    assert "no such file: 'Pulumi.staging.yaml'" in errors


OF_ANOTHER_FOLDER = """
import sys
from pathlib import Path
from local import __main__ as demo
demo.ROOT = Path(sys.argv[1])
sys.exit(demo.main(["--stack", "own"]))
"""


def test_an_extractor_of_the_stack_s_own_configuration_is_shown_too(tmp_path: Path) -> None:
    """Its path is relative to `Pulumi.yaml`, wherever the demo is started."""
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(EXTRACTOR, tmp_path / "mine")
    (tmp_path / "Pulumi.own.yaml").write_text(
        "config:\n  aws:region: eu-central-1\n  file-metadata-pipeline:extractor: ./mine\n"
        "  file-metadata-pipeline:environmentSuffix: mine\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", OF_ANOTHER_FOLDER, str(tmp_path)],
        cwd=tmp_path / "mine",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "contents extracted" in done.stdout
    assert '"rows": ' in done.stdout


def test_a_bad_configuration_is_named_before_anything_starts(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "Pulumi.own.yaml").write_text(
        "config:\n  aws:region: eu-central-1\n  file-metadata-pipeline:memorySize: 5\n"
    )
    script = [sys.executable, "-c", OF_ANOTHER_FOLDER, str(tmp_path)]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "memorySize must be 128-10240 MB, got 5" in done.stderr


WITHOUT_A_RULE = """
import sys
from local.rules import RULES
del RULES["aws:sqs/queue:Queue"]
from local.__main__ import main
sys.exit(main([]))
"""


def test_a_type_without_a_rule_is_named_in_a_line(private_tmp: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_RULE],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(private_tmp)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("demo: aws:sqs/queue:Queue 'file-metadata-failures-events' has no rule")
    assert list(private_tmp.iterdir()) == []


def test_a_missing_file_is_named_before_anything_starts(launch: Launch, private_tmp: Path) -> None:
    private_tmp.rmdir()
    process = launch("README.md", "missing.txt")
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "missing.txt" in errors
    assert output == ""


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
    launch: Launch, private_tmp: Path, until: str, number: int
) -> None:
    process = launch()
    wait_for(process, until)
    assert_ends_without_a_trace(process, private_tmp, number, 130)


def test_a_picture_without_a_folder_is_refused_before_anything_starts(launch: Launch) -> None:
    process = launch(PICTURE="/no/such/folder/demo.svg")
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert output == ""
    assert "must be in a folder that exists, got '/no/such/folder/demo.svg'" in errors


def test_the_lines_of_a_kept_demo_can_be_pasted_and_ctrl_c_leaves_nothing(
    launch: Launch, private_tmp: Path
) -> None:
    """Over a single file, which is overwritten and kept."""
    process = launch("README.md", KEEP="1")
    output = wait_for(process, " verify ")
    assert "1 uploaded, 1 overwritten, 0 deleted" in output
    lines = output.splitlines()
    told = [line for line in lines if " -m ops " in line]
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
    assert_ends_without_a_trace(process, private_tmp, signal.SIGINT, 0)


WRONG = """
import sys
from local import demo
demo.DELETED, demo.PATIENCE_SECONDS = "kept", 3
from local.__main__ import main
sys.exit(main(["README.md", "LICENSE"]))
"""


def test_the_demo_fails_when_a_row_is_wrong() -> None:
    """Here the row of the deleted file, of which something else is expected."""
    script = [sys.executable, "-c", WRONG]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "wrong: 'LICENSE' must be Expected(status='kept'" in done.stdout
