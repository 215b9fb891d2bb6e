"""Green before anybody is led to it: made where it does not stand yet, steady, of the newest version, and well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fixtures.clock import Clock, SystemClock
from fixtures.platforms.abilities import Likenesses, Revisions, Workloads, able
from fixtures.platforms.changes import Changes, Ref
from fixtures.target import Side
from reports.release.record import Step
from scenarios.release.cleaning import NotSo, step
from scenarios.release.fleet import KIND, Fleet
from scenarios.release.health import inside, unwell
from scenarios.release.telling import titles_of
from scenarios.release.terms import Terms
from scenarios.release.undoing import Undoable
from scenarios.surroundings import Surroundings

VERSION = "taskDefinition"  # of a workload's spec, where the platform knows revisions
STARTS_S = 60.0  # for what was just made, at least
STANDS_S = 10.0  # for what stands already, at least


@contextmanager
def prepared(
    around: Surroundings, terms: Terms, undoable: Undoable | None, say: Callable[[str], None]
) -> Iterator[tuple[Step, ...]]:
    """How green came to be; nothing where the profile leaves that to whoever deploys. What is made here goes again in
    the end, but for a release that stays. Who only watches (without `undoable`) makes nothing."""
    if terms.release.create is None:
        yield ()
        return
    try:
        steps = Creating(around, terms, undoable).carried_out()
        for one in steps:
            say(f"{one.title}: {one.said}")
        yield steps
    finally:
        if undoable:
            undoable.unmake()


@dataclass
class Creating:
    around: Surroundings
    terms: Terms
    undoable: Undoable | None
    made: bool = False

    def __post_init__(self) -> None:
        namespaces = self.around.environment.namespaces
        self._clock: Clock = SystemClock()
        self._fleets = {side: Fleet(self.around.platform, namespaces[side], self._clock) for side in Side}
        self._namespace = namespaces[Side.GREEN]

    def carried_out(self) -> tuple[Step, ...]:
        """Stops where it fails."""
        titles, steps = titles_of(self.around.target), list[Step]()
        for name, act in (
            ("create", self._created),
            ("steady", self._steady),
            ("newest", self._newest),
            ("well", self._well),
        ):
            steps.append(step(name, titles[name], act, self._clock))
            if not steps[-1].ok:
                break
        return tuple(steps)

    def _created(self) -> str:
        blue, green = (self._fleets[side].replicas() for side in (Side.BLUE, Side.GREEN))
        if not blue:
            raise NotSo("blue has no workload: nobody knows what green is to be like")
        if not (lacking := [name for name in blue if name not in green]):
            return f"stands already: {', '.join(green)}"
        if self.undoable is None:
            raise NotSo(f"{', '.join(lacking)} does not stand, and who only watches makes nothing")
        like, environment = able(self.around.platform, Likenesses), self.around.environment
        group = environment.alb.groups.green if environment.alb else ""
        for name in lacking:
            body = like.likeness(name, environment.namespaces[Side.BLUE], group)
            self.undoable.make_object(Ref(KIND, self._namespace, name), dict(body))
        self.made = True
        return f"made: {', '.join(lacking)}"

    def _steady(self) -> str:
        planned_s = self.terms.release.pods_ready.seconds * self.terms.pace
        green = self._fleets[Side.GREEN]
        if lacking := green.wait_ready(max(planned_s, STARTS_S if self.made else STANDS_S)):
            raise NotSo(lacking)
        if idle := green.idle():
            raise NotSo(f"{idle} is asked for no pod at all")
        return ", ".join(f"{name}: {number} of {number}" for name, number in green.replicas().items())

    def _newest(self) -> str:
        platform = self.around.platform
        said, objects = list[str](), able(platform, Changes)
        for one in able(platform, Workloads).workloads(self._namespace):
            found = objects.read_object(Ref(KIND, self._namespace, one.name))
            runs = str(found["spec"][VERSION]) if found else "nothing"
            newest = able(platform, Revisions).revisions(self._namespace, one.name)[0]
            image = ", ".join(one.images)
            if runs != newest:
                raise NotSo(f"{one.name} runs {_short(runs)} ({image}), and {_short(newest)} is the newest")
            said.append(f"{one.name} runs {_short(runs)} ({image})")
        return ", ".join(said)

    def _well(self) -> str:
        services = self.around.target.services
        if failing := unwell(services, inside(self.around, Side.GREEN)):
            raise NotSo("; ".join(f"{name} {why}" for name, why in failing.items()))
        return f"{', '.join(one.name for one in services)}: well in every pod"


def _short(version: str) -> str:
    return version.rpartition("/")[2]
