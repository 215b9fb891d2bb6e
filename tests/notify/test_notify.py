"""People are told on every channel; what does not arrive is named, and holds nobody up. The lab's own sink listens."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.evidence import Unreachable
from fixtures.lab.layout import Layout
from fixtures.lab.monitoring.sink import deaf_file
from fixtures.notify import Kind, Notice, Notifier, delivery, secrets_in
from fixtures.probes.sink import Message, Sink
from fixtures.redact import MARK, Redactor
from tests.monitoring.running import monitoring
from tests.subnets import claimed

WARNING = Notice(Kind.WARNING, "手動回滾完成", "客戶投訴激增", "20250531T090000Z-hwayo-lab-1a2b3c")
CHANNELS = {"slack", "pagerduty", "webhook", "email"}


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    with claimed() as subnet:
        found = Layout(subnet, tmp_path_factory.mktemp("sink"))
        with monitoring(found):
            yield found


@pytest.fixture
def sink(layout: Layout) -> Iterator[Sink]:
    found = Sink(f"http://{layout.sink}")
    yield found
    found.close()


@pytest.fixture
def deaf(layout: Layout) -> Iterator[Path]:
    file = deaf_file(layout.home)
    yield file
    file.unlink()


def test_everybody_is_told_what_and_why_and_it_is_seen_to_arrive(layout: Layout, sink: Sink) -> None:
    began_s = time.time()
    notifier = Notifier(layout.channels, sink.messages)
    notifier.send(WARNING)
    sent = notifier.outcome()
    assert {one.channel for one in sent} == CHANNELS
    assert [(one.delivered, one.why) for one in sent] == [(True, "")] * 4
    assert {(one.kind, one.text) for one in sent} == {("warning", "手動回滾完成\n客戶投訴激增")}
    arrived = sink.messages(began_s)
    assert {one.channel for one in arrived} == CHANNELS
    for one in arrived:
        assert all(text in one.text for text in (WARNING.title, WARNING.text, WARNING.reference)), one
    measured = delivery(sent)
    assert (measured.value, measured.samples, measured.why) == (0, 4, "")


def test_a_channel_that_hangs_is_named_and_holds_nobody_up(layout: Layout, sink: Sink, deaf: Path) -> None:
    deaf.write_text("slack/")
    notifier = Notifier(layout.channels, sink.messages, within_s=1.5)
    began_s = time.monotonic()
    notifier.send(WARNING)
    assert time.monotonic() - began_s < 0.2
    sent = {one.channel: one for one in notifier.outcome()}
    assert time.monotonic() - began_s < 3.5
    assert {name for name, one in sent.items() if one.delivered} == CHANNELS - {"slack"}
    assert sent["slack"].delivered is False
    measured = delivery(list(sent.values()))
    assert (measured.value, measured.bad, measured.samples) == (1, 1, 4)
    assert measured.why.startswith("slack: ")


def test_a_channel_where_nobody_listens_says_so(layout: Layout) -> None:
    with socket.socket() as free:
        free.bind((layout.ip(0, 99), 0))
        port = free.getsockname()[1]
    notifier = Notifier({"webhook": f"json://{layout.ip(0, 99)}:{port}/x"}, within_s=3)
    notifier.send(WARNING)
    (one,) = notifier.outcome()
    assert one.delivered is False
    assert one.why


def test_what_was_taken_and_never_arrived_is_lost(layout: Layout) -> None:
    notifier = Notifier({"slack": layout.channels["slack"]}, lambda _: [], within_s=1)
    notifier.send(WARNING)
    assert "not there after 1 s" in delivery(notifier.outcome()).why


def test_where_nobody_can_tell_nothing_is_claimed(layout: Layout) -> None:
    def silent(_: float) -> list[Message]:
        raise Unreachable("the sink does not answer")

    notifier = Notifier({"slack": layout.channels["slack"]}, silent)
    notifier.send(WARNING)
    (one,) = notifier.outcome()
    assert one.delivered is None
    assert delivery([one]).value is None
    assert "nobody can tell" in delivery([one]).why


def test_without_a_way_to_read_back_the_channels_word_is_taken(layout: Layout) -> None:
    notifier = Notifier({"slack": layout.channels["slack"]})
    notifier.send(WARNING)
    assert notifier.outcome()[0].delivered is True


def test_nothing_sent_is_no_evidence() -> None:
    assert delivery(Notifier({}).outcome()).value is None


@pytest.mark.parametrize("url", ["", "hwayo.com", "nosuch://a/b", "slack://"])
def test_a_url_that_is_none_is_named_without_being_shown(url: str) -> None:
    notifier = Notifier({"slack": url})
    notifier.send(WARNING)
    (one,) = notifier.outcome()
    assert one.delivered is False
    assert "not a URL that Apprise knows" in one.why
    assert not url or url not in one.why


def test_apprise_leaves_no_handler_behind(layout: Layout) -> None:
    before = list(logging.getLogger("apprise").handlers)
    notifier = Notifier(layout.channels)
    notifier.send(WARNING)
    notifier.outcome()
    assert logging.getLogger("apprise").handlers == before


@pytest.mark.parametrize(
    ("url", "secrets", "shown"),
    [
        (
            "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#hwayo-incidents",
            {"T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ"},
            "hwayo-incidents",
        ),
        ("pagerduty://IntKey0123456789@ApiKey98765/", {"IntKey0123456789", "ApiKey98765"}, "Notification"),
        ("mailtos://ops:p4ss%40word@mail.example/?to=a@example.com", {"p4ss@word"}, "mail.example"),
        ("jsons://hook.example/p?+X-Token=abc12345", {"abc12345"}, "hook.example"),
        ("json://127.1.0.32:9095/slack/releases", set(), "127.1.0.32"),
    ],
)
def test_what_is_secret_in_a_url_is_hidden_and_the_rest_is_not(
    url: str, secrets: set[str], shown: str
) -> None:
    found = set(secrets_in(url))
    assert found == {url, *secrets}
    redactor = Redactor(found)
    assert MARK in redactor(f"POST {url}")
    for secret in secrets:
        assert secret not in redactor(f"POST {url}")
        assert secret not in redactor(f"https://hooks.example/{secret}/x refused")
    assert redactor(f"sent to {shown}") == f"sent to {shown}"
