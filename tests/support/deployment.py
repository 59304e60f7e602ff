"""Deploys the program to an emulator."""

import functools

import pytest

from local import emulator as emulators
from local import engine
from local.cloud import Cloud
from local.resources import CloudMocks
from pipeline.settings import PROJECT
from support.journeys import Deployed
from support.recorder import ROOT, shipped_config

REGION = "us-east-1"
RETRIES_AT_ONCE = {
    "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.05",
    "LAMBDA_ASYNC_RETRY_MAX_SECONDS": "0.1",
}
OWN_ENVIRONMENT = pytest.StashKey[dict[str, str]]()
"""The user's own AWS profile, region and proxy, for the tests on AWS alone."""


@functools.cache
def cloud_of(running: emulators.Emulator) -> Cloud:
    """Clients of an emulator: ``cloud("s3")``."""
    return Cloud(running.endpoint, REGION, running.certificate)


def deploy_to(running: emulators.Emulator, stack: str = "dev", **config: str) -> Deployed:
    """Deploy the program to an emulator, some keys of a stack's configuration replaced."""
    cloud = cloud_of(running)
    values = shipped_config(stack)
    values |= {f"{PROJECT}:{key}": value for key, value in config.items()}
    return Deployed(cloud, engine.run(ROOT, stack, values, CloudMocks(cloud)))
