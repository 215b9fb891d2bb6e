"""The test alert has to reach whom the profile's routes name, and no silence may hold its rules back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from fixtures.target import Duration
from reports.verdicts import Measurement
from scenarios.checks import measure
from tests.suites.recorded import around, the_check
from tests.suites.servers import address, nobody

RIGHT = (("pagerduty", "v2/enqueue"), ("slack", "#hwayo-critical"), ("email", "oncall@hwayo.com"))


@contextmanager
def monitoring(sends: Sequence[tuple[str, str]], silences: Sequence[Any] = ()) -> Iterator[str]:
    """URL of Alertmanager, sink and Prometheus in one: what is posted arrives, as channel and recipient."""
    messages: list[Any] = []
    config = "global: {external_labels: {cluster: prod}}"
    known = {"/api/v1/status/config": {"yaml": config}, "/api/v1/label/pod/values": ["api-gateway-1"]}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers: dict[str, Any] = {"/api/v2/silences": silences, "/messages": messages}
            path = self.path.partition("?")[0]
            in_prometheus = {"data": known.get(path, [])} if path.startswith("/api/v1/") else []
            self._answer(answers.get(path, in_prometheus))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            for channel, to in sends:
                messages.append({"at": time.time(), "channel": channel, "to": to, "body": body})
            self._answer([])

        def _answer(self, body: Any) -> None:
            raw = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Not into the tests' output."""

    server = ThreadingHTTPServer((address(), 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://{server.server_address[0]!s}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def silence(state: str = "active", **labels: str) -> dict[str, Any]:
    """A label's value may be a pattern after "~"."""
    matchers = [
        {"name": name, "value": value.removeprefix("~"), "isRegex": value.startswith("~"), "isEqual": True}
        for name, value in labels.items()
    ]
    return {
        "status": {"state": state},
        "createdBy": "mallory",
        "comment": "quiet",
        "endsAt": "2031-01-01T00:00:00Z",
        "matchers": matchers,
    }


def seen(sends: Sequence[tuple[str, str]] = RIGHT, *silences: Any) -> Measurement:
    with monitoring(sends, silences) as url:
        return measure(
            the_check("critical-reaches-people", within=Duration.read("1s")),
            around(alertmanager=url, sink=url, prometheus=url),
        )


def test_an_alert_that_reaches_everybody_it_is_written_to_breaks_nothing() -> None:
    found = seen()
    assert (found.value, found.samples) == (0, 3), found.why


def test_an_alert_that_reaches_somebody_else_has_not_arrived() -> None:
    found = seen((RIGHT[0], ("slack", "#random"), ("email", "nobody@hwayo.com")))
    assert found.value == 2
    assert "slack: no critical test alert at #hwayo-critical (#random had it) within 1s" in found.why
    assert "email: no critical test alert at oncall@hwayo.com (nobody@hwayo.com had it)" in found.why


def test_a_channel_on_which_nothing_comes_is_named() -> None:
    assert "pagerduty: no critical test alert within 1s" in seen(RIGHT[1:]).why


@pytest.mark.parametrize(
    ("held", "count"),
    [
        (silence(alertname="HighErrorRate"), 1),
        (silence(alertname="~High.*"), 2),
        (silence(alertname="HighErrorRate", namespace="hwayo-production-green"), 1),
        (silence(severity="critical"), 4),
        (silence(alertname="HighErrorRate", namespace="another"), 0),
        (silence(alertname="HighCPUUsage"), 0),  # a warning: the other check's
        (silence("expired", alertname="HighErrorRate"), 0),
        (silence(instance="elsewhere"), 0),
    ],
)
def test_a_silence_that_holds_a_rule_back_is_named_with_who_made_it(held: Any, count: int) -> None:
    found = seen(RIGHT, held)
    assert found.value == count, found.why
    if count:
        assert "HighErrorRate: a silence by mallory (quiet) holds it back until 2031-01-01" in found.why


@pytest.mark.parametrize(
    "held",
    [
        silence(pod="api-gateway-1"),
        silence(pod="~api-.*"),
        silence(cluster="prod"),
        silence(pod="~.*"),
        {
            **silence(team="billing"),
            "matchers": [silence(team="billing")["matchers"][0] | {"isEqual": False}],
        },
    ],
)
def test_a_silence_about_a_label_that_an_alert_may_have_leaves_it_unknown(held: Any) -> None:
    found = seen(RIGHT, held)
    assert found.value is None
    assert "a silence by mallory (quiet) may hold critical alerts back, by " in found.why


@pytest.mark.parametrize(
    "held",
    [
        silence(pod="elsewhere-1"),
        silence(team="billing"),
        silence(cluster="test"),
        silence("expired", pod="~.*"),
    ],
)
def test_a_silence_that_no_alert_of_ours_can_meet_is_nobodys_concern(held: Any) -> None:
    assert seen(RIGHT, held).value == 0


def test_a_silence_is_not_judged_by_a_prometheus_that_does_not_answer() -> None:
    with monitoring(RIGHT, [silence(pod="api-gateway-1")]) as url:
        looked = around(alertmanager=url, sink=url, prometheus=f"http://{nobody()}")
        found = measure(the_check("critical-reaches-people", within=Duration.read("1s")), looked)
    assert found.value is None
    assert "Prometheus" in found.why
