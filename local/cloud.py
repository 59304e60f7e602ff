"""Clients of the emulator."""

import threading
from typing import Any

import boto3
from botocore.config import Config

from local.emulator import require_loopback


class Cloud:
    """Clients of one emulator; each is made once."""

    def __init__(self, endpoint: str, region: str, certificate: str | None = None) -> None:
        """Point at an emulator, and trust a certificate (a PEM file) if it speaks HTTPS.

        Raises:
            ValueError: the endpoint is not on a loopback address.
        """
        self.endpoint = require_loopback(endpoint)
        self.region = region
        self._certificate = certificate
        self._session: Any = boto3.Session("test", "test", region_name=region)
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, service: str) -> Any:
        """Return the client of a service."""
        with self._lock:
            if service not in self._clients:
                config = Config(proxies={}, retries={"mode": "standard", "total_max_attempts": 3})
                self._clients[service] = self._session.client(
                    service, endpoint_url=self.endpoint, config=config, verify=self._certificate
                )
            return self._clients[service]
