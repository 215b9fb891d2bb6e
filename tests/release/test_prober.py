"""The prober as the process that it is, against a small front door."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fixtures.clock import wait_until
from scenarios.release.probes import Connections, Outcome, Plan, Served, read
from scenarios.release.probing import ProberFailed, Probing
from scenarios.release.timeline import Timeline
from tests.release.front import Front, serving

RATE_RPS = 100.0


@pytest.fixture
def front() -> Iterator[Front]:
    with serving() as served:
        yield served


def plan(url: str, connections: Connections = Connections.BOTH, timeout_s: float = 0.3) -> Plan:
    return Plan(url, RATE_RPS, timeout_s, in_flight=50, connections=connections)


def reached(probing: Probing, count: int) -> None:
    wait_until(lambda: probing.timeline().count >= count, timeout_s=20)


def probed(plan: Plan, folder: Path, count: int = 30) -> Timeline:
    with Probing(plan, folder / "probes.bin") as probing:
        reached(probing, count)
        return probing.stop()


def test_probes_are_due_at_a_fixed_rate_and_every_one_is_in_the_record(front: Front, tmp_path: Path) -> None:
    timeline = probed(plan(front.url), tmp_path, 60)
    due_us = timeline.probes["due_us"]
    assert set(np.diff(due_us)) == {round(1e6 / RATE_RPS)}
    assert timeline.outcomes() == {Outcome.OK: len(due_us)}
    assert list(timeline.served()) == [Served("blue", "blue-1", "")]
    assert timeline.error_share == 0
    assert timeline.downtime() == []


def test_a_slow_answer_delays_no_other_probe(front: Front, tmp_path: Path) -> None:
    front.delay_s = 0.2
    timeline = probed(plan(front.url), tmp_path, 60)
    assert set(np.diff(timeline.probes["due_us"])) == {round(1e6 / RATE_RPS)}
    assert np.median(timeline.probes["latency_us"]) >= 200_000
    assert np.median(timeline.probes["late_us"]) < 50_000


def test_each_fresh_probe_has_a_connection_of_its_own_and_kept_ones_share_theirs(
    front: Front, tmp_path: Path
) -> None:
    for name, connections in (("fresh", Connections.FRESH), ("kept", Connections.KEPT)):
        (tmp_path / name).mkdir()
        front.connections = 0
        timeline = probed(plan(front.url, connections), tmp_path / name)
        if connections is Connections.FRESH:
            assert front.connections >= timeline.count
        else:
            assert (
                front.connections < timeline.count
            )  # a slow answer holds its connection, so more are opened
        assert set(timeline.probes["fresh"]) == {connections is Connections.FRESH}


def test_a_switch_is_seen_with_who_left_and_who_arrived(front: Front, tmp_path: Path) -> None:
    front.side = "green"
    with Probing(plan(front.url), tmp_path / "probes.bin") as probing:
        reached(probing, 20)
        front.side, switched_s = "blue", time.time()
        reached(probing, probing.timeline().count + 30)
        timeline = probing.stop()
    left_s, arrived_s = timeline.left_s("green"), timeline.arrived_s("blue")
    assert left_s is not None
    assert arrived_s is not None
    assert abs(left_s - switched_s) < 0.2
    assert arrived_s >= switched_s
    assert timeline.between(arrived_s + 0.1, switched_s + 60).shares() == {"blue": 1.0}


def test_an_outage_is_downtime_with_its_kind_of_failure(tmp_path: Path) -> None:
    """The server is gone for a while, and comes back on the same port."""
    with serving() as front:
        port = front.port
        probing = Probing(plan(front.url, Connections.FRESH), tmp_path / "probes.bin")
        reached(probing, 10)
        leaves_s = time.time()
    gone_s = time.time()
    reached(probing, probing.timeline().count + 20)
    comes_s = time.time()
    with serving(port):
        back_s = time.time()
        reached(probing, probing.timeline().count + 30)
        timeline = probing.stop()
    assert timeline.outcomes()[Outcome.REFUSED] >= 10
    longest = max(timeline.downtime(), key=lambda one: one.length_s)
    assert leaves_s - 0.3 <= longest.from_s <= gone_s + 1  # a server takes its time to stop and to begin
    assert comes_s - 0.3 <= longest.to_s <= back_s + 1
    recovered_s = timeline.recovered_s(gone_s, lasting_s=0.1)
    assert recovered_s is not None
    assert recovered_s >= longest.to_s


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        ({"status": 503}, Outcome.STATUS),
        ({"delay_s": 1.0}, Outcome.TIMEOUT),
        ({"hangs_up": True}, Outcome.RESET),
    ],
)
def test_each_failure_has_its_outcome(
    front: Front, tmp_path: Path, behaviour: dict[str, float], outcome: Outcome
) -> None:
    for name, value in behaviour.items():
        setattr(front, name, value)
    timeline = probed(plan(front.url), tmp_path)
    assert outcome in timeline.outcomes()
    assert timeline.error_share == 1


def test_a_name_that_does_not_resolve_and_a_door_without_tls_are_told_apart(
    front: Front, tmp_path: Path
) -> None:
    for name, url, outcome in (
        ("name", "http://nowhere.invalid/", Outcome.NAME),
        ("tls", front.url.replace("http:", "https:"), Outcome.TLS),
    ):
        (tmp_path / name).mkdir()
        assert outcome in probed(plan(url, timeout_s=5), tmp_path / name, 5).outcomes()


def test_what_is_due_while_too_many_are_unanswered_is_dropped_and_not_held_against_the_system(
    front: Front, tmp_path: Path
) -> None:
    front.delay_s = 0.25
    timeline = probed(Plan(front.url, RATE_RPS, in_flight=3), tmp_path)
    assert timeline.outcomes()[Outcome.DROPPED] > 10
    assert timeline.error_share == 0
    assert timeline.blind(1.0)


def test_each_probe_says_its_run_and_number(front: Front, tmp_path: Path) -> None:
    probed(Plan(front.url, RATE_RPS, headers={"canary": "true"}), tmp_path)
    run = read(tmp_path / "probes.bin").run
    assert {f"{run}-0", f"{run}-1"} <= {heard["x-request-id"] for heard in front.heard}
    assert {heard["canary"] for heard in front.heard} == {"true"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_everything_written(
    front: Front, tmp_path: Path, number: signal.Signals
) -> None:
    front.delay_s = 0.1
    out = tmp_path / "probes.bin"
    command = [sys.executable, "-m", "scenarios.release.prober", "--url", front.url, "--out", str(out)]
    with subprocess.Popen(command) as process:
        wait_until(lambda: out.exists() and out.stat().st_size > 200, timeout_s=20)
        process.send_signal(number)
        assert process.wait(10) == 0
    timeline = Timeline.read(out)
    assert timeline.count == len(timeline.probes)
    assert timeline.whole_until_s == pytest.approx(timeline.probes["due_us"][-1] / 1e6 + 0.02, abs=0.001)


def test_it_ends_with_its_parent(front: Front, tmp_path: Path) -> None:
    out = tmp_path / "probes.bin"
    command = [sys.executable, "-m", "scenarios.release.prober", "--url", front.url, "--out", str(out)]
    with subprocess.Popen([*command, "--with-parent"], stdin=subprocess.PIPE) as process:
        wait_until(lambda: out.exists() and out.stat().st_size > 200, timeout_s=20)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_prober_that_cannot_begin_says_why(tmp_path: Path) -> None:
    with pytest.raises(ProberFailed, match=r"missing\.pem|No such file"):
        Probing(Plan("https://127.0.0.1:1/", ca="/missing.pem"), tmp_path / "probes.bin")


def test_a_prober_that_died_is_not_taken_for_one_that_was_stopped(front: Front, tmp_path: Path) -> None:
    probing = Probing(plan(front.url), tmp_path / "probes.bin")
    probing._process.kill()
    probing._process.wait()
    with pytest.raises(ProberFailed, match="before it was told to"):
        probing.stop()
    assert probing.timeline().count > 0


@pytest.mark.parametrize("wrong", [{"rate_rps": 0}, {"timeout_s": -1}, {"in_flight": 0}])
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Plan("http://x", **wrong)  # type: ignore[arg-type]


def test_a_session_reaches_the_door_and_no_record(front: Front, tmp_path: Path) -> None:
    with Probing(plan(front.url), tmp_path / "probes.bin", {"Authorization": "Bearer hidden"}) as probing:
        reached(probing, 5)
        command = Path(f"/proc/{probing.pid}/cmdline").read_bytes()
        probing.stop()
    assert {one["Authorization"] for one in front.heard} == {"Bearer hidden"}
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"hidden" not in written + command
