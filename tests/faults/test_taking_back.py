"""Users who are to be taken back from a side that is failing, by whoever puts the fault in or by a release: those who
stay there, and a release that does not notice, are told of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.lab.breaking import Access
from fixtures.lab.systems.hwayo import release_breakage
from fixtures.target import Side
from reports.verdicts import Verdict
from scenarios.roles import STAGES, manifests
from scenarios.surroundings import Surroundings
from tests.faults.rows import Tried, broken, row
from tests.rights import lent

pytestmark = pytest.mark.lab


@pytest.fixture
def releasing(access: Access, around: Surroundings) -> Iterator[None]:
    """Who puts faults in may carry a release out as well."""
    made = manifests("release", STAGES["release"], Side.GREEN, around.environment.namespaces)
    with lent(access, made, "chaos"):
        yield


@pytest.mark.long
def test_users_who_stay_with_a_side_that_is_failing_are_told_of(tried: Tried, access: Access) -> None:
    """The mesh leads whoever was connected on to green, whose answers are errors by then."""
    told = row("errors-in-canary-noticed", load=None, noticed=None, rolls_back=True)
    keeps = release_breakage.Reluctant(taking_from=release_breakage.GREEN_PART, keeps=True)
    with broken(access, keeps):
        said, reason = tried(told)
    assert said is Verdict.FAIL
    assert "green still answers users" in reason


@pytest.mark.long
@pytest.mark.usefixtures("releasing")
def test_users_who_stay_with_a_side_from_which_a_release_was_taken_back_are_told_of(
    tried: Tried, access: Access
) -> None:
    keeps = release_breakage.Reluctant(taking_from=release_breakage.GREEN_PART, keeps=True)
    with broken(access, keeps):
        said, reason = tried(row("release-rolled-back"))
    assert said is Verdict.FAIL
    assert "green still answers users" in reason


@pytest.mark.long
@pytest.mark.usefixtures("releasing")
def test_a_release_that_does_not_notice_is_not_taken_for_one_that_does(tried: Tried) -> None:
    """A fault that is felt and breaks no bound of the document's; stand-in users are too few to promote anything."""
    slow = {"fault": "delay", "service": "notification-service", "by": "300ms", "share": "50%"}
    said, reason = tried(row("release-rolled-back", faults=[slow], asks="/notification/health"))
    assert said is not Verdict.PASS
    assert (
        "the release could not tell: inconclusive" in reason or "went on to 25% with the fault in" in reason
    )
    assert "after the release" not in reason
