"""Carries a release out with everything that it takes: stand-in users, a prober, the routes; and ends all of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fixtures.evidence import Unsupported
from fixtures.platforms.abilities import able
from fixtures.platforms.alb import Alb
from fixtures.platforms.argo_cd import ArgoCd
from fixtures.platforms.changes import Changes
from fixtures.platforms.istio import Istio
from fixtures.platforms.routing import Router
from fixtures.target import Side
from reports.release import record
from scenarios.faults.healing import left_behind
from scenarios.faults.place import Place
from scenarios.faults.site import Watchdog
from scenarios.load.document import secrets_of
from scenarios.load.engine import Means, traffic
from scenarios.release.creating import prepared
from scenarios.release.fleet import Fleet
from scenarios.release.moment import Moments
from scenarios.release.moving import Road
from scenarios.release.probes import Plan
from scenarios.release.probing import Probing
from scenarios.release.recording import recorded
from scenarios.release.release import Release, Say, Tell, Ways, tell_nobody
from scenarios.release.stage import Progress
from scenarios.release.terms import Terms, longest_s, terms_of
from scenarios.release.undoing import Undoable, undoable
from scenarios.release.users import natural_rps, needed_rps, users_plan
from scenarios.surroundings import Surroundings, listener_of, switch_of

PROBES = "probes.bin"


@dataclass(frozen=True)
class Wish:
    """What the command line asks for."""

    observe: bool = False
    keep: bool = False
    on_fail: str = "report"
    lab: str = ""  # its name, where the environment is embedded: what is to be undone is kept for each apart
    watchdog: Watchdog | None = None  # that stands by already
    most_rps: float = math.inf  # stand-in users; fewer than a stage's claims need leave it inconclusive
    probes_rps: float = Plan.rate_rps
    cleans: bool = True  # the side that users have left, as the profile says


@dataclass(frozen=True)
class Hearers:
    """Who is told what as it happens."""

    say: Say
    tell: Tell = tell_nobody
    on_progress: Callable[[Progress], None] = lambda _: None


def router_of(around: Surroundings, changes: Changes | None = None) -> Router:
    """Raises Unsupported for a kind of router that nobody can move yet."""
    objects, namespaces = changes or able(around.platform, Changes), around.environment.namespaces
    if switch := switch_of(around.environment):
        return ArgoCd(objects, switch)
    match around.target.router:
        case "istio":
            return Istio(objects, namespaces.blue, namespaces.green)
        case "alb":
            return Alb(objects, listener_of(around.environment))
        case other:
            raise Unsupported(other, "weights")


def carry_out(around: Surroundings, wish: Wish, folder: Path, hearers: Hearers) -> record.Release:
    """The whole release. Its record is written to the folder, whatever happens; what ends the process goes on."""
    terms = terms_of(around.target, around.environment)
    if not wish.cleans:
        terms = replace(terms, release=terms.release.model_copy(update={"clean": None}))
    folder.mkdir(parents=True, exist_ok=True)
    with (
        _undone_if_killed(around, wish, terms, hearers.say) as undoable,
        prepared(around, terms, undoable, hearers.say) as created,
        _users(around, terms, wish.most_rps, hearers) as (moments, rate_rps),
        probed(around, terms, folder, wish.probes_rps) as probing,
    ):
        namespaces = around.environment.namespaces
        let_go = undoable.keep if undoable else lambda: None
        ways = Ways(
            around=around,
            terms=terms,
            road=Road(router_of(around, undoable), moments, probing.timeline, let_go),
            fleets={side: Fleet(around.platform, namespaces[side], moments, undoable) for side in Side},
            timeline=probing.timeline,
            clock=moments,
            folder=folder,
            say=hearers.say,
            tell=hearers.tell,
            on_progress=hearers.on_progress,
            let_go=let_go,
            unmake=undoable.unmake if undoable else lambda: None,
            topped_up_rps=rate_rps / 2,
        )
        release = Release(ways, wish.observe, wish.keep, wish.on_fail, created=created)
        try:
            release.run()
        finally:
            found = recorded(release)
            record.write(found, folder)
    return found


@contextmanager
def _undone_if_killed(around: Surroundings, wish: Wish, terms: Terms, say: Say) -> Iterator[Undoable | None]:
    """Who only watches changes nothing that would have to be undone, and undoes nothing of an earlier run's."""
    place = Place.of(around.target.system, around.environment, wish.lab)
    if wish.observe:
        for entry in left_behind(able(around.platform, Changes), place.ledger):
            say(f"an earlier run was killed and left {entry.fault} behind: python -m scenarios.faults heal")
        yield None
        return
    changes = able(around.platform, Changes)
    with undoable(changes, place, longest_s(terms), say, wish.watchdog) as found:
        yield found


@contextmanager
def _users(
    around: Surroundings, terms: Terms, most_rps: float, hearers: Hearers
) -> Iterator[tuple[Moments, float]]:
    """A clock whose time passes while stand-in users, if there must be any, are listened to; and how many they are."""
    natural = natural_rps(around.prometheus, around.target, terms, Moments())
    assert around.target.release is not None  # or there were no terms
    rate_rps = min(most_rps, needed_rps(around.target.release, terms, natural))
    plan = users_plan(around.target, around.environment, rate_rps)
    needed = ", ".join(f"{claim.needed:,} for {claim.title}" for claim in terms.claims)
    beside = f"{rate_rps:g} requests/s are sent beside the users" if plan else "the users send enough"
    hearers.say(f"answers that green must give in each stage: {needed}; {beside}")
    if plan is None:
        yield Moments(), 0.0
        return
    with traffic(plan, Means(secrets=secrets_of(around.target, around.environment))) as load:
        yield Moments(load.run_for), rate_rps
        load.stop()


@contextmanager
def probed(
    around: Surroundings, terms: Terms, folder: Path, rate_rps: float = Plan.rate_rps
) -> Iterator[Probing]:
    """Asks as users do, without a side: who answers is the router's doing."""
    url = around.entry.rstrip("/") + terms.release.probe
    with Probing(Plan(url, rate_rps, ca=str(around.ca or "")), folder / PROBES) as probing:
        yield probing
