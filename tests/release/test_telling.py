"""People are told of a release in the words of its profile, and in plain English where it has none."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import ValidationError

from fixtures.target import Target
from fixtures.target.wording import STEPS, Wording
from reports.release import record
from scenarios.release.telling import of_rollback, titles_of, wording_of

BACK = record.Rollback("automatic", "errors {5%}", 0.0, (), 300.0, 1.0, True, "§6.2.1")


@pytest.mark.parametrize(
    ("kind", "ok", "expected"),
    [
        ("automatic", True, ("success", "自動回滾完成: errors {5%}")),
        ("automatic", False, ("warning", "自動回滾失敗: errors {5%}")),
        ("manual", True, ("warning", "手動回滾完成: errors {5%}")),
        ("emergency", False, ("warning", "緊急程序失敗: errors {5%}")),
    ],
)
def test_a_rollback_is_told_as_the_profile_says(kind: str, ok: bool, expected: tuple[str, str]) -> None:
    hwayo = wording_of(Target.load("hwayo"))
    assert of_rollback(hwayo, dataclasses.replace(BACK, kind=kind, ok=ok)) == expected


def test_without_words_of_its_own_a_profile_speaks_plain_english() -> None:
    memoryark = Target.load("memoryark-line")
    assert wording_of(memoryark) == Wording()
    assert of_rollback(wording_of(memoryark), BACK) == ("success", "rolled back: errors {5%}")
    assert set(STEPS) <= set(titles_of(memoryark))
    assert all(text.isascii() for text in STEPS.values())


def test_every_step_of_the_document_has_its_title_there() -> None:
    hwayo = Target.load("hwayo")
    found = titles_of(hwayo)
    assert hwayo.release is not None
    assert hwayo.release.create is None  # whoever deploys has made green
    assert found["switch"] == "立即切換流量到藍環境"
    assert [name for name in STEPS if found[name] == STEPS[name]] == ["create", "steady", "newest", "well"]


@pytest.mark.parametrize("text", ["{who} did it", "{reason", "{}"])
def test_what_nobody_fills_in_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="nothing else"):
        Wording(not_promoted=text)
