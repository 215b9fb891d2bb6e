"""The load that a target's own document speaks of: how many users, how many requests a second, for how long."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from fractions import Fraction

from fixtures.evidence import Missing
from fixtures.target import Environment, Objective, Side, Target
from reports.baseline.sides import A_SIDE, A_SIDE_FOR_P50, FEWEST, MOST
from scenarios.load.arrivals import constant
from scenarios.load.measure import bounds_us
from scenarios.load.plan import DRAIN_S, SESSIONS, Model, Open, Plan, locustfile_of, read_model

PATIENCE_S = 600.0  # where the document does not say how long
SESSIONS_A_SIDE = 25
# p95 of everything takes MOST * A_SIDE requests a side; p50 of an endpoint, which says whether it alone is slower,
# FEWEST * A_SIDE_FOR_P50 of it. An endpoint with a smaller share of the mix than this goes without.
LEAST_SHARE = 0.08
LEAST_A_SIDE = max(MOST * A_SIDE, round(FEWEST * (A_SIDE_FOR_P50 + 1) / LEAST_SHARE))
GRACE_S = 5.0  # beyond the longest bound: what was asked for last may take that long too
ABOVE = 1.01  # offered over promised: errors that are allowed must not break "500 requests/s held" as well


@dataclass(frozen=True)
class Wish:
    """What the command line asks for instead of the document. Empty: as the document has it."""

    model: str = ""  # rate=500/s or users=100
    profile: str = ""  # of fixtures.load_model.PROFILES
    duration_s: float | None = None  # as it is, not paced


@dataclass(frozen=True)
class DocumentLoad:
    """The document's figures, and how long they are kept up here."""

    rate_rps: float | None
    users: int
    written_s: float
    pace: Fraction

    @property
    def duration_s(self) -> float:
        return float(self.written_s * self.pace)


def load_objectives(target: Target) -> list[Objective]:
    """The promises that a load run answers."""
    return [one for one in target.objectives.values() if one.over.kind == "load"]


def document_load(target: Target, environment: Environment) -> DocumentLoad:
    """From the objectives on throughput and users over the whole load, and from the pipeline's performance test."""
    whole = {one.that.what: one.that.limit.amount for one in load_objectives(target) if not one.over.subject}
    tests = target.pipeline.tests.values() if target.pipeline else ()
    test = next((one for one in tests if one.users is not None and one.runs is not None), None)
    users = whole.get("users") or (test.users.amount if test and test.users else SESSIONS)
    runs_s = test.runs.seconds if test and test.runs else PATIENCE_S
    return DocumentLoad(whole.get("throughput"), int(users), runs_s, environment.pace)


def model_of(figures: DocumentLoad, wish: Wish) -> Model:
    """The open model where the document promises a rate, the closed one where it only names users."""
    if wish.model:
        text = wish.model
    elif figures.rate_rps:
        text = f"rate={round(figures.rate_rps * ABOVE, 3):g}/s"
    else:
        text = f"users={figures.users}"
    return read_model(text, wish.duration_s or figures.duration_s, wish.profile, figures.users)


def plan_of(target: Target, environment: Environment, sides: dict[str, Side], wish: Wish) -> Plan:
    """The document's load on these sides. `sides` names what is asked for: {"green": Side.GREEN}."""
    if environment.entry is None:
        raise Missing(f"environment {environment.name} states no entry")
    bounds = bounds_us(load_objectives(target))
    return Plan(
        host=environment.entry,
        model=model_of(document_load(target, environment), wish),
        locustfile=locustfile_of(target.system),
        sides={name: dict(environment.route[side]) for name, side in sides.items()},
        served_header=environment.served.side,
        ca=environment.ca or "",
        bounds_us=bounds,
        drain_s=max(DRAIN_S, max(bounds, default=0) / 1e6 + GRACE_S),
    )


def side_by_side_plan(target: Target, environment: Environment, sides: dict[str, Side], wish: Wish) -> Plan:
    """Half the load for twice the time: as many requests, and both sides far from their limits, so that what differs
    is how fast they are and not how much they carry. At least LEAST_A_SIDE requests a side, or p95 says nothing."""
    plan = plan_of(target, environment, sides, wish)
    rate_rps = plan.model.profile.peak_rps / 2 if isinstance(plan.model, Open) else float(plan.model.users)
    duration_s = max(2 * plan.model.held_s, LEAST_A_SIDE * len(sides) / rate_rps)
    return dataclasses.replace(plan, model=Open(constant(rate_rps, duration_s), sessions=SESSIONS_A_SIDE))


def secrets_of(target: Target, environment: Environment) -> dict[str, str]:
    """What the scenario's users log in with, as the environment variables that its locustfile reads."""
    prefix = target.system.upper().replace("-", "_")
    return {f"{prefix}_{role.upper()}": one.value() for role, one in environment.credentials.items()}
