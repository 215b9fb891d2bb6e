"""Where a task's lines are is read from its definition; what is there is read from CloudWatch Logs."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.evidence import Missing
from fixtures.platforms.ecs.logs import Stream, stream_of

OPTIONS = {"awslogs-group": "/ecs/shop", "awslogs-region": "here", "awslogs-stream-prefix": "shop"}


def definition(**log: Any) -> dict[str, Any]:
    return {"containerDefinitions": [{"name": "api", **({"logConfiguration": log} if log else {})}]}


def test_a_stream_is_named_by_prefix_container_and_task() -> None:
    found = stream_of(definition(logDriver="awslogs", options=OPTIONS), "0f3a")
    assert found == Stream("/ecs/shop", "shop/api/0f3a")


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ({}, "nobody"),
        ({"logDriver": "splunk", "options": {}}, "splunk"),
        ({"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/shop"}}, "awslogs"),
        ({"logDriver": "awslogs"}, "awslogs"),
    ],
    ids=["none", "another", "no prefix", "no options"],
)
def test_lines_that_go_elsewhere_are_not_taken_for_none(log: dict[str, Any], told: str) -> None:
    with pytest.raises(Missing, match=f"lines of api are told to {told}, and not to a stream"):
        stream_of(definition(**log), "0f3a")
