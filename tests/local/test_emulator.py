"""The emulator's process: private, on loopback, and gone afterwards."""

import contextlib
import signal
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from local import emulator as emulators
from local.cloud import Cloud


@pytest.fixture
def private_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_nothing_runs_or_lies_behind_after_an_interrupt(private_tmp: Path) -> None:
    with contextlib.suppress(KeyboardInterrupt), emulators.running() as emulator:
        process = psutil.Process(emulator.process.pid)
        family = [process, *process.children(recursive=True)]
        raise KeyboardInterrupt
    assert not any(member.is_running() for member in family)
    assert list(private_tmp.iterdir()) == []


def test_it_listens_on_loopback_only(emulator: emulators.Emulator) -> None:
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(emulator.process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


def test_it_inherits_nothing_of_the_users_aws_settings(
    private_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid")
    with emulators.running() as emulator:
        inherited = psutil.Process(emulator.process.pid).environ()
    assert not {"AWS_PROFILE", "HTTPS_PROXY"} & inherited.keys()


def test_a_taken_port_is_given_up_for_another(
    private_tmp: Path, monkeypatch: pytest.MonkeyPatch, emulator: emulators.Emulator
) -> None:
    taken = urlsplit(emulator.endpoint).port
    free = emulators._free_port()
    ports = iter([taken, free])
    monkeypatch.setattr(emulators, "_free_port", lambda: next(ports))
    with emulators.running() as second:
        assert urlsplit(second.endpoint).port == free


def test_an_emulator_that_cannot_start_says_why(
    private_tmp: Path, monkeypatch: pytest.MonkeyPatch, emulator: emulators.Emulator
) -> None:
    taken = urlsplit(emulator.endpoint).port
    monkeypatch.setattr(emulators, "_free_port", lambda: taken)
    with pytest.raises(emulators.EmulatorError, match=rf"127\.0\.0\.1:{taken} is already in use"):
        emulators.running().__enter__()
    assert list(private_tmp.iterdir()) == []


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:4566", "http://127.9.9.9", "http://[::1]:1", "http://localhost"]
)
def test_a_loopback_endpoint_is_accepted(endpoint: str) -> None:
    assert emulators.require_loopback(endpoint) == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://s3.us-east-1.amazonaws.com",
        "http://10.0.0.1:4566",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://0.0.0.0:4566",
        "",
    ],
)
def test_no_client_of_any_other_endpoint_is_made(endpoint: str) -> None:
    with pytest.raises(ValueError, match="endpoint must be on a loopback address"):
        Cloud(endpoint, "us-east-1")


def test_an_interrupt_while_it_stops_leaves_nothing_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = ["/bin/sh", "-c", "trap '' TERM; echo; while :; do sleep 1; done"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    with process.stdout, monkeypatch.context() as patch:
        waits = iter([KeyboardInterrupt])
        wait = process.wait

        def interrupted(timeout: float | None = None) -> int:
            for error in waits:
                raise error
            return wait(timeout)

        patch.setattr(process, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            emulators._stop(process)
    assert process.returncode == -signal.SIGKILL
