"""What an experiment found is held against each of its bounds, and every way to miss one is told by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.ledger import Entry, Runner
from fixtures.objectives import assess
from fixtures.target.experiment import Experiment
from reports.chaos import page
from reports.release.record import Rollback, Step
from reports.verdicts import Verdict
from scenarios.faults import takeback
from scenarios.faults.acts import Undone
from scenarios.faults.conclusions import Conclusion, Conclusions
from scenarios.faults.course import Course, judged, left_behind
from scenarios.faults.healing import Healed
from scenarios.faults.notices import Seen
from scenarios.faults.radius import Plan
from scenarios.faults.rush import Rush
from scenarios.faults.site import Injection
from scenarios.release.probes import Outcome, Record
from tests.release.test_timeline import BEGAN_US, STEP_US, timeline

T0 = BEGAN_US / 1e6  # the first probe
TOLD: dict[str, Any] = {
    "check": "experiment",
    "name": "x",
    "title": "x",
    "source": "§6.1",
    "faults": ({"fault": "pod-kill", "service": "web-app"},),
    "asks": "/health",
    "lost": "10%",
    "noticed": {
        "trigger": "http_error_rate",
        "alert": "HighErrorRate",
        "channels": ("slack",),
        "within": "3s",
    },
    "recovers": {"after": "heal", "within": "2s"},
}
EXPERIMENT = Experiment.model_validate(TOLD)
EXPECTED = ["trigger http_error_rate", "alert HighErrorRate firing", "HighErrorRate received by slack"]


def users(failing: range = range(0), latency_us: int = 1000) -> Any:
    """Fifty a second, for ten seconds."""
    return timeline(
        [
            Record(
                due_us=BEGAN_US + number * STEP_US,
                late_us=0,
                latency_us=latency_us,
                status=503 if number in failing else 200,
                served=2,
                outcome=Outcome.STATUS if number in failing else Outcome.OK,
                fresh=True,
            )
            for number in range(500)
        ]
    )


def seen_at(after_s: float, what: list[str] = EXPECTED) -> Seen:
    return Seen(dict.fromkeys(what, T0 + after_s), dict.fromkeys(what, ""))


def course(**differs: Any) -> Course:
    """The fault is in from the first second to the fifth; everything is noticed after two."""
    injection = Injection(
        "pod-kill", Plan((), ("web",), 2), T0 + 1, bit=T0 + 1.2, healing=T0 + 5, healed=T0 + 6
    )
    found = Course(dict.fromkeys(EXPECTED, 3.0), [injection], seen_at(3), users(), T0 + 5.5)
    return replace(found, **differs)


def verdict(found: Course, **told: Any) -> tuple[Verdict, str]:
    experiment = Experiment.model_validate({**TOLD, **told})
    return assess(experiment, judged(experiment, found))


def test_what_went_as_the_document_says_passes() -> None:
    said, reason = verdict(course())
    assert said is Verdict.PASS
    assert "5 examined" in reason
    (evidence,) = judged(EXPERIMENT, course()).evidence
    assert evidence.text.splitlines()[0] == "    0.00 s  pod-kill put in"
    assert "    2.00 s  alert HighErrorRate firing" in evidence.text
    assert "0 of 200 requests of users failed" in evidence.text


@pytest.mark.parametrize(
    ("differs", "says"),
    [
        ({"seen": Seen()}, "trigger http_error_rate: not within 3 s"),
        ({"seen": seen_at(4.1)}, "alert HighErrorRate firing: not within 3 s"),
        ({"seen": seen_at(2, EXPECTED[:2])}, "HighErrorRate received by slack: not within 3 s"),
        ({"recovered": T0 + 7.1}, "not served again within 2s of the heal"),
        ({"recovered": None}, "not served again within 2s of the heal"),
        ({"users": users(range(60, 100))}, "20.0% of users' requests failed meanwhile, allowed are 10%"),
    ],
)
def test_each_bound_that_is_missed_is_named(differs: dict[str, Any], says: str) -> None:
    said, reason = verdict(course(**differs))
    assert said is Verdict.FAIL
    assert says in reason


def test_failures_outside_of_the_fault_are_not_counted_to_it() -> None:
    assert verdict(course(users=users(range(0, 50))))[0] is Verdict.PASS
    assert verdict(course(users=users(range(260, 300))))[0] is Verdict.PASS


def test_without_anybody_asking_nothing_is_known() -> None:
    assert verdict(course(users=timeline([])))[0] is Verdict.UNKNOWN


def test_users_who_are_kept_waiting_are_told_of_although_all_are_served() -> None:
    said, reason = verdict(course(users=users(latency_us=4_000_000)), answers="3s")
    assert said is Verdict.FAIL
    assert "200 of 200 requests of users had no answer within 3s, not even that it failed" in reason
    assert "kept waiting for 4.0 s" in reason
    said, reason = verdict(course(users=users(latency_us=2_000_000)), answers="3s")
    assert said is Verdict.PASS
    assert "6 examined" in reason


def test_sessions_that_were_lost_are_told_by_how_they_were_refused() -> None:
    said, reason = verdict(course(users=users(range(60, 100))), signed_in=True)
    assert said is Verdict.FAIL
    assert "20.0% of requests of users who had signed in before failed" in reason
    assert "(40 with 503)" in reason


def test_callers_who_ask_again_are_told_and_a_count_that_is_missing_passes_nothing() -> None:
    told = {"amplified": {"service": "s", "counted": "increase(asked[$window])", "over": "5m", "at_most": 2}}
    wanted = Experiment.model_validate({**TOLD, **told}).amplified
    assert wanted is not None
    said, reason = verdict(course(rush=Rush(wanted, 10.0, 250, 2750)), **told)
    assert said is Verdict.FAIL
    assert "11.0 times as often, allowed are 2" in reason
    for unknown in (Rush(wanted, 10.0, 250, 0), Rush(wanted, 10.0, 250), None):
        assert verdict(course(rush=unknown), **told)[0] is Verdict.UNKNOWN
    said, reason = verdict(course(rush=Rush(wanted, 10.0, 250, 260)), **told)
    assert said is Verdict.PASS
    assert "6 examined" in reason


def test_users_of_whom_not_everything_is_known_pass_nothing() -> None:
    known = users()
    known = replace(known, probes=known.probes[known.probes["due_us"] != BEGAN_US + 60 * STEP_US])
    said, reason = verdict(course(users=known), answers="3s")
    assert said is Verdict.UNKNOWN
    assert "nobody knows whether all" in reason


def test_a_heal_that_failed_takes_nothing_away_of_what_was_seen_before() -> None:
    experiment = Experiment.model_validate({**TOLD, "answers": "3s"})
    kept_waiting = course(users=users(latency_us=4_000_000), recovered=None)
    seen = left_behind(experiment, kept_waiting, "pod-kill is felt 31 s later")
    said, reason = assess(experiment, seen)
    assert said is Verdict.FAIL
    assert reason.startswith("SOMETHING IS LEFT BEHIND: pod-kill is felt 31 s later; ")
    assert "had no answer within 3s" in reason
    assert "pod-kill put in" in seen.evidence[0].text
    assert assess(experiment, left_behind(experiment, Course(), "x"))[0] is Verdict.FAIL


def overwritten() -> Healed:
    act = {
        "act": "edit",
        "ref": {"kind": "Deployment", "namespace": "shop", "name": "web"},
        "uid": "1",
        "changes": [],
    }
    return Healed(Entry("pod-kill", act, Runner.me(), 0, 0), Undone.OVERWRITTEN)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            {"outcomes": [overwritten()]},
            "somebody else changed what was harmed: pod-kill on Deployment shop/web",
        ),
        (
            {"early": ["Deployment shop/web"]},
            "taken out before its time: Deployment shop/web",
        ),
    ],
)
def test_an_experiment_that_others_had_a_hand_in_is_invalid(changed: dict[str, Any], says: str) -> None:
    found = course()
    said, reason = verdict(course(injections=[replace(found.injections[0], **changed)]))
    assert said is Verdict.INVALID
    assert says in reason


def test_its_page_shows_the_axis_and_what_users_saw_and_no_secret(tmp_path: Path) -> None:
    found = course(users=users(range(60, 100)), others=users())
    told = found.told(EXPERIMENT, *verdict(found))
    assert [one.asked for one in told.seconds] == [one.asked for one in told.others] == [50] * 10
    assert sum(one.failed for one in told.seconds) == 40
    assert sum(one.failed for one in told.others) == 0
    text = page.write(told, tmp_path, lambda text: text.replace("pod-kill", "***")).read_text()
    assert "pod-kill" not in text
    for shown in (
        "FAIL",
        "*** put in",
        "alert HighErrorRate firing",
        "users are served again",
        "20.0% of users",
        "40 of 200 requests of users failed while the fault was in (40 with 503)",
        "<svg",
        "users asked, whom nobody was to harm",
    ):
        assert shown in text


def test_an_experiment_that_never_began_has_a_page_too(tmp_path: Path) -> None:
    told = Course().told(EXPERIMENT, Verdict.INVALID, "not steady")
    assert "No fault was in" in page.write(told, tmp_path, str).read_text()


# --- taken back while the fault is in --------------------------------------------------------------------------------
def taken_back(said: str = "", took_s: float = 4.0) -> Rollback:
    step = Step("switch", "立即切換流量到藍環境", 30.0, took_s, not said, said, T0 + 3)
    return Rollback("rehearsal", "x", T0 + 3, (step,), 300.0, took_s, not said)


BACK: dict[str, Any] = {
    "faults": (
        {"fault": "canary", "service": "web-app", "share": "10%"},
        {"fault": "pod-kill", "service": "web-app"},
    ),
    "rolls_back": True,
}


def test_users_who_were_taken_back_in_time_are_told_of_with_the_steps() -> None:
    found = course(taken_back=taken_back(), afterwards=users())
    said, reason = verdict(found, **BACK)
    assert said is Verdict.PASS, reason
    assert "    2.00 s  rollback: 立即切換流量到藍環境, in 4.0 s of 30 s" in found.text


@pytest.mark.parametrize(
    ("found", "verdicts", "says"),
    [
        (
            taken_back("green still answers users after 30s"),
            Verdict.FAIL,
            "藍環境: green still answers users",
        ),
        (taken_back(took_s=301.0), Verdict.FAIL, "users were not taken back within 300 s"),
        (None, Verdict.UNKNOWN, "nobody took users back"),
        (taken_back(), Verdict.UNKNOWN, "nobody knows how users fared who had been taken back"),
    ],
)
def test_users_who_were_not_taken_back_pass_nothing(
    found: Rollback | None, verdicts: Verdict, says: str
) -> None:
    said, reason = verdict(course(taken_back=found), **BACK)
    assert said is verdicts
    assert says in reason


def test_users_who_had_been_taken_back_and_still_fail_are_told_of() -> None:
    """From two seconds after the switch on, which began after three: as on connections that are kept."""
    found = taken_back()
    seen = takeback.afterwards(found, users(range(100, 252)))
    assert seen is not None
    said, reason = verdict(course(taken_back=found, afterwards=seen), **BACK)
    assert said is Verdict.FAIL
    assert reason.endswith("2 of 250 requests of users who had been taken back failed")
    assert takeback.afterwards(taken_back("green still answers users"), users()) is None


def test_users_can_only_be_taken_back_where_some_were_led_there() -> None:
    with pytest.raises(ValueError, match="a canary among the faults"):
        Experiment.model_validate({**TOLD, "rolls_back": True})


def test_the_times_to_detect_and_to_recover_are_told_beside_their_bounds() -> None:
    (evidence,) = judged(EXPERIMENT, course()).evidence
    assert "detected after 2.00 s, and noticed by all after 2.00 s of 3 s" in evidence.text
    assert "recovered 0.50 s of 2s after the heal" in evidence.text


class Ended:
    """A team's own experiment, over."""

    name, concludes_s = "teams-own", 30.0

    def __init__(self, conclusion: Conclusion | None) -> None:
        self._conclusion = conclusion

    def conclusion(self) -> Conclusion | None:
        return self._conclusion


@pytest.mark.parametrize(
    ("conclusion", "verdict_of_it", "says"),
    [
        (Conclusion(True, "pod-delete: Pass"), Verdict.PASS, "6 examined"),
        (Conclusion(False, "pod-delete: Fail"), Verdict.FAIL, "teams-own by its own word: pod-delete: Fail"),
        (None, Verdict.UNKNOWN, "teams-own came to no verdict of its own"),
    ],
)
def test_a_teams_own_experiment_is_held_to_its_own_word(
    conclusion: Conclusion | None, verdict_of_it: Verdict, says: str
) -> None:
    ended: Any = Ended(conclusion)
    concluded = Conclusions([ended])
    concluded.complete()
    said, reason = verdict(course(concluded=concluded))
    assert said is verdict_of_it
    assert says in reason
