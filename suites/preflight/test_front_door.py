"""The door that users come to is sound."""

from __future__ import annotations

import pytest

from fixtures.target.checks import CertificateValid, TlsVersion
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_certificate_valid(check: CertificateValid, prove: Prove) -> None:
    """The certificate is trusted for the name that users type, and has enough of its time left."""
    prove(check)


def test_tls_version(check: TlsVersion, prove: Prove) -> None:
    """The door speaks the version of TLS that the document asks for, and refuses every older one."""
    prove(check)
