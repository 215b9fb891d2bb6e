"""What a release looks through: the target's own monitoring, its services' health, and a prober at the front door."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from fixtures.evidence import NoEvidence
from fixtures.target import Bound, Side
from scenarios.release.counts import Reading
from scenarios.release.guards import UNSEEN, Seen, compared
from scenarios.release.health import InARow, Lately, each_inside, inside, through_door, unwell
from scenarios.release.source import PrometheusCounters
from scenarios.release.terms import SCRAPES, Guard, Terms
from scenarios.release.timeline import Timeline
from scenarios.surroundings import Surroundings


class Seeing:
    """Implements scenarios.release.stage.Eyes for a stage; a new one for each, because failures in a row begin anew."""

    def __init__(self, around: Surroundings, terms: Terms, timeline: Callable[[], Timeline]) -> None:
        self._around, self._timeline = around, timeline
        namespaces = around.environment.namespaces
        self._source = PrometheusCounters(
            around.prometheus, terms.counters, {namespaces.green: "green", namespaces.blue: "blue"}
        )
        self._rows = {Side.GREEN: InARow(), Side.BLUE: InARow()}
        self._lately = {Side.GREEN: Lately(SCRAPES), Side.BLUE: Lately(SCRAPES)}

    @property
    def queries(self) -> tuple[str, ...]:
        return (self._source.query,)

    def counters(self) -> Reading:
        return self._source.read()

    def timeline(self) -> Timeline:
        return self._timeline()

    def guarded(self, guards: Sequence[Guard]) -> Mapping[Guard, tuple[Seen, Seen]]:
        found: dict[Guard, tuple[Seen, Seen]] = {}
        asked: dict[str, dict[str, float]] = {}
        for guard in guards:
            if not guard.query:
                found[guard] = (self._share if guard.unit == "share" else self._in_a_row)(guard.bound)
                continue
            if guard.query not in asked:
                asked[guard.query] = self._asked(guard.query)
            values, sides = asked[guard.query], self._around.environment.namespaces
            found[guard] = (
                compared(values.get(sides.green), guard.bound),
                compared(values.get(sides.blue), guard.bound),
            )
        return found

    def _asked(self, query: str) -> dict[str, float]:
        """Namespace -> value. Nothing where it cannot be asked: that is said when the stage ends."""
        try:
            samples = self._around.prometheus.query(query)
        except NoEvidence:
            return {}
        return {one.labels.get("namespace", ""): one.value for one in samples if math.isfinite(one.value)}

    def _share(self, bound: Bound) -> tuple[Seen, Seen]:
        """Of all health checks: in every pod, as a load balancer asks each of its targets."""
        green = self._failing(Side.GREEN, bound)
        # Blue is asked only where it matters.
        return green, self._failing(Side.BLUE, bound) if green.broken else UNSEEN

    def _failing(self, side: Side, bound: Bound) -> Seen:
        lately = self._lately[side]
        try:
            share = lately.take(each_inside(self._around, side))
        except NoEvidence as error:
            return Seen(None, None, str(error))
        return Seen(share, not bound.admits(share), lately.said)

    def _in_a_row(self, bound: Bound) -> tuple[Seen, Seen]:
        services = self._around.target.services
        green = self._rows[Side.GREEN]
        times = green.take(unwell(services, through_door(self._around, Side.GREEN)))
        if not times:
            self._rows[Side.BLUE].take({})
            return Seen(0.0, False, "every service is well"), UNSEEN
        blue = self._rows[Side.BLUE]  # asked only now: whether both are unwell matters only then
        also = blue.take(unwell(services, inside(self._around, Side.BLUE)))
        return (
            Seen(float(times), not bound.admits(times), green.said),
            Seen(float(also), also > 0, blue.said),
        )
