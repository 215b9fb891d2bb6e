"""What stands in the cluster is what stands in the repository."""

from __future__ import annotations

import pytest

from fixtures.target.delivery import ApplicationHealthy, ApplicationSynced, RevisionDeployed
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_application_synced(check: ApplicationSynced, prove: Prove) -> None:
    """Nothing in the cluster differs from the repository, by the word of who has looked of late."""
    prove(check)


def test_application_healthy(check: ApplicationHealthy, prove: Prove) -> None:
    """Everything that is delivered is healthy."""
    prove(check)


def test_revision_deployed(check: RevisionDeployed, prove: Prove) -> None:
    """The commit that is deployed is the one that is meant."""
    prove(check)
