"""How soon the experiments of a stage were detected and recovered from, in the mean: MTTD and MTTR."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import fmean

from fixtures.evidence import Missing
from fixtures.target.experiment import Experiment, MeanResponse
from reports.verdicts import Evidence, Measurement
from scenarios.faults.course import Course
from scenarios.tally import UNIT

NEVER = math.inf
UNTOLD = math.nan  # the fault never bit, or somebody else had a hand in it: that says nothing of the system


@dataclass
class Responses:
    """Seconds by experiment's name, of those in which there was anything to be detected and to recover from."""

    detection: dict[str, float] = field(default_factory=dict)
    recovery: dict[str, float] = field(default_factory=dict)

    def add(self, experiment: Experiment, course: Course, seen: Measurement) -> None:
        """`seen`: what it was judged by."""
        told = bool(course.injections) and not seen.invalid and seen.samples > 0
        if experiment.notices:
            self.detection[experiment.name] = course.detected_s if told else UNTOLD
        self.recovery[experiment.name] = course.recovered_s(experiment) if told else UNTOLD

    def mean(self, check: MeanResponse) -> Measurement:
        """The longest is told beside it, as a mean hides it. Raises Missing where one of them is not known: the mean of
        the others is not the stage's."""
        times = self.detection if check.of == "detection" else self.recovery
        if not times:
            raise Missing(f"no experiment of this run tells anything of {check.of}")
        if never := [name for name, took_s in times.items() if took_s == NEVER]:
            why = f"no {check.of} in {', '.join(never)}: there is no mean"
            return Measurement(float(len(never)), UNIT, len(times), bad=len(never), why=why)
        if untold := [name for name, took_s in times.items() if math.isnan(took_s)]:
            raise Missing(f"{', '.join(untold)} tell nothing of {check.of}, and the others are not the stage")
        mean_s = fmean(times.values())
        longest = max(times, key=times.__getitem__)
        said = f"{mean_s:.2f} s in the mean of {len(times)}, the longest {times[longest]:.2f} s ({longest})"
        bad = 0 if check.that.admits(mean_s) else 1
        return Measurement(
            float(bad),
            UNIT,
            len(times),
            bad=bad,
            why=f"{said}, where {check.that.text} is promised" if bad else "",
            evidence=(Evidence(said, _table(times), "event"),),
        )


def _table(times: dict[str, float]) -> str:
    """The longest first."""
    return "\n".join(
        f"{took_s:8.2f} s  {name}" for name, took_s in sorted(times.items(), key=lambda one: -one[1])
    )
