"""The release page: what happened is on it, in words and drawn, nothing is fetched, and no secret gets on it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from reports import page as report
from reports.release import course, drawn, page, record
from reports.release.record import Release
from reports.verdicts import Evidence, Measurement
from tests.reports.making import finding, run
from tests.reports.pages import Page
from tests.reports.releases import BEGUN, PROMOTE, release, rollback, stage

SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)
NOTHING = Release("hwayo", "", "lab", "1", "drive", BEGUN, BEGUN + 1, "inconclusive", ())
PROMOTED = release(
    outcome="promote", reasons=("5%: promoted",), stages=(stage(0.05, BEGUN + 5, PROMOTE),), rollback=None,
    downtime=(), failed_probes=0, notifications=(),
)  # fmt: skip
EVERY = pytest.mark.parametrize(
    "made", [release(), PROMOTED, NOTHING], ids=["rolled back", "promoted", "nothing"]
)


@EVERY
def test_a_page_is_whole_and_fetches_nothing(made: Release) -> None:
    html = page.render(made)
    seen = Page(html)
    assert seen.problems == []
    assert seen.scripts == 0
    assert "url(" not in html
    assert "@import" not in html


@EVERY
def test_every_drawing_is_sound(made: Release) -> None:
    for drawing in SVG.findall(page.render(made)):
        assert "nan" not in drawing.lower()
        assert "inf" not in drawing.lower()
        for one in Xml.fromstring(drawing).iter("rect"):
            assert float(one.get("width", "0")) >= 0
            assert float(one.get("height", "0")) >= 0


def test_it_says_what_was_decided_and_why() -> None:
    text = Page(page.render(release())).text
    for said in (
        "ROLLBACK FAILED", "35 of 592 (5.91%) of green's failed", "surely below 0.41%", "promote by watch",
        "32 of 650 answers (4.9%) came from green", "has no series", "http_requests_total",
        "15 min 0 s in the document", "HTTP 錯誤率 against blue came to 4,447, the highest of 2",
        "cpu < 80%", "not seen 登入成功率", "7 of 120 (6%)", "0 of 2,400 (0%)", "6 Deployments",
        "put back as it was found",
    ):  # fmt: skip
        assert said in text, said


def test_each_step_of_the_way_back_is_held_against_its_budget() -> None:
    html = page.render(release())
    text = Page(html).text
    assert "failed 立即切換流量到藍環境 33.4 s" in text
    assert "not done 清理綠環境 – 1 min not carried out" in text
    assert "done in all 34.2 s 5 min" in text  # in time, although a step of it was not
    assert "from the first bad answer to green's last answer 44.4 s" in text
    assert html.count('class="budget beyond"') == 1
    assert "not done in time" in text


@pytest.mark.parametrize(
    ("took_s", "used", "beyond"), [(15, 35, False), (30, 70, False), (31, 72.3, True), (300, 100, True)]
)
def test_a_bar_reaches_its_mark_at_the_budget(took_s: float, used: float, beyond: bool) -> None:
    found = page.bar(took_s, 30)
    assert found is not None
    assert (round(found.used, 1), found.beyond) == (used, beyond)


def test_what_took_no_time_that_anybody_saw_has_no_bar() -> None:
    assert page.bar(None, 30) is None
    assert page.bar(0.4, None) is None
    (total, anyhow) = page.in_all(rollback(last_green_s=None))
    assert (total.took_s, anyhow.took_s, anyhow.ok) == (34.2, None, None)


@pytest.mark.parametrize(
    ("differs", "word"),
    [
        ({"rollback": rollback(ok=True)}, "ROLLED BACK"),
        ({"rollback": rollback()}, "ROLLBACK FAILED"),
        ({"rollback": None}, "TO BE ROLLED BACK"),
        ({"outcome": "promote"}, "PROMOTED"),
        ({"outcome": "inconclusive"}, "INCONCLUSIVE"),
        ({"outcome": "something new"}, "INCONCLUSIVE"),
    ],
)
def test_the_headline_is_no_better_than_what_happened(differs: dict[str, object], word: str) -> None:
    found = page.headline(release(**differs))
    assert found.word == word
    assert (found.tone == "pass") is (word == "PROMOTED")


def test_who_was_told_and_who_was_not() -> None:
    text = Page(page.render(release())).text
    for said in ("lost slack", "no answer within 8 s", "delivered email", "not known webhook"):
        assert said in text
    assert "no message was sent" in Page(page.render(PROMOTED)).text


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (PROMOTED, "none in 4,000 probes"),
        (release(), "once, 1 s in all; 5 of 4,000 probes failed"),
        (NOTHING, "no probe was sent, so nobody knows"),
        (
            dataclasses.replace(PROMOTED, blind=((BEGUN, BEGUN + 2),)),
            "none in 4,000 probes; the prober itself was blind once",
        ),
    ],
)
def test_downtime_in_words(made: Release, said: str) -> None:
    assert course.downtime_in_words(made) == said


def test_the_course_shows_who_answered_when_and_who_failed() -> None:
    (drawing,) = SVG.findall(course.svg(release()))
    found = [one.get("class") for one in Xml.fromstring(drawing).iter() if one.get("class")]
    assert [found.count(f"by {side}") for side in ("blue", "green", "nobody")] == [
        81,
        81,
        81,
    ]  # and the legend
    assert (found.count("by failed"), found.count("down"), found.count("back")) == (2, 1, 1)
    words = [one.text for one in Xml.fromstring(drawing).iter("text")]
    assert {"5% ", "25% ", "automatic rollback"} <= set(words)


def test_what_was_before_the_release_is_not_drawn() -> None:
    early = dataclasses.replace(PROMOTED.traffic[0], from_s=BEGUN - 9, to_s=BEGUN - 8, by_side={"": 5000})
    drawn_both = [
        course.svg(dataclasses.replace(PROMOTED, traffic=bins))
        for bins in (PROMOTED.traffic, (early, *PROMOTED.traffic))
    ]
    assert drawn_both[0] == drawn_both[1]


def test_an_e_value_is_drawn_by_its_power_against_what_it_must_not_reach() -> None:
    chart = drawn.evidence(release().stages[1])
    assert [round(level, 6) for level, _ in chart.guides] == [3]
    assert chart.guides[0][1] == "rolled back from 1,000 on"
    first = chart.lines[0]
    assert first.name == "HTTP 錯誤率 against blue"
    assert [round(level * drawn.LN10, 6) for _, level in first.points] == [
        round(at * 0.7, 6) for at in range(1, 13)
    ]


def test_a_side_without_answers_has_no_share() -> None:
    first = release().stages[0]
    (metric,) = first.metrics
    silent = dataclasses.replace(
        metric, points=tuple(dataclasses.replace(one, blue=0) for one in metric.points)
    )
    assert [line.name for line in drawn.shares(first, silent).lines] == ["green"]


def test_a_long_list_of_downtimes_is_told_by_its_longest() -> None:
    many = tuple(
        dataclasses.replace(release().downtime[0], to_s=BEGUN + 40 + at / 100) for at in range(1, 60)
    )
    html = page.render(release(downtime=many))
    assert "And 47 that were no longer" in Page(html).text
    assert "590 ms" in html


def test_no_secret_gets_on_the_page_or_stays_in_the_record(tmp_path: Path) -> None:
    record.write(release(troubles=("postgresql://hwayo:hush-hush@db is away",)), tmp_path)
    page.write_of(tmp_path, lambda text: text.replace("hush-hush", "•••"))
    for name in (page.NAME, record.NAME):
        text = (tmp_path / name).read_text()
        assert "hush-hush" not in text
        assert "•••" in text
    assert record.read(tmp_path / record.NAME).stages == release().stages


def test_where_no_release_was_there_is_no_page(tmp_path: Path) -> None:
    assert page.write_of(tmp_path, str) is None
    assert list(tmp_path.iterdir()) == []


def test_what_anybody_said_is_text_on_the_page() -> None:
    html = page.render(release(reasons=("<script>alert(1)</script>",), title="<b>"))
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_report_leads_to_the_page_once() -> None:
    leads = Measurement(0, "count", 1, evidence=(Evidence("How the release went", page.NAME, "file"),))
    html = report.fragment(run(finding(measurement=leads), finding(name="other", measurement=leads)))
    assert html.count("See also") == 1
    assert html.count(f'<a href="{page.NAME}">How the release went</a>') == 1
    assert "See also" not in report.fragment(run(finding()))
