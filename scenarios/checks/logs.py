"""What each pod has said, as the platform kept it: an error there is one, whatever the answers looked like."""

from __future__ import annotations

import re

from fixtures.clock import TimedOut, wait_until
from fixtures.platforms.abilities import Pod, StampedLogs, able
from fixtures.target.checks import LogsClean
from reports.verdicts import Evidence, Measurement
from scenarios.checks.monitoring import ENDED
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

SHOWN = 200  # letters of a line in a sentence


@measures(LogsClean)
def logs_clean(check: LogsClean, around: Surroundings) -> Measurement:
    """A log that is not there breaks the promise; one that may not be read is not known."""
    tally, an_error = Tally("pods"), re.compile(check.errors)
    for service in around.target.services:
        with tally.looking():
            for pod in around.pods(service):
                if pod.phase not in ENDED:
                    with tally.looking(), tally.owed(pod.name):
                        _look(check, around, pod, an_error, tally)
    return tally.measurement()


def _look(check: LogsClean, around: Surroundings, pod: Pod, an_error: re.Pattern[str], tally: Tally) -> None:
    platform, lines = able(around.platform, StampedLogs), [""]

    def said() -> bool:
        lines[:] = [line for _, line in platform.stamped_log(pod, check.lines)]
        return bool(lines)

    began_s = around.clock.now()
    try:
        wait_until(said, check.within.amount, around.clock, poll_s=0.5)
    except TimedOut:
        tally.breaks(pod.name, f"has said nothing that is kept, for {check.within}")
        return
    tally.took(pod.name, around.clock.now() - began_s)
    if errors := [line for line in lines if an_error.search(line)]:
        told = f"{len(errors)} of its last {len(lines)} lines are errors, the last: {errors[-1][:SHOWN]}"
        tally.breaks(pod.name, told, Evidence(f"{pod.name}: errors", "\n".join(errors), "log"))
