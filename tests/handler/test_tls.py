"""The function speaks TLS, and with nobody but the host that it means."""

import ssl
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

import connection
import service
from s3 import S3
from service import CallError, Service
from support.hostile_answers import HEAD
from support.hostile_server import server

YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that the function trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "trusted.pem"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "trusted.pem"))
    monkeypatch.setattr(service, "MAX_BACKOFF_SECONDS", 0)
    return authority


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def head(url: str, times: int = 1) -> None:
    s3 = S3(Service("s3", "us-east-1", url), "/bucket/", "123456789012")
    with closing(s3.service.host):
        for _ in range(times):
            assert s3.head_object("k", checksum=True) is not None


def test_a_host_with_a_certificate_of_its_own_is_spoken_to(authority: trustme.CA) -> None:
    with server([HEAD], tls=serving(authority.issue_cert("127.0.0.1"))) as running:
        head(running.url, times=3)
        assert running.connections == 1


def refused(url: str) -> str:
    with pytest.raises(CallError) as caught:
        head(url)
    return str(caught.value)


@pytest.mark.usefixtures("authority")
def test_a_certificate_of_another_authority_is_refused() -> None:
    with server([HEAD], tls=serving(trustme.CA().issue_cert("127.0.0.1"))) as running:
        assert "CERTIFICATE_VERIFY_FAILED" in refused(running.url)
        assert running.requests == []


@pytest.mark.parametrize(
    ("host", "names", "more", "message"),
    [
        ("127.0.0.1", ["127.0.0.2", "localhost"], {}, "IP address mismatch"),
        ("localhost", ["bucket.s3.example", "127.0.0.1"], {}, "Hostname mismatch"),
        ("127.0.0.1", ["127.0.0.1"], {"not_after": YESTERDAY}, "certificate has expired"),
    ],
    ids=["another address", "another name", "expired"],
)
def test_a_wrong_certificate_of_a_trusted_authority_is_refused(
    authority: trustme.CA, host: str, names: list[str], more: dict[str, datetime], message: str
) -> None:
    with server([HEAD], tls=serving(authority.issue_cert(*names, **more))) as running:
        assert message in refused(running.url.replace("127.0.0.1", host))
        assert running.requests == []


@pytest.mark.usefixtures("authority")
def test_a_host_that_speaks_no_tls_is_refused() -> None:
    with server([HEAD]) as running:
        assert "TimeoutError" in refused(running.url.replace("http:", "https:"))
        assert running.requests == []


def test_no_certificate_is_trusted_by_default_that_the_system_does_not_trust(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE")
    with server([HEAD], tls=serving(authority.issue_cert("127.0.0.1"))) as running:
        assert "CERTIFICATE_VERIFY_FAILED" in refused(running.url)


def test_tls_is_1_2_or_newer_with_the_host_s_name_checked() -> None:
    context = connection._tls(None)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
