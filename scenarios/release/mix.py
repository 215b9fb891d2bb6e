"""What a release's stand-in users do: of 100, evenly more of what each claim is counted by than real users do, because
a stage is short. Plain data, read by the locustfile and by who plans the sample; nothing here knows Locust."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# locustfile's task -> how often
TASKS: Mapping[str, Mapping[str, int]] = {
    "hwayo": {"log_in": 20, "submit_record": 20, "list_records": 10, "make_report": 50},
    "nailbook-line": {"log_in": 10, "look": 40, "book": 50},
}
# metric -> which tasks are counted by it; of any other metric every task is
COUNTED: Mapping[str, Mapping[str, str]] = {
    "hwayo": {
        "login_success": "log_in",
        "submission_success": "submit_record",
        "report_success": "make_report",
    },
    "nailbook-line": dict.fromkeys(("booking_errors", "booking_latency", "booking_overlap"), "book"),
}


def tasks_of(system: str, user: type) -> list[Any]:
    """To be assigned to a class of that kind of users, not declared in it: that would only add to the user's own."""
    return [getattr(user, name) for name, often in TASKS[system].items() for _ in range(often // 10)]


def share(system: str, metric: str) -> float:
    """Of arrivals, how many give the metric an answer to count."""
    tasks = TASKS.get(system, {})
    task = COUNTED.get(system, {}).get(metric, "")
    return tasks[task] / sum(tasks.values()) if task else 1.0
