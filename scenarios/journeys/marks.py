"""What a suite leaves behind in a system bears a mark, so that it is found again, and people can tell."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

MARK = "Verdigris"


def marked() -> str:
    """A text that is found nowhere else."""
    return f"{MARK} {uuid.uuid4().hex[:12]}"


def day(from_today: int) -> str:
    """An ISO date, in UTC: never later than the same day in the system's own time zone, east of it."""
    return f"{datetime.now(UTC) + timedelta(days=from_today):%Y-%m-%d}"
