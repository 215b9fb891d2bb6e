"""The authority signs what Python's own TLS accepts, and what has run out it refuses."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from fixtures.lab.pki import Authority, KeyPair


def handshake(folder: Path, pair: KeyPair, name: str) -> str | None:
    """TLS version agreed on by a server with that pair and a client that asks for `name`."""
    pair.write(folder, "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    near, far = socket.socketpair()

    def serve() -> None:
        try:
            context.wrap_socket(far, server_side=True).close()
        except (ssl.SSLError, OSError):
            far.close()

    server = threading.Thread(target=serve)
    server.start()
    client = ssl.create_default_context(cafile=folder / "ca.crt")
    try:
        with client.wrap_socket(near, server_hostname=name) as agreed:
            return agreed.version()
    finally:
        near.close()
        server.join(5)


def test_a_certificate_serves_names_and_addresses_alike(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path)
    pair = authority.issue(["hwayo.com", "127.200.0.10"])
    assert handshake(tmp_path, pair, "hwayo.com") == "TLSv1.3"
    assert handshake(tmp_path, pair, "127.200.0.10") == "TLSv1.3"


def test_another_name_is_refused(tmp_path: Path) -> None:
    pair = Authority.create(tmp_path).issue(["hwayo.com"])
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(tmp_path, pair, "example.com")


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=30)
    pair = Authority.create(tmp_path).issue(["hwayo.com"], days=1, not_before=long_ago)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(tmp_path, pair, "hwayo.com")


def test_the_authority_can_be_loaded_again(tmp_path: Path) -> None:
    created = Authority.create(tmp_path)
    loaded = Authority.load(tmp_path)
    assert loaded.certificate == created.certificate
    issued = x509.load_pem_x509_certificate(loaded.issue(["a"]).certificate)
    issued.verify_directly_issued_by(created.certificate)


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    Authority.create(tmp_path)
    assert (tmp_path / "ca.key").stat().st_mode & 0o077 == 0
