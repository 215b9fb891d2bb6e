"""Against a real lab: the timeline's moments are those of Envoy's log, and Prometheus counts what probes saw."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest

from fixtures.clock import wait_until
from fixtures.lab import Lab
from fixtures.probes.prometheus import Prometheus
from fixtures.target import Target
from scenarios.release.counts import Increments
from scenarios.release.probes import Plan
from scenarios.release.probing import Probing
from scenarios.release.source import PrometheusCounters, counter
from scenarios.release.watch import Counts
from tests.release.switching import Switch, compare

pytestmark = pytest.mark.lab
COUNTED = "/"  # answered by the gateway itself, which does not count who asks for its health
NAMESPACES = {"hwayo-production": "blue", "hwayo-production-green": "green"}


def test_the_timeline_is_off_by_no_more_than_one_interval_between_probes(lab: Lab, tmp_path: Path) -> None:
    """And by what an answer may take, because this machine does other things too."""
    compared = compare(lab, tmp_path, switches=5, each_s=1.0)
    assert compared.missing == 0
    assert all(one.error_s <= 0.02 + one.slow_s for one in compared.moments)
    assert min(compared.answered_s) > -0.005  # nobody hears an answer before it is sent
    assert statistics.median(compared.answered_s) <= 0.05


def test_prometheus_counts_on_each_side_what_the_probes_were_served(lab: Lab, tmp_path: Path) -> None:
    target = Target.load("hwayo")
    prometheus = Prometheus(lab.facts["prometheus"])
    metric = target.metrics["http_error_rate"]
    source = PrometheusCounters(prometheus, [counter(metric)], NAMESPACES)
    increments, sums = Increments(source.counters, stale_s=10, patience_s=30), [0.0] * 4

    def read_on() -> bool:
        step = increments.take(source.read())
        assert step.troubles == ()
        if step.counts:
            sums[:] = [one + more for one, more in zip(sums, step.counts[0], strict=True)]
        return step.counts is not None

    switch = Switch(lab)
    try:
        switch.green(30)
        wait_until(read_on, 30, poll_s=0.5)
        sums[:] = [0.0] * 4
        with Probing(Plan(lab.facts["entry"] + COUNTED, ca=lab.facts["ca"]), tmp_path / "p.bin") as probing:
            until_s = time.time() + 4
            wait_until(lambda: read_on() and probing.timeline().whole_until_s > until_s, 60, poll_s=0.5)
            timeline = probing.stop()
        for _ in range(2):  # what the last probes left is scraped within a tick or two
            wait_until(read_on, 30, poll_s=0.5)
    finally:
        switch.close()
        prometheus.close()
    served = timeline.shares()
    found = Counts(*sums)
    assert found.green_bad == found.blue_bad == 0
    assert found.green == pytest.approx(served["green"] * timeline.count, abs=0.5)
    assert found.blue == pytest.approx(served["blue"] * timeline.count, abs=0.5)
