"""Scanners have run over what is deployed, and found nothing of the levels that the document forbids."""

from __future__ import annotations

from pathlib import Path

from fixtures.evidence import Missing
from fixtures.probes import sarif
from fixtures.target.checks import ScanClean
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally


@measures(ScanClean)
def scan_clean(check: ScanClean, around: Surroundings) -> Measurement:
    """A scan that broke off, or that another tool made, is no evidence."""
    tally = Tally("scans")
    if around.environment.scans is None:
        raise Missing(f"environment {around.environment.name} names no folder of scan results")
    for scan in sarif.read(Path(around.environment.scans) / check.file):
        if check.tool.casefold() not in scan.tool.casefold():
            tally.unseen(f"{check.file} is a scan of {scan.tool}, not of {check.tool}")
            continue
        if not scan.completed:
            tally.unseen(f"the scan of {scan.tool} broke off, or reports no results, not even none")
            continue
        tally.saw(" ".join(filter(None, (scan.tool, scan.of, scan.at))))
        tally.note(Evidence(f"{scan.tool}: {len(scan.results)} results", "\n".join(map(_line, scan.results))))
        for result in scan.results:
            if result.level in check.levels:
                tally.breaks(result.rule, _line(result))
    return tally.measurement()


def _line(result: sarif.Result) -> str:
    score = f" (CVSS {result.score})" if result.score else ""
    place = f" in {result.place}" if result.place else ""
    return f"{result.level}{score}{place}: {' '.join(result.message.split())[:200]}"
