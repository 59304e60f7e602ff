"""The workflows' scripts, run as the runner does, with commands that say what they were told."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.recorder import ROOT
from support.workflows import ACTIONS, DEPLOYMENT, DRIFT, PREVIEW, steps

FAILS_FOR_PROD = 'echo "$@"; [ "$3" != prod ]'
SAYS = 'printf "%s\\n" "$@" >> "$SAID"; echo "$FOUND"'


def script(path: Path, part: str) -> str:
    """The script that has some words in it."""
    [found] = [step["run"] for step in steps(path) if part in step.get("run", "")]
    return found


def run(
    folder: Path, text: str, command: str = "", does: str = "", status: int = 0, **environment: str
) -> None:
    """Run a script as the runner does, a command replaced, and see with which status it ends.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#defaultsrunshell
    """
    if command:
        (folder / command).write_text(f"#!/bin/sh\n{does}\n")
        (folder / command).chmod(0o755)
    done = subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=ROOT,
        env={
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(folder),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr


def outputs(folder: Path) -> dict[str, str]:
    """What a script has put out, read as GitHub does: lines, or all between two like lines."""
    found, lines = {}, iter((folder / "output").read_text().splitlines())
    for line in lines:
        if several := re.fullmatch(r"(\w+)<<(.+)", line):
            taken = iter(lines.__next__, several[2])
            found[several[1]] = "\n".join(taken)
        else:
            name, _, found[name] = line.partition("=")
    return found


def test_the_command_is_of_the_version_that_the_program_is_tested_with(tmp_path: Path) -> None:
    run(tmp_path, script(ACTIONS[0], "requirements.txt)"), STACK="dev")
    pinned = f"pulumi=={outputs(tmp_path)['pulumi']}"
    assert pinned in (ROOT / "requirements.txt").read_text().splitlines()


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_region_is_the_one_in_the_stacks_file(tmp_path: Path, stack: str) -> None:
    run(tmp_path, script(ACTIONS[0], "requirements.txt)"), STACK=stack)
    config: dict[str, Any] = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    assert outputs(tmp_path)["region"] == config["config"]["aws:region"]


def test_a_stack_without_a_file_stops_before_there_are_credentials(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"Pulumi\.none\.yaml"):
        run(tmp_path, script(ACTIONS[0], "requirements.txt)"), STACK="none")


@pytest.mark.parametrize(("stack", "result", "status"), [("dev", "fine", 0), ("prod", "failed", 1)])
def test_a_preview_is_shown_whether_it_fails_or_not(
    tmp_path: Path, stack: str, result: str, status: int
) -> None:
    text = script(PREVIEW, "pulumi preview --stack")
    run(tmp_path, text, "pulumi", FAILS_FOR_PROD, status, STACK=stack)
    shown = outputs(tmp_path)[stack]
    assert shown.startswith(f"### Preview of `{stack}`: {result}\n")
    assert f"preview --stack {stack} --policy-pack policy" in shown
    assert shown.endswith("</details>")


def test_the_previews_of_both_stacks_fit_into_one_comment(tmp_path: Path) -> None:
    long = "head -c 200000 /dev/zero | tr '\\0' x"
    run(tmp_path, script(PREVIEW, "pulumi preview --stack"), "pulumi", long, STACK="dev")
    assert 50_000 < 2 * len(outputs(tmp_path)["dev"]) < 65_000


@pytest.mark.parametrize(
    ("found", "method", "at"),
    [
        ("", "POST", "the/comments"),
        ("17", "PATCH", "comment/17"),
        ("17\n18", "PATCH", "comment/17"),
    ],
    ids=["none", "one", "two"],
)
def test_there_is_one_comment_which_is_kept_up_to_date(
    tmp_path: Path, found: str, method: str, at: str
) -> None:
    text = 'a `preview` of $(touch owned) and "quotes"'
    run(
        tmp_path,
        script(PREVIEW, "gh api"),
        "gh",
        SAYS,
        SAID=str(tmp_path / "said"),
        FOUND=found,
        DEV=text,
        PROD="of prod",
        COMMENTS="the/comments",
        COMMENT="comment",
        RUN="the-run",
    )
    said = (tmp_path / "said").read_text()
    assert f"--method\n{method}\n{at}\n" in said
    assert f"body=<!-- pulumi preview -->\n{text}\n\nof prod\n\n[All of it](the-run)" in said


def test_no_second_comment_is_written_when_github_does_not_say_what_is_there(
    tmp_path: Path,
) -> None:
    said = tmp_path / "said"
    told = dict.fromkeys(("DEV", "PROD", "RUN", "COMMENTS", "COMMENT"), "")
    says = 'echo "$@" >> "$SAID"; exit 1'
    run(tmp_path, script(PREVIEW, "gh api"), "gh", says, status=1, SAID=str(said), **told)
    assert "POST" not in said.read_text()


def test_why_there_is_no_preview_is_said_in_the_summary(tmp_path: Path) -> None:
    run(tmp_path, script(PREVIEW, "No preview"))
    assert "forks" in (tmp_path / "summary").read_text()


def test_the_outputs_of_the_stack_are_handed_on_as_one_line(tmp_path: Path) -> None:
    says = 'if [ "$1" = stack ]; then printf \'{\\n  "a": "b"\\n}\\n\'; fi'
    run(tmp_path, script(DEPLOYMENT, "pulumi stack output"), "pulumi", says)
    assert outputs(tmp_path)["stack"] == '{  "a": "b"}'


@pytest.mark.parametrize("fails", ["up", "stack"])
def test_a_failed_update_hands_nothing_on(tmp_path: Path, fails: str) -> None:
    says = f'[ "$1" != {fails} ]'
    run(tmp_path, script(DEPLOYMENT, "pulumi stack output"), "pulumi", says, status=1)
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("stack", "states", "checked_out"),
    [
        ("dev", "", "HEAD"),
        ("prod", "success", "newest"),
        ("prod", "waiting failure success success", "third"),
        ("prod", "waiting", None),
        ("prod", "", None),
    ],
    ids=["dev", "newest", "one waits, one failed", "one waits", "none"],
)
def test_prod_is_compared_with_what_was_deployed_last(
    tmp_path: Path, stack: str, states: str, checked_out: str | None
) -> None:
    commits = ("newest", "second", "third", "fourth")
    known = list(zip(commits, states.split(), strict=False))
    listed = "".join(f"echo {number} {commit}; " for number, (commit, _) in enumerate(known))
    told = "".join(
        f"*/{number}/statuses*) echo {state};; " for number, (_, state) in enumerate(known)
    )
    says = f'case "$2" in {told} *) {listed}:;; esac'
    (tmp_path / "git").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/git-said\n')
    (tmp_path / "git").chmod(0o755)
    text = script(DRIFT, "environment=prod")
    run(tmp_path, text, "gh", says, STACK=stack, DEPLOYMENTS="the/deployments")
    if checked_out is None:
        assert "never deployed" in (tmp_path / "summary").read_text()
        assert not (tmp_path / "output").exists()
    else:
        assert outputs(tmp_path) == {"found": "true"}
        assert (tmp_path / "git-said").read_text() == f"checkout --quiet {checked_out}\n"


def test_there_is_no_check_for_drift_when_github_does_not_say_what_is_deployed(
    tmp_path: Path,
) -> None:
    text = script(DRIFT, "environment=prod")
    run(tmp_path, text, "gh", "exit 1", 1, STACK="prod", DEPLOYMENTS="the/deployments")
