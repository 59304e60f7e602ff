"""Settings, as a program gives them and as a stack's configuration does."""

import contextvars
from typing import Any

import pulumi

from pipeline.settings import PROJECT, Settings


def settings(**values: Any) -> Settings:
    return Settings(**({"environment_suffix": "test"} | values))


def configured(stack: str, **values: str) -> Settings:
    """Read the settings of a stack from nothing but the given keys."""

    def read() -> Settings:
        pulumi.runtime.set_all_config({f"{PROJECT}:{key}": value for key, value in values.items()})
        return Settings.from_config(pulumi.Config(PROJECT), stack)

    return contextvars.Context().run(read)
