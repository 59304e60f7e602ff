"""What the settings say of a value of the wrong type, of an unknown key, and of the stack."""

import asyncio
from typing import Any

import pulumi
import pytest

from local import engine
from pipeline.settings import KEYS, PROJECT
from support.configured import configured, settings
from support.recorder import ROOT, Program, _Monitor


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("protectData", "yes", "bool"),
        ("tracing", "1", "bool"),
        ("memorySize", "256MB", "int"),
        ("timeout", "15.5", "int"),
        ("noncurrentVersionDays", "true", "int"),
        ("tags", "a: b", "JSON object"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_name(key: str, value: str, kind: str) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        configured("dev", **{key: value})
    assert str(caught.value) == (
        "configuration of stack 'dev': Configuration"
        f" 'file-metadata-pipeline:{key}' value '{value}' is not a valid '{kind}'"
    )


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("memory_size", "256", "memorySize must be a whole number, got '256'"),
        ("memory_size", 256.0, "memorySize must be a whole number, got 256.0"),
        ("memory_size", True, "memorySize must be a whole number, got True"),
        ("customer_managed_key", "false", "customerManagedKey must be true or false, got 'false'"),
        ("protect_data", None, "protectData must be true or false, got None"),
        ("alarm_email", None, "alarmEmail must be a text, got None"),
        ("kms_key_arn", 1, "kmsKeyArn must be a text, got 1"),
        ("extractor", 1, "extractor must be a text, got 1"),
        ("stream", "true", "stream must be true or false, got 'true'"),
        ("tags", ["a"], "tags must be an object of texts, got ['a']"),
    ],
)
def test_a_program_s_value_of_the_wrong_type_is_refused_by_name(
    field: str, value: Any, reason: str
) -> None:
    with pytest.raises(ValueError, match=r"must be") as caught:
        settings(**{field: value})
    assert str(caught.value) == reason


@pytest.mark.parametrize("make", [pulumi.Output.from_input, pulumi.Output.secret])
def test_an_output_is_refused_by_name_even_where_it_could_pass_for_true(make: Any) -> None:
    async def choose() -> None:
        settings(tracing=make(False))

    with pytest.raises(ValueError, match=r"tracing must be known before any resource is made"):
        asyncio.run(choose())


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("memorysize", "memorySize"),
        ("MEMORYSIZE", "memorySize"),
        ("memory_size", "memorySize"),
        ("customerManagedKeys", "customerManagedKey"),
        ("logRetention", "logRetentionDays"),
    ],
)
def test_a_misspelt_key_is_refused_with_the_one_that_is_meant(wrong: str, meant: str) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        configured("prod", **{wrong: "1"})
    expected = f"configuration of stack 'prod': unknown key {wrong!r}; did you mean {meant!r}?"
    assert str(caught.value) == expected


def test_a_key_like_no_other_is_refused_with_all_there_are() -> None:
    with pytest.raises(pulumi.RunError) as caught:
        configured("prod", colour="blue")
    said = str(caught.value)
    assert said.startswith(
        "configuration of stack 'prod': unknown key 'colour'; known: environmentSuffix, "
    )
    assert all(key in said for key in KEYS)


def test_a_refusal_names_the_stack_and_keeps_its_cause() -> None:
    with pytest.raises(pulumi.RunError) as caught:
        configured("dev", timeout="901")
    assert str(caught.value) == (
        "configuration of stack 'dev': timeout must be 15-900 seconds, got 901"
    )
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_refused_value_stops_the_program_before_it_declares_anything() -> None:
    program = Program()
    monitor = _Monitor(program)
    values = engine.stack_config(ROOT, "dev") | {f"{PROJECT}:timeout": "901"}
    with pytest.raises(pulumi.RunError):
        engine.run(ROOT, "dev", values, monitor.mocks, monitor)
    assert program.resources == []
