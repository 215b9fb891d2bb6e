"""Objects can be read, and are encrypted where they lie."""

from __future__ import annotations

import pytest

from fixtures.target.cloud import BucketEncrypted, BucketReadable
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_bucket_readable(check: BucketReadable, prove: Prove) -> None:
    """The bucket lists its content to us."""
    prove(check)


def test_bucket_encrypted(check: BucketEncrypted, prove: Prove) -> None:
    """The bucket encrypts what is put into it."""
    prove(check)
