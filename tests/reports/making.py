"""Runs and findings for tests, each differing from an ordinary one in what the test says."""

from __future__ import annotations

from typing import Any

from reports.checklists import Checklist, Line
from reports.run import Ending, NotRun, Run, Setting
from reports.verdicts import Finding, Measurement, Verdict

STARTED = 1_700_000_000.0
SEEN = Measurement(0.412, "s", 4000, bad=3)


def finding(verdict: Verdict = Verdict.PASS, **differs: Any) -> Finding:
    ordinary: dict[str, Any] = {
        "name": "login", "title": "Login is fast", "stage": "smoke", "bound": "p95 < 500ms", "source": "§11.1",
        "measurement": SEEN, "verdict": verdict, "reason": "as measured", "side": "green", "at": STARTED,
        "test": "suites/smoke/test_login.py::test_login",
    }  # fmt: skip
    return Finding(**{**ordinary, **differs})


def run(*findings: Finding, **differs: Any) -> Run:
    lines = (Line("post.1", "用戶登入功能正常", "for a person"), Line("post.2", "團隊已就位", "for a person"))
    setting = Setting(
        "hwayo", "lab", "green", title="Hwayo", pace="1/60",
        checklists=(Checklist("After", "§9.3", {"functional_verification": lines}),),
    )  # fmt: skip
    ordinary: dict[str, Any] = {
        "id": "20231114T221320Z-hwayo-lab-1a2b3c", "setting": setting, "started": STARTED,
        "ending": Ending(STARTED + 65, 0), "findings": findings, "command": ("suites",),
    }  # fmt: skip
    return Run(**{**ordinary, **differs})


LEFT = NotRun("suites/e2e/test_page.py::test_page", "e2e", "smoke failed, and e2e comes after it")
