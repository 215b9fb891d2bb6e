"""Releases for tests: one of everything, and what differs in what the test says."""

from __future__ import annotations

import math
from typing import Any

from reports.release.record import (
    Condition,
    Decision,
    Downtime,
    Evidence,
    Metric,
    Notification,
    Point,
    Release,
    Restored,
    Rollback,
    Split,
    Stage,
    Step,
    Traffic,
    Weight,
)

BEGUN = 1_700_000_000.0
PROMOTE = Decision(BEGUN + 20, "promote", ("HTTP 錯誤率: 0 of 730 (0%), surely below 0.41%",))
WORSE = Decision(
    BEGUN + 32, "roll back", ("HTTP 錯誤率: 35 of 592 (5.91%) of green's failed, 0 of 562 of blue's",)
)


def stage(weight: float, begun_s: float, decision: Decision, **differs: Any) -> Stage:
    lasts_s = decision.at_s - begun_s
    points = tuple(Point(begun_s + at, 10 * at, at * 0.6, 200 * at, 0) for at in range(1, int(lasts_s) + 1))
    grows = tuple((begun_s + at, at * 0.7) for at in range(1, int(lasts_s) + 1))
    falls = tuple((begun_s + at, -at * 0.1) for at in range(1, int(lasts_s) + 1))
    ordinary: dict[str, Any] = {
        "name": f"{weight:.0%}", "weight": weight, "written_s": 900, "planned_s": 15, "begun_s": begun_s,
        "ended_s": decision.at_s, "decision": decision,
        "split": Split(weight, 650, 32, 0.03, 0.07, True, "32 of 650 answers (4.9%) came from green"),
        "metrics": (Metric("http_error_rate", "HTTP 錯誤率", "failed", 0.01, 299, points),),
        "evidence": (
            Evidence("HTTP 錯誤率 against blue", math.log(1000), grows),
            Evidence("HTTP 錯誤率 < 1%", math.log(1000), falls),
        ),
        "conditions": (
            Condition("cpu_usage", "CPU 使用率", "cpu < 80%", "§5.2.3", True, 0.02, 0.03, "0.02"),
            Condition("login", "登入成功率", "success_rate >= 90%", "§6.1", None, None, None, "not read", 3.0),
        ),
        "troubles": ("api-gateway-1 on green has no series",),
        "queries": ('sum by (namespace) (http_requests_total{status=~"5.."})',),
    }  # fmt: skip
    return Stage(**{**ordinary, **differs})


def rollback(**differs: Any) -> Rollback:
    steps = (
        Step("switch", "立即切換流量到藍環境", 30, 33.4, False, "green answered for 33.4 s"),
        Step("verify", "驗證藍環境健康狀態", 120, 0.2, True),
        Step("health", "執行健康檢查", 60, 0.6, True),
        Step("clean_up", "清理綠環境", 60, None, None, "not carried out"),
    )
    ordinary: dict[str, Any] = {
        "kind": "automatic", "reason": WORSE.reasons[0], "decided_s": BEGUN + 32, "steps": steps, "budget_s": 300,
        "took_s": 34.2, "ok": False, "source": "§6.2.1", "onset_s": BEGUN + 21, "last_green_s": BEGUN + 65.4,
        "anyhow_s": 900,
    }  # fmt: skip
    return Rollback(**{**ordinary, **differs})


def release(**differs: Any) -> Release:
    """Promoted at 5%, rolled back at 25%, too late, with a second of downtime; one channel is dead."""
    bins = tuple(
        Traffic(BEGUN + at, BEGUN + at + 1, {"blue": 40, "green": 9, "": 1}, 5 if at == 40 else 0, 0.02)
        for at in range(80)
    )
    ordinary: dict[str, Any] = {
        "system": "hwayo", "title": "Hwayo", "environment": "lab", "pace": "1/60", "mode": "drive",
        "begun_s": BEGUN, "ended_s": BEGUN + 80, "outcome": "roll back", "reasons": WORSE.reasons,
        "stages": (stage(0.05, BEGUN + 5, PROMOTE), stage(0.25, BEGUN + 20, WORSE)),
        "weights": (
            Weight(BEGUN, 0.0, "as found"), Weight(BEGUN + 5, 0.05), Weight(BEGUN + 20, 0.25),
            Weight(BEGUN + 32, 0.0, "rollback"),
        ),
        "traffic": bins,
        "downtime": (Downtime(BEGUN + 40, BEGUN + 41, 5, "rollback"),),
        "probes": 4000, "failed_probes": 5, "rollback": rollback(),
        "cleaned": (Step("backup", "備份舊環境配置", None, 0.4, True, "6 Deployments"),),
        "notifications": (
            Notification(BEGUN + 66, "slack", "warning", "自動回滾失敗\ntoo late", False, "no answer within 8 s"),
            Notification(BEGUN + 66, "email", "warning", "自動回滾失敗\ntoo late", True, "", 0.3),
            Notification(BEGUN + 66, "webhook", "warning", "自動回滾失敗\ntoo late", None, "nobody can tell"),
        ),
        "restored": Restored(True, "everything stands as it was found", BEGUN + 79),
    }  # fmt: skip
    return Release(**{**ordinary, **differs})
