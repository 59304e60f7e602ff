"""A bucket from before the pipeline, whole: brought in, interrupted, damaged, and repaired.

`make soak` does it with twenty thousand objects, and measures memory with a hundred thousand.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from ops.__main__ import main
from support.audits import damage
from support.journeys import Deployed, eventually
from support.recorder import ROOT
from support.synthetic import Synthetic, serving
from support.tool import of, ops, started, without_notification

AT_ONCE = 8
PATIENCE_SECONDS = 900
pytestmark = pytest.mark.no_cover
MEASURE = (
    "import resource, subprocess, sys;"
    "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode;"
    "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


def interrupted_half_way(stack: Deployed, count: int, folder: Path) -> int:
    """Begin a backfill and interrupt it; how many objects it was done with."""
    state = folder / f"backfill-{stack.bucket}.json"
    slow = ["--rate", str(min(max(count / 4, 100), 500))]
    with started("backfill", *of(stack), *slow, cwd=folder) as process:

        def half() -> bool | None:
            if not state.exists():
                return None
            return json.loads(state.read_text())["listed"] >= count / 2 or None

        eventually(half, lambda: "half of the backfill", PATIENCE_SECONDS)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 1
    listed: int = json.loads(state.read_text())["listed"]
    return listed


def harm(stack: Deployed, keys: list[str], dice: random.Random) -> dict[str, str]:
    """Damage a tenth of the rows and objects behind the pipeline's back; what is to be found."""
    few = max(len(keys) // 50, 1)
    chosen = dice.sample(keys, 4 * few)
    removed, changed, deleted, replaced = (chosen[n * few : (n + 1) * few] for n in range(4))
    return damage(
        stack,
        removed=removed,
        changed=changed,
        deleted=dict.fromkeys(deleted),
        replaced=replaced,
        ghosts=[f"left over {number}" for number in range(few)],
    )


def agrees(stack: Deployed) -> bool | None:
    """Whether all agrees; what a busy machine let run into its timeout is redriven, as by hand."""
    if CliRunner().invoke(main, ["verify", *of(stack), "--grace", "0"]).exit_code == 0:
        return True
    CliRunner().invoke(main, ["redrive", *of(stack)])
    return None


def found(stack: Deployed, *options: str) -> dict[str, str]:
    result = ops("verify", *of(stack), "--grace", "0", "--json", *options, exits=1)
    *findings, _ = map(json.loads, result.stdout.splitlines())
    return {line["key"]: line["kind"] for line in findings}


def test_a_bucket_from_before_is_brought_in_and_kept_true(
    deploy: Callable[..., Deployed], pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    count: int = pytestconfig.getoption("objects")
    stack = deploy(environmentSuffix="large")
    keys = [f"folder {n % 7}/é + {n:06}.txt" for n in range(count)]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        put = partial(pool.map, lambda key: stack.put(key, key[-6:].encode()), keys)
        without_notification(stack, lambda: list(put()))
    done = interrupted_half_way(stack, count, tmp_path)
    assert count / 2 <= done < count
    began = time.monotonic()
    with started("backfill", *of(stack), "--json", cwd=tmp_path) as resumed:
        output, errors = resumed.communicate()
    assert json.loads(output)["listed"] == count, errors
    print(f"resumed at {done} of {count}, ended {time.monotonic() - began:.1f} s later")
    eventually(lambda: agrees(stack), lambda: "row of every object", PATIENCE_SECONDS)

    expected = harm(stack, keys, random.Random(count))  # noqa: S311 - not for secrets
    assert found(stack) == expected
    assert found(stack, "--repair") == expected
    eventually(lambda: agrees(stack), lambda: "end of findings", PATIENCE_SECONDS)


def peak_kilobytes(count: int, command: str, *options: str) -> int:
    """Run the tool on its own over so many objects; the most memory that it had."""
    with serving(Synthetic(count, has_row=lambda n: command == "verify" or n % 2 == 0)) as many:
        words = (sys.executable, "-m", "ops", command, *many.options(), "--json", *options)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, *words],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
    code, kilobytes = map(int, done.stdout.split())
    assert code == 0, done.stderr
    took = time.monotonic() - began
    print(f"{command} of {count}: {kilobytes} KB, {took:.1f} s, {count / took:.0f} a second")
    return kilobytes


@pytest.mark.parametrize(
    "command", [["backfill", "--rate", "1000000"], ["verify"]], ids=lambda command: command[0]
)
def test_memory_does_not_grow_with_the_bucket(
    command: list[str], pytestconfig: pytest.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    many: int = pytestconfig.getoption("listed")
    few = max(many // 5, 2_000)
    small, large = (peak_kilobytes(count, *command) for count in (few, many))
    assert large <= 1.2 * small
