"""``python -m local [FILES]``: run the pipeline on this machine, without an AWS account."""

import argparse
import contextvars
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pulumi
from rich.console import Console

from local import emulator as emulators
from local import engine, owner, show
from local.cloud import Cloud
from local.demo import Demo, check_sizes
from local.files import FilesError, LocalFile, collect
from local.inputs import UnknownPropertyError
from local.printable import printable
from local.resources import CloudMocks, UnknownTypeError
from pipeline.rules import EVENTBRIDGE, NOTIFICATION
from pipeline.settings import PROJECT, Settings

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"
EXTRACTOR = f"{PROJECT}:extractor"
SOURCES = (NOTIFICATION, EVENTBRIDGE)
WRONG_ROWS, BAD_USAGE, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo.

    Returns:
        0 if every row is right, 1 if one is missing or wrong, 2 if a file cannot be read or the
        stack cannot be deployed, 130 if interrupted.
    """
    options = _options(arguments)
    try:
        files = collect(options.files, Path.cwd()) if options.files else collect(["."], SAMPLES)
        config = engine.stack_config(ROOT, options.stack)
        if options.source == EVENTBRIDGE:
            config = owner.following(config)
        config = _whole_path(config, options.extractor)
        if config.get(EXTRACTOR):
            check_sizes(files)
        contextvars.Context().run(_check, options.stack, config)
    except (FilesError, engine.StackConfigError, pulumi.RunError) as err:
        print(f"demo: {printable(str(err))}", file=sys.stderr)
        return BAD_USAGE
    # A shell starts a command in the background with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda _number, _frame: signal.raise_signal(signal.SIGINT))
    _forget_aws_settings()
    out = show.console(picture=options.picture is not None)
    try:
        status = _demo(out, files, options, config)
    except (ValueError, pulumi.RunError) as err:
        first = _first(err)
        if not isinstance(first, UnknownTypeError | UnknownPropertyError | pulumi.RunError):
            raise
        print(f"demo: {first}", file=sys.stderr)
        return BAD_USAGE
    except KeyboardInterrupt:
        out.print("interrupted; the emulator is stopped, and its files are deleted")
        return INTERRUPTED
    if options.picture:
        out.save_svg(str(options.picture), title="make demo")
    return status


def _whole_path(config: dict[str, str], folder: str | None) -> dict[str, str]:
    """Make the extractor's path absolute, because the demo may run in another folder."""
    if folder:
        return {**config, EXTRACTOR: str(Path(folder).resolve())}
    return {**config, EXTRACTOR: str(ROOT / config[EXTRACTOR])} if config.get(EXTRACTOR) else config


def _check(stack: str, config: Mapping[str, str]) -> None:
    """Check the configuration as the program does, before anything starts.

    Raises:
        pulumi.RunError: a key is unknown, or a value breaks its rule.
    """
    pulumi.runtime.set_all_config(dict(config))
    Settings.from_config(pulumi.Config(PROJECT), stack)


def _demo(
    out: Console,
    files: Sequence[LocalFile],
    options: argparse.Namespace,
    config: Mapping[str, str],
) -> int:
    region = config["aws:region"]
    with ExitStack() as cleanup:
        with show.stage(out, "AWS emulator started"):
            emulator = cleanup.enter_context(emulators.running())
        cloud = Cloud(emulator.endpoint, region)
        somebody = owner.Owner(cloud) if options.source == EVENTBRIDGE else None
        if somebody:
            with show.stage(out, "somebody else's bucket made"):
                somebody.make()
        with show.stage(out, f"program deployed, stack {options.stack}"):
            outputs = engine.run(ROOT, options.stack, config, CloudMocks(cloud))
        width = max(len(name) for name, value in outputs.items() if value)
        for name, value in outputs.items():
            if value:
                out.print(f"  {name:<{width}} {value}", soft_wrap=True)
        demo = Demo(cloud, outputs["S3BucketName"], outputs["DynamoDBTableName"])
        with show.stage(out, f"{len(files)} uploaded, 1 overwritten, {_deletions(files)} deleted"):
            _run(out, demo, files)
        extracts = bool(config.get(EXTRACTOR))
        if extracts:
            with show.stage(out, "contents extracted"):
                demo.await_extractions()
        out.print(show.rows_table(demo.rows(), extracted=extracts))
        problems = demo.problems()
        if somebody and (changed := somebody.problem()):
            problems.append(changed)
        if problems:
            for problem in problems:
                out.print(f"wrong: {printable(problem)}", style="red", markup=False)
            out.print(emulator.log(), markup=False)
            return WRONG_ROWS
        out.print(f"all {len(demo.expected)} rows agree with the bucket")
        if somebody:
            out.print("the bucket's own notification configuration is as it was")
        if options.keep:
            _keep(out, emulator, region, outputs)
    return 0


