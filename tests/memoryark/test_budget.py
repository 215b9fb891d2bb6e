"""MemoryArk's error budget, asked of a real Prometheus that watched for a month: half a per cent may be down."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from fixtures.clock import wait_until
from fixtures.lab.process import Part, Running
from fixtures.target import Side, Target
from fixtures.tools import find
from reports.verdicts import Measurement
from scenarios.checks import measure
from scenarios.surroundings import Surroundings

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]
MONTH_S, HOUR_S, STEP_S = 730.5 * 3600, 3600.0, 30.0
JOBS = ("memoryark-backend", "line-service")
ANSWERS_S = 30.0
LONG = "--max-block-duration=1000h"  # else it makes one for each two hours, and reads everything for each
Down = Sequence[tuple[str, float]]  # who was, and for how long: one after the other, from the second day on


def written(watched_s: float, down: Down, hole_s: float) -> Iterator[str]:
    """What Prometheus scraped, as OpenMetrics: nothing at all for so long, in the third week."""
    now_s = time.time()
    begun_s = now_s - watched_s
    outages, at_s = [], begun_s + 24 * HOUR_S
    for job, lasts_s in down:
        outages.append((job, at_s, at_s + lasts_s))
        at_s += lasts_s
    hole = begun_s + 400 * HOUR_S, begun_s + 400 * HOUR_S + hole_s
    yield "# TYPE up gauge\n"
    for job in JOBS:
        for number in range(int(watched_s / STEP_S)):
            moment_s = begun_s + number * STEP_S
            if not hole[0] <= moment_s < hole[1]:
                is_down = any(who == job and first <= moment_s < last for who, first, last in outages)
                yield f'up{{job="{job}"}} {int(not is_down)} {moment_s:.0f}\n'
    yield "# EOF\n"


@contextmanager
def monitoring(folder: Path, lines: Iterator[str]) -> Iterator[str]:
    """A Prometheus that has kept that. Its URL."""
    prometheus, promtool = find("prometheus"), find("promtool")
    if prometheus is None or promtool is None:
        pytest.skip("there is no Prometheus: run `make setup`")
    past, config = folder / "past.om", folder / "prometheus.yml"
    past.write_text("".join(lines))
    config.write_text("{}\n")
    blocks = [
        str(promtool),
        "tsdb",
        "create-blocks-from",
        LONG,
        "openmetrics",
        str(past),
        str(folder / "data"),
    ]
    subprocess.run(blocks, check=True, capture_output=True, timeout=120)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    stored = (f"--storage.tsdb.path={folder / 'data'}", "--storage.tsdb.retention.time=90d")
    command = [str(prometheus), f"--config.file={config}", *stored, f"--web.listen-address={address}"]
    running = Running(Part("prometheus", command), folder / "log")
    try:
        wait_until(lambda: _answers(f"http://{address}/-/ready"), ANSWERS_S)
        yield f"http://{address}"
    finally:
        running.stop()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def seen(folder: Path, watched_s: float, down: Down = (), hole_s: float = 0.0) -> Measurement:
    target = Target.load("memoryark-line")
    (check,) = (one for one in target.checks if one.name == "error-budget")
    with monitoring(folder, written(watched_s, down, hole_s)) as url:
        environment = target.environment("lab").model_copy(update={"prometheus": url})
        around = Surroundings(target, environment, Side.GREEN)
        try:
            return measure(check, around)
        finally:
            around.close()


BACKEND, LINE = JOBS


@pytest.mark.parametrize("down", [(), ((LINE, 3.5 * HOUR_S),), ((BACKEND, 2 * HOUR_S), (LINE, 1.5 * HOUR_S))])
def test_up_to_half_a_per_cent_of_a_month_may_be_down(tmp_path: Path, down: Down) -> None:
    found = seen(tmp_path, MONTH_S + 2 * HOUR_S, down)
    assert (found.bad, found.why) == (0, "")


@pytest.mark.parametrize("down", [((LINE, 3.8 * HOUR_S),), ((BACKEND, 2 * HOUR_S), (LINE, 1.8 * HOUR_S))])
def test_more_is_overspent_whichever_of_the_two_was_down(tmp_path: Path, down: Down) -> None:
    found = seen(tmp_path, MONTH_S + 2 * HOUR_S, down)
    assert found.bad == 1
    assert "overspent by" in found.why


def test_what_nobody_watched_is_not_taken_for_up(tmp_path: Path) -> None:
    found = seen(tmp_path, MONTH_S + 2 * HOUR_S, hole_s=5 * HOUR_S)
    assert found.value is None
    assert not found.young
    assert "were watched, 0.0 min of them down" in found.why


def test_of_a_young_project_nothing_is_known_yet(tmp_path: Path) -> None:
    found = seen(tmp_path, 30 * HOUR_S, ((LINE, HOUR_S),))
    assert found.value is None
    assert found.young
