"""An emulator that enforces IAM, and speaks the TLS that the bucket's policy demands."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

from local import emulator as emulators
from support.deployment import RETRIES_AT_ONCE


@contextmanager
def enforcing_emulator(folder: Path) -> Iterator[emulators.Emulator]:
    """Run one, with its certificate in a folder."""
    certificate, key = folder / "server.pem", folder / "server.key"
    _write_certificate(certificate, key)
    settings = {
        **RETRIES_AT_ONCE,
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(certificate),
        "MINISTACK_SSL_KEY": str(key),
    }
    with emulators.running(settings) as running:
        yield running


def _write_certificate(certificate: Path, key: Path) -> None:
    """Write what the emulator serves and its clients trust: a certificate with its authority."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    for number, part in enumerate([*issued.cert_chain_pems, authority.cert_pem]):
        part.write_to_path(str(certificate), append=number > 0)
    issued.private_key_pem.write_to_path(str(key))
