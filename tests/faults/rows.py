"""Experiments as the profile has them, or changed for a test; and the lab with something of it broken meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fixtures.lab.breaking import Access, Step
from fixtures.lab.systems.hwayo import breakage
from fixtures.target import Target
from fixtures.target.experiment import Experiment
from reports.verdicts import Verdict

WELL_S = 60.0
READ_S = 2.0
Tried = Callable[[Experiment], tuple[Verdict, str]]


@cache
def _rows() -> dict[str, dict[str, Any]]:
    whole = yaml.safe_load(Path(Target.load("hwayo").file).read_text(encoding="utf-8"))
    return {one["name"]: one for one in whole["checks"] if one["check"] == "experiment"}


def row(name: str, **changed: Any) -> Experiment:
    """As the profile has it, but for what is changed; what is changed to None is not asked for."""
    told = {key: value for key, value in {**_rows()[name], **changed}.items() if value is not None}
    return Experiment.model_validate_json(json.dumps(told))


@contextmanager
def broken(access: Access, step: Step) -> Iterator[None]:
    prior = step.before(access)
    step.apply(access)
    try:
        yield
    finally:
        step.mend(access, prior)


@contextmanager
def behaving(access: Access, service: str, **told: str) -> Iterator[None]:
    """The service's own misbehaviour, once its pods have read of it."""
    with broken(access, breakage.behaves(service, **told)):
        time.sleep(READ_S)
        yield
