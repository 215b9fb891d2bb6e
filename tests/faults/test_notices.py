"""What is to be noticed is told apart by fault, and a service that fails in a row breaks the trigger on health."""

from __future__ import annotations

import http.server
import json
import threading
from urllib.parse import parse_qs, urlsplit

import httpx

from fixtures.clock import wait_until
from fixtures.target import Side, Target
from fixtures.target.experiment import Experiment, Noticed
from scenarios.faults.notices import Health, Notices, Seen, health_bound, trigger_of
from scenarios.surroundings import Surroundings

ENTRY = "http://127.0.0.1:1"
BREAKS_S = 10.0


def around(statuses: dict[str, int]) -> Surroundings:
    """Where health paths answer with those statuses, and all others with 200."""

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"x-served-side": "green"}
        return httpx.Response(statuses.get(request.url.path, 200), headers=headers, text="said")

    target = Target.load("hwayo")
    environment = target.environment("lab").model_copy(update={"entry": ENTRY, "sink": ENTRY})
    found = Surroundings(target, environment, Side.GREEN)
    found.doors[Side.GREEN] = httpx.Client(base_url=ENTRY, transport=httpx.MockTransport(answer))
    return found


def test_a_service_that_fails_four_times_in_a_row_breaks_the_trigger() -> None:
    failing = Health(around({"/report/health": 503}))
    assert failing.beyond() == ""  # once is not in a row
    wait_until(failing.beyond, BREAKS_S, poll_s=0.05)
    assert failing.beyond().startswith("report-generator failed 4 times in a row: answers 503")
    assert failing.beyond().endswith("breaks failures <= 3 failures")


def test_a_service_that_comes_back_begins_anew() -> None:
    statuses = {"/report/health": 503}
    seen = Health(around(statuses))
    wait_until(seen.beyond, BREAKS_S, poll_s=0.05)
    statuses.clear()
    wait_until(lambda: not seen.beyond(), BREAKS_S, poll_s=0.05)


def test_every_trigger_of_the_document_can_be_wanted() -> None:
    """§6.1."""
    here = around({})
    assert health_bound(here).text == "failures <= 3 failures"
    rollback = here.target.rollback
    assert rollback is not None
    metrics = [
        one.over.subject for one in (*rollback.triggers, *rollback.business) if one.over.kind == "metric"
    ]
    assert len(metrics) == 8
    assert [trigger_of(here, name)[0].name for name in metrics] == metrics


def test_every_trigger_and_every_alert_has_an_experiment() -> None:
    """Of Hwayo: §6.1, §7.3."""
    target = Target.load("hwayo")
    wanted = [one for check in target.checks if isinstance(check, Experiment) for one in check.notices]
    rollback, rules = target.rollback, target.alert_rules
    assert rollback is not None
    assert rules is not None
    triggers = {one.over.subject for one in (*rollback.triggers, *rollback.business)}
    alerts = {line.split()[-1] for line in rules.read_text().splitlines() if "- alert:" in line}
    assert triggers - {one.trigger for one in wanted} == set()
    assert alerts - {one.alert for one in wanted} == set()
    assert (len(triggers), len(alerts)) == (9, 6)


class Routes(http.server.BaseHTTPRequestHandler):
    """Alertmanager's list of alerts: one of either side's."""

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        alerts = [
            {"labels": {"alertname": "HighCPUUsage", "namespace": space}, "receivers": [{"name": to}]}
            for space, to in (("hwayo-production", "blues"), ("hwayo-production-green", "slack-ops"))
        ]
        ours = asked == {
            "filter": ['alertname="HighCPUUsage"'], "active": ["true"], "silenced": ["false"], "inhibited": ["false"],
        }  # fmt: skip
        body = json.dumps(alerts if ours else []).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_who_an_alert_is_routed_to_is_told_and_is_what_must_be_seen_where_nobody_can_read_what_was_received() -> (
    None
):
    wanted = Noticed.model_validate({"alert": "HighCPUUsage", "channels": ("slack",), "within": "1m"})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Routes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = around({})
    stated = {"sink": None, "alertmanager": f"http://127.0.0.1:{server.server_port}"}
    here.environment = here.environment.model_copy(update=stated)
    try:
        looking, seen = Notices(wanted, here), Seen()
        assert looking.expected == ["alert HighCPUUsage firing", "alert HighCPUUsage routed"]
        looking.begin(seen)
        looking.look()
    finally:
        here.close()
        server.shutdown()
        server.server_close()
    assert seen.said == {"alert HighCPUUsage routed": "to slack-ops"}


def test_two_alerts_are_each_received_for_themselves() -> None:
    here = around({})
    both = [
        Notices(Noticed.model_validate({"alert": alert, "channels": ("slack",), "within": "1m"}), here)
        for alert in ("HighCPUUsage", "HighMemoryUsage")
    ]
    seen = Seen()
    for one in both:
        one.begin(seen)
    seen.at("alert HighCPUUsage firing", 1.0)
    seen.at("HighCPUUsage received by slack", 2.0)
    assert [one.complete for one in both] == [True, False]
