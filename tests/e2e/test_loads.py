"""A sample of page loads is planned to settle its promises, stops where nothing can change, and is counted fairly."""

from __future__ import annotations

import dataclasses
import math

import pytest
from playwright.sync_api import Browser

from fixtures.objectives import assess
from fixtures.target import Bound, Objective, Target
from fixtures.target.pages import Page
from reports.verdicts import Verdict
from scenarios.journeys.browser.loads import LEAST, OTHERS, Planned, Sampler, measured, planned, quantile
from scenarios.journeys.browser.timing import Load
from tests.e2e.site import Site, page, script

HWAYO = Target.load("hwayo")
LOGIN = HWAYO.objectives["page_login"]
ALL = HWAYO.objectives["page_load_time"]
FAST, SLOW = Load(load_s=0.1), Load(load_s=9.0)


def sampler(*objectives: Objective) -> Sampler:
    return Sampler(planned(HWAYO, objectives), new_context=lambda _: pytest.fail("nothing is to be loaded"))


def test_a_promise_on_one_page_loads_that_page_often_enough() -> None:
    (one,) = planned(HWAYO, [LOGIN])
    assert (one.page.name, one.loads) == ("login", 60)
    seen = measured(LOGIN, LOGIN.that, sampler(LOGIN), {"login": [FAST] * one.loads})
    assert assess(LOGIN, seen)[0] is Verdict.PASS


def test_a_stricter_percentile_takes_a_larger_sample() -> None:
    strict = LOGIN.model_copy(update={"that": Bound.read("p99 < 2s")})
    assert planned(HWAYO, [strict])[0].loads == 299


def test_a_promise_on_all_pages_loads_every_one() -> None:
    plan = {one.page.name: one.loads for one in planned(HWAYO, [LOGIN, ALL])}
    assert plan == {name: LEAST if name == "login" else OTHERS for name in HWAYO.pages}


def test_promises_that_are_not_asked_for_load_nothing() -> None:
    assert planned(HWAYO, [HWAYO.objectives["error_rate"]]) == []


@pytest.mark.parametrize(
    ("slow", "verdict"), [(0, Verdict.PASS), (1, Verdict.UNKNOWN), (6, Verdict.UNKNOWN), (7, Verdict.FAIL)]
)
def test_sixty_loads_are_judged_by_how_many_were_slow(slow: int, verdict: Verdict) -> None:
    loads = [SLOW] * slow + [FAST] * (60 - slow)
    seen = measured(LOGIN, LOGIN.that, sampler(LOGIN), {"login": loads})
    assert (seen.samples, seen.bad) == (60, slow)
    assert assess(LOGIN, seen)[0] is verdict


def test_the_stricter_figure_is_counted_by_its_own_bound() -> None:
    """Between the two: 1.7 s keeps 2 s and breaks 1.5 s."""
    assert LOGIN.should is not None
    loads = {"login": [Load(load_s=1.7)] * 60}
    assert measured(LOGIN, LOGIN.that, sampler(LOGIN), loads).bad == 0
    assert measured(LOGIN, LOGIN.should, sampler(LOGIN), loads).bad == 60


def test_a_load_that_failed_is_a_slow_one_however_soon_it_failed() -> None:
    loads = {"login": [Load(failed="/login answered 503", waited_s=0.01)] * 60}
    seen = measured(LOGIN, LOGIN.that, sampler(LOGIN), loads)
    assert seen.bad == 60
    assert "503" in seen.why


def test_stopping_early_never_changes_the_verdict() -> None:
    """What makes it hopeless fails the whole planned sample too, were all the rest fast; one less does not."""
    (one,) = planned(HWAYO, [LOGIN])
    for bad, verdict in ((one.hopeless, Verdict.FAIL), (one.hopeless - 1, Verdict.UNKNOWN)):
        whole = {"login": [SLOW] * bad + [FAST] * (one.loads - bad)}
        assert assess(LOGIN, measured(LOGIN, LOGIN.that, sampler(LOGIN), whole))[0] is verdict
    early = measured(LOGIN, LOGIN.that, sampler(LOGIN), {"login": [SLOW] * one.hopeless})
    assert assess(LOGIN, early)[0] is Verdict.FAIL


def test_a_page_that_was_given_up_early_does_not_count_for_less() -> None:
    """7 of 60 planned loads were made of one page: of the others as small a part counts, not all of it."""
    used = sampler(LOGIN, ALL)
    sample = {
        one.page.name: [SLOW] * 7 if one.page.name == "login" else [FAST] * one.loads for one in used.plan
    }
    seen = measured(ALL, ALL.that, used, sample)
    assert (seen.samples, seen.bad) == (7 + 6 * 2, 7)
    assert assess(ALL, seen)[0] is Verdict.FAIL


def test_no_load_is_no_evidence() -> None:
    seen = measured(LOGIN, LOGIN.that, sampler(LOGIN), {"login": []})
    assert seen.value is None
    assert assess(LOGIN, seen)[0] is Verdict.UNKNOWN


def test_quantiles_are_samples_and_not_between_them() -> None:
    assert quantile([float(i) for i in range(1, 61)], LOGIN) == 57
    assert quantile([1.0], LOGIN) == 1
    assert quantile([], LOGIN) is None


# --- in the browser ---------------------------------------------------------------------------------------------------
def plan(name: str, loads: int, bound: str, own: bool = True) -> Planned:
    shown = Page(title=name, path=f"/{name}", ready="body[data-ready=true]", source="§1")
    return Planned(shown.model_copy(update={"name": name}), loads, Bound.read(bound), own)


def test_pages_are_loaded_in_turns_and_a_hopeless_one_is_left(site: Site, browser: Browser) -> None:
    ready = "document.body.dataset.ready = true"
    site.answers.update({"/good": page(script="/now.js"), "/now.js": script(ready)})
    site.answers.update(
        {"/late": page(script="/late.js"), "/late.js": script(f"setTimeout(() => {{ {ready} }}, 400)")}
    )
    used = Sampler(
        [plan("good", 14, "p80 < 5s"), plan("late", 14, "p80 < 300ms")],
        lambda _: browser.new_context(base_url=site.url),
    )
    sample = used.run()
    good, late = sample["good"], sample["late"]
    assert [load.fresh for load in good] == [True, *[False] * 11, True, False]
    assert [load.failed for load in [*good, *late]] == [""] * len([*good, *late])
    assert len(late) == used.plan[1].hopeless < 14
    assert list(used.first_bad) == ["late"]
    (picture,) = used.first_bad["late"]
    assert picture.kind == "image"
    assert dataclasses.asdict(good[0])["lcp_s"]


def test_where_a_page_is_given_up_no_more_of_the_others_is_loaded_than_counts(
    site: Site, browser: Browser
) -> None:
    site.answers.update(
        {"/good": page(script="/now.js"), "/now.js": script("document.body.dataset.ready = true")}
    )
    used = Sampler(
        [plan("nowhere", 14, "p80 < 1s"), plan("good", 9, "p80 < 1s", own=False)],
        lambda _: browser.new_context(base_url=site.url),
    )
    sample = used.run()
    lost, good = used.plan
    assert len(sample["nowhere"]) == lost.hopeless
    assert len(sample["good"]) == math.ceil(lost.hopeless / lost.loads * good.loads) < good.loads