def _run(out: Console, demo: Demo, files: Sequence[LocalFile]) -> None:
    with show.progress(out) as bars:
        changes = bars.add_task("uploads", total=len(files) + 1 + _deletions(files))
        rows = bars.add_task("rows", total=len(files) + 1 + _deletions(files))
        demo.uploaded = lambda: bars.advance(changes)
        demo.arrived = lambda: bars.advance(rows)
        demo.run(files)


def _deletions(files: Sequence[LocalFile]) -> int:
    return 1 if len(files) > 1 else 0


def _keep(
    out: Console, emulator: emulators.Emulator, region: str, outputs: Mapping[str, Any]
) -> None:
    endpoint, known = emulator.endpoint, emulator.folder / "outputs.json"
    known.write_text(json.dumps(dict(outputs)), encoding="utf-8")
    account = f"AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION={region}"
    aws = f"{account} aws --endpoint-url {endpoint}"
    ops = f"{account} {sys.executable} -m ops"
    where = f"--outputs {known} --endpoint-url {endpoint}"
    lines = (
        f"{ops} status {where}",
        f"{ops} verify --grace 0 {where}",
        f"{aws} s3 cp README.md s3://{outputs['S3BucketName']}/",
        f"{aws} s3 ls s3://{outputs['S3BucketName']}/",
        f"{aws} dynamodb scan --table-name {outputs['DynamoDBTableName']}",
        f"{aws} sqs receive-message --queue-url {outputs['FailureQueueUrl']}",
    )
    try:
        out.print(f"\nrunning on {endpoint} until Ctrl-C; paste, for example:")
        for line in lines:
            out.print(line, soft_wrap=True, markup=False)
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        out.print("stopped")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local",
        description="Deploy the program to an AWS emulator, upload files, and show the rows.",
    )
    parser.add_argument("files", nargs="*", help="files and folders; the samples by default")
    parser.add_argument(
        "--stack",
        default=os.environ.get("STACK") or "dev",
        help="stack whose configuration is deployed (also STACK=prod); dev by default",
    )
    parser.add_argument(
        "--source",
        type=_source,
        metavar="{" + ",".join(SOURCES) + "}",
        default=os.environ.get("SOURCE") or NOTIFICATION,
        help="where events come from: eventbridge follows somebody else's bucket (also"
        " SOURCE=eventbridge)",
    )
    parser.add_argument(
        "--extractor",
        default=os.environ.get("EXTRACTOR") or None,
        help="folder with the extract.py that reads the files (also EXTRACTOR=FOLDER)",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        default=os.environ.get("KEEP", "") not in ("", "0"),
        help="keep it running until Ctrl-C (also KEEP=1)",
    )
    parser.add_argument(
        "--picture",
        type=_picture,
        default=os.environ.get("PICTURE") or None,
        help="also write the output as an SVG (also PICTURE=docs/demo.svg)",
    )
    return parser.parse_args(arguments)


def _source(text: str) -> str:
    """Check the source; argparse does not compare a default with ``choices``."""
    if text not in SOURCES:
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(SOURCES)}, got {text!r}")
    return text


def _picture(text: str) -> Path:
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"must be in a folder that exists, got {text!r}")
    return path


def _forget_aws_settings() -> None:
    """Do not use the user's AWS profile and endpoints for calls to the emulator."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


def _first(err: BaseException) -> BaseException:
    """Return the first cause of an error; the SDK wraps the error once for each input."""
    while isinstance(err.__cause__, ValueError) and not isinstance(err, pulumi.RunError):
        err = err.__cause__
    return err


if __name__ == "__main__":
    sys.exit(main())
