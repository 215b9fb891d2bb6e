"""What is to be noticed of a fault, where the way to people is broken: who was not told is named, and nobody else."""

from __future__ import annotations

import pytest
import yaml

from fixtures.lab.breaking import Access, Written
from fixtures.lab.systems.hwayo import breakage
from reports.verdicts import Verdict
from tests.faults.rows import Tried, broken, row

pytestmark = pytest.mark.lab
NOTICED = {
    "trigger": "http_error_rate",
    "alert": "HighErrorRate",
    "channels": ["pagerduty", "slack", "email"],
}


@pytest.mark.long
def test_an_alert_that_is_led_elsewhere_is_missed_by_people(tried: Tried, access: Access) -> None:
    """Without its severity it takes the default route, which no pager hears."""

    def unlabelled(text: str) -> str:
        head, name, tail = text.partition("alert: HighErrorRate")
        return head + name + tail.replace("severity: critical", "severity: none", 1)

    with broken(access, Written(breakage.rules_file, unlabelled, breakage.read_again)):
        said, reason = tried(row("errors-noticed", noticed={**NOTICED, "within": "25s"}))
    assert said is Verdict.FAIL
    assert "received by pagerduty: not within 25 s" in reason
    assert "trigger" not in reason


@pytest.mark.long
def test_a_route_to_nobody_is_missed_by_people_and_by_nobody_else(tried: Tried, access: Access) -> None:
    def to_nobody(text: str) -> str:
        routes = yaml.safe_load(text)
        routes["receivers"].append({"name": "nobody"})
        for route in routes["route"]["routes"]:
            route["receiver"] = "nobody"
        return yaml.safe_dump(routes)

    with broken(access, Written(breakage.routes_file, to_nobody, breakage.routes_read_again)):
        said, reason = tried(row("errors-noticed", noticed={**NOTICED, "within": "20s"}))
    assert said is Verdict.FAIL
    for channel in NOTICED["channels"]:
        assert f"HighErrorRate received by {channel}: not within 20 s" in reason
    assert "alert HighErrorRate firing" not in reason
