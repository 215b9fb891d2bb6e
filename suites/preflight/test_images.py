"""What runs is what was built."""

from __future__ import annotations

import pytest

from fixtures.target.checks import ImagesSized, ImagesTagged
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_images_tagged(check: ImagesTagged, prove: Prove) -> None:
    """Every pod runs its service's image, under a tag that leads back to a build and a commit."""
    prove(check)


def test_images_sized(check: ImagesSized, prove: Prove) -> None:
    """No image is larger than the document allows."""
    prove(check)
