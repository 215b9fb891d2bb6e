"""The performance page: self-contained, well-formed, and honest about what it could not compare."""

from __future__ import annotations

import dataclasses
import math
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.baseline import charts, forest, page
from reports.baseline.charts import Axis, Chart, Line
from reports.baseline.conditions import Difference
from reports.baseline.forest import Forest, Ratio
from reports.baseline.histogram import Histogram
from reports.baseline.page import Told
from reports.baseline.sides import Window, compare
from reports.baseline.store import Distribution, Floor, Kept, Noise, Point
from tests.load.test_store import kept

VOID = {"meta", "br", "link", "input", "hr", "img"}


class Balanced(HTMLParser):
    """Raises where an element is not closed in order; notes what the page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetches: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetches += [value for name, value in attrs if name in ("src", "href") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def run(at: int, slow: float = 1.0) -> Kept:
    rng = np.random.default_rng(at)
    spreads = []
    for endpoint, base in (("GET /api/v1/data-records", 9), ("POST /api/v1/auth/login", 11)):
        values = np.sort(rng.lognormal(base, 0.3, 2000) * slow)
        p50, p95, p99 = (float(values[int(share * 2000)]) / 1e6 for share in (0.5, 0.95, 0.99))
        histogram = Histogram.of(int(value) for value in values).coarser()
        spreads.append(Distribution(endpoint, "green", 2000, 1, p50, p95, p99, histogram))
    course = tuple(Point(float(second), 200.0, 0.0, 0.01, 0.02) for second in range(10))
    return kept(f"run{at}", at=at * 86_400.0, distributions=tuple(spreads), course=course)


def checked(html: str) -> str:
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    assert parser.fetches == []
    assert "<script" not in html
    return html


SLACK = {"": Floor(1.03, 1.08)} | {
    name: Floor(1.03, 1.08) for name in ("GET /api/v1/data-records", "POST /api/v1/auth/login")
}
NOISE = Noise(SLACK, SLACK)


def told(**more: Any) -> Told:
    runs = [run(at, 1.0 if at < 12 else 1.4) for at in range(15)]
    return Told(**{"now": runs[-1], "baseline": "main", "before": runs[:-1], "noise": NOISE, **more})


def test_a_page_says_what_changed_and_since_when(tmp_path: Path) -> None:
    html = checked(page.write(told(), tmp_path / "page.html").read_text())
    assert "Held against 14 runs of baseline main: GET /api/v1/data-records" in html
    assert "slower since run run12" in html
    assert "±3.0% for p50, ±8.0% for p95" in html
    assert html.count("<svg") == 5  # against the run before, distribution, two of the course, trend


def test_ratios_beyond_the_noise_floor_are_marked() -> None:
    before = [run(0)]
    slower = told(now=run(1, 1.5), before=before)
    assert all(row.beyond_noise("p95") for row in page.rows(slower))
    assert not any(row.beyond_noise("p50") for row in page.rows(told(now=run(0), before=before)))


def test_the_first_run_has_nothing_to_be_held_against() -> None:
    html = checked(page.render(Told(run(1))))
    assert "There is no baseline yet" in html
    assert "noise floor" not in html


def test_a_refusal_and_differences_are_said() -> None:
    html = checked(
        page.render(Told(run(1), "main", refused="measured under other conditions: load: then a, now b"))
    )
    assert "not comparable" in html
    html = checked(page.render(told(differences=[Difference("python", "3.11.9", "3.12.0", False)])))
    assert "python: then 3.11.9, now 3.12.0" in html


def test_an_invalid_run_says_so_on_top() -> None:
    late = dataclasses.replace(run(1), validity="the generator was late: p99 15.0 ms")
    assert "is not valid, and says nothing about the service: the generator was late" in page.render(
        Told(late)
    )


def test_a_run_that_broke_its_promises_says_so_on_top() -> None:
    now = dataclasses.replace(run(1), verdict="FAIL")
    assert page.headline(Told(now)).word == "FAILED"
    beside = page.headline(Told(run(1)))
    assert beside.word == "MEASURED"


def test_both_sides_stand_beside_each_other() -> None:
    rng = np.random.default_rng(1)
    cut = [Window(rng.lognormal(9, 0.2, 200), rng.lognormal(9, 0.2, 200) * 1.4) for _ in range(16)]
    shown = told(sides={"": compare(cut), "POST /login": compare(cut[:3])})
    html = checked(page.render(shown))
    assert page.headline(shown).word == "REGRESSED"
    assert "Green is slower than blue: p" in html
    assert '<circle class="spot fail"' in html
    assert "too little data" in html


@pytest.mark.parametrize(
    ("green", "requests", "word"),
    [(1.0, 4000, "UNCHANGED"), (1.4, 4000, "REGRESSED"), (1.0, 60, "TOO LITTLE DATA")],
)
def test_the_page_is_one_word_first(green: float, requests: int, word: str) -> None:
    rng = np.random.default_rng(2)
    cut = [
        Window(rng.lognormal(9, 0.3, requests), rng.lognormal(9, 0.3, requests) * green) for _ in range(16)
    ]
    assert page.headline(told(sides={"": compare(cut)})).word == word


def test_a_difference_is_held_against_the_noise_of_its_own_kind() -> None:
    """In turns the same code differs by 1%; from one run to the next by 30%, so 20% slower than then means nothing."""
    later = {name: Floor(1.3, 1.3) for name in SLACK}
    quiet = {name: Floor(1.01, 1.01) for name in SLACK}
    shown = page.rows(told(now=run(1, 1.2), before=[run(0)], noise=Noise(quiet, later)))
    assert [row.beyond_noise("p95") for row in shown] == [False, False]
    shown = page.rows(told(now=run(1, 1.2), before=[run(0)], noise=Noise(later, quiet)))
    assert [row.beyond_noise("p95") for row in shown] == [True, True]


def test_names_from_outside_are_text_on_the_page() -> None:
    spread = dataclasses.replace(run(1).distributions[0], endpoint="GET /<b>x</b>")
    html = checked(page.render(Told(kept(distributions=(spread,)))))
    assert "<b>x" not in html


def test_what_is_beyond_every_scale_stands_at_its_edge() -> None:
    lines = [Ratio("p50", 1.0, "1", 0.9, 1.1), Ratio("p95", math.exp(50), "∞", math.exp(50), math.exp(50))]
    drawn = forest.svg(Forest("dead", lines, limit=1.05))
    root = ET.fromstring(drawn)
    assert "nan" not in drawn
    places = [float(one.get("x2") or 0) for one in root.iter("line")]
    assert max(places) <= forest.WIDTH - forest.RIGHT + 1


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("points", [[(1.0, 5.0)], [(0.0, 0.0), (1.0, 0.0)], [(1.0, 1e-6), (2.0, 1e6)]])
def test_any_points_give_a_chart_that_can_be_parsed(points: list[tuple[float, float]], log: bool) -> None:
    drawn = charts.svg(Chart("c & d", Axis("x"), Axis("y", log=log), [Line("<one>", points, dots=True)]))
    root = ET.fromstring(drawn)
    assert "nan" not in drawn
    assert root.find("title") is not None


def test_names_at_the_ends_lie_neither_on_each_other_nor_on_the_axis() -> None:
    lines = [Line(name, [(0, 5), (9, 0)], colour) for colour, name in enumerate(("one", "other", "third"))]
    chart = charts.svg(Chart("ends", Axis("x"), Axis("y"), lines))
    root = ET.fromstring(chart)
    places = sorted(float(one.get("y", "0")) for one in root.iter("text") if "label" in one.get("class", ""))
    assert len(places) == 3
    assert all(after - one >= charts.LABEL_GAP for one, after in pairwise(places))
    assert places[-1] <= 300 - charts.BOTTOM + 4
