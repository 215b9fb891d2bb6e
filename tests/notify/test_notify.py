"""People are told on every channel; what does not arrive is named, and holds nobody up. The lab's own sink listens."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fixtures.evidence import Unreachable
from fixtures.lab.layout import Layout
from fixtures.lab.monitoring.sink import deaf_file
from fixtures.notify import Kind, Notifier, ReadBack, notifying, secrets_in
from fixtures.probes.sink import Message, Sink
from fixtures.redact import MARK, Redactor
from fixtures.target import Credential, Target
from tests.monitoring.running import monitoring
from tests.subnets import claimed

WARNING = (Kind.WARNING, "手動回滾完成", "客戶投訴激增")
RUN = "20250531T090000Z-hwayo-lab-1a2b3c"
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


def notifier_of(urls: Mapping[str, str], read_back: ReadBack | None = None, within_s: float = 8) -> Notifier:
    return Notifier({name: Credential.of_lab(url) for name, url in urls.items()}, RUN, read_back, within_s)


def test_everybody_is_told_what_and_why_and_it_is_seen_to_arrive(layout: Layout, sink: Sink) -> None:
    began_s = time.time()
    notifier = notifier_of(layout.channels, sink.messages)
    notifier.send(*WARNING)
    sent = notifier.outcome()
    assert {one.channel for one in sent} == CHANNELS
    assert [(one.delivered, one.why) for one in sent] == [(True, "")] * 4
    assert {(one.kind, one.text) for one in sent} == {("warning", "手動回滾完成\n客戶投訴激增")}
    arrived = sink.messages(began_s)
    assert {one.channel for one in arrived} == CHANNELS
    for one in arrived:
        assert all(text in one.text for text in (*WARNING[1:], RUN)), one


def test_a_channel_that_hangs_is_named_and_holds_nobody_up(layout: Layout, sink: Sink, deaf: Path) -> None:
    deaf.write_text("slack/")
    notifier = notifier_of(layout.channels, sink.messages, within_s=1.5)
    began_s = time.monotonic()
    notifier.send(*WARNING)
    assert time.monotonic() - began_s < 0.2
    sent = {one.channel: one for one in notifier.outcome()}
    assert time.monotonic() - began_s < 3.5
    assert {name for name, one in sent.items() if one.delivered} == CHANNELS - {"slack"}
    assert sent["slack"].delivered is False
    assert sent["slack"].why


def test_a_channel_where_nobody_listens_says_so(layout: Layout) -> None:
    with socket.socket() as free:
        free.bind((layout.ip(0, 99), 0))
        port = free.getsockname()[1]
    notifier = notifier_of({"webhook": f"json://{layout.ip(0, 99)}:{port}/x"}, within_s=3)
    notifier.send(*WARNING)
    (one,) = notifier.outcome()
    assert one.delivered is False
    assert one.why


def test_what_was_taken_and_never_arrived_is_lost(layout: Layout) -> None:
    notifier = notifier_of({"slack": layout.channels["slack"]}, lambda _: [], within_s=1)
    notifier.send(*WARNING)
    (one,) = notifier.outcome()
    assert (one.delivered, one.why) == (False, "handed over, and not there after 1 s")


def test_where_nobody_can_tell_nothing_is_claimed(layout: Layout) -> None:
    def silent(_: float) -> list[Message]:
        raise Unreachable("the sink does not answer")

    notifier = notifier_of({"slack": layout.channels["slack"]}, silent)
    notifier.send(*WARNING)
    (one,) = notifier.outcome()
    assert one.delivered is None
    assert "nobody can tell" in one.why


def test_without_a_way_to_read_back_the_channels_word_is_taken(layout: Layout) -> None:
    notifier = notifier_of({"slack": layout.channels["slack"]})
    notifier.send(*WARNING)
    assert notifier.outcome()[0].delivered is True


def test_a_channel_that_nobody_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HWAYO_SLACK", raising=False)
    notifier = Notifier({"slack": Credential("env:HWAYO_SLACK")}, RUN)
    (one,) = notifier.tell("success", "部署完成: 所有流量已切換到綠環境")
    assert (one.delivered, one.text) == (False, "部署完成\n所有流量已切換到綠環境")
    assert "HWAYO_SLACK is not set" in one.why


def test_an_environments_channels_are_told_and_read_back(layout: Layout) -> None:
    channels = {name: Credential.of_lab(url) for name, url in layout.channels.items()}
    environment = Target.load("hwayo").environment("lab")
    found = environment.model_copy(update={"channels": channels, "sink": f"http://{layout.sink}"})
    with notifying(found, RUN) as notifier:
        first = notifier.tell("warning", "自動回滾失敗: blue is not fit")
        second = notifier.tell("success", "自動回滾完成")
    assert [one.delivered for one in (*first, *second)] == [True] * 8
    assert {one.text for one in second} == {"自動回滾完成"}


@pytest.mark.parametrize("url", ["", "hwayo.com", "nosuch://a/b", "slack://"])
def test_a_url_that_is_none_is_named_without_being_shown(url: str) -> None:
    notifier = notifier_of({"slack": url})
    notifier.send(*WARNING)
    (one,) = notifier.outcome()
    assert one.delivered is False
    assert "not a URL that Apprise knows" in one.why
    assert not url or url not in one.why


def test_apprise_leaves_no_handler_behind(layout: Layout) -> None:
    before = list(logging.getLogger("apprise").handlers)
    notifier = notifier_of(layout.channels)
    notifier.send(*WARNING)
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
