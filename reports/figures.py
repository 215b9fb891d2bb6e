"""Numbers as people read them: a value with its unit, and how far it stayed from its bound."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from reports.verdicts import Finding, Measurement

# Measurements come in base units; a unit that is not listed is shown as it is written.
SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "s": ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "ms": ((1000, "s"), (1, "ms"), (1e-3, "µs")),
    "B": ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B")),
    "share": ((0.01, "%"),),
    "ratio": ((0.01, "%"),),
    "1/s": ((1, "/s"),),
    "count": ((1, ""),),
}
# What one of a bound's units is in base units, and which base that is.
UNITS: dict[str, tuple[str, float]] = {
    **{unit: ("s", scale) for unit, scale in (("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400))},
    **{f"/{unit}": ("1/s", 1 / scale) for unit, scale in (("s", 1), ("m", 60), ("h", 3600), ("d", 86400))},
    **{unit: ("B", 10.0**power) for unit, power in (("B", 0), ("KB", 3), ("MB", 6), ("GB", 9), ("TB", 12))},
    **{unit: ("B", 1024.0**power) for unit, power in (("KiB", 1), ("MiB", 2), ("GiB", 3), ("TiB", 4))},
    "%": ("share", 0.01),
    "rps": ("1/s", 1),
}
BOUND = re.compile(r"(<=|>=|<|>|≤|≥)\s*([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z%/]*)[^<>]*$")
DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
WITHIN = re.compile(rf"\bwithin ((?:{DURATION.pattern})+)$")
ALIASES = {"ratio": "share", "fraction": "share", "rps": "1/s", "bytes": "B", "seconds": "s"}


def figure(value: float | None, unit: str) -> str:
    """Three significant digits and the unit that suits: `0.0821 s` reads `82.1 ms`; nothing seen is a dash."""
    if value is None or math.isnan(value):
        return "–"
    scales = SCALES.get(ALIASES.get(unit, unit), ((1, unit),))
    scale, shown = next((one for one in scales if abs(value) >= one[0]), scales[-1])
    if value == 0:
        scale, shown = next((one for one in scales if one[0] == 1), scales[0])
    space = "" if shown in ("%", "/s", "") else " "
    return f"{_digits(value / scale)}{space}{shown}"


def _digits(number: float) -> str:
    if math.isinf(number):
        return "∞" if number > 0 else "-∞"
    if number == int(number) or abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def measured(measurement: Measurement) -> str:
    """The value; beside it, what was counted, where the bound counts."""
    if (
        measurement.unit == "violations"
        and measurement.value is not None
        and math.isfinite(measurement.value)
    ):
        number = int(measurement.value)
        slowest = (
            f", slowest {figure(measurement.slowest_s, 's')}" if measurement.slowest_s is not None else ""
        )
        words = f"{number or 'no'} {'violation' if number < 2 else 'violations'}"
        return f"{words} in {measurement.samples:,}{slowest}"
    value = figure(measurement.value, measurement.unit)
    if measurement.bad is None or not measurement.samples:
        return value
    return f"{value} ({measurement.bad:,} of {measurement.samples:,} bad)"


@dataclass(frozen=True)
class Margin:
    """How far a value stays on the good side of its bound, as a share of the bound; negative beyond it."""

    share: float
    used: float  # how much of the bound is used up, 1 at the bound; for drawing, so between 0 and 2

    def __str__(self) -> str:
        size = abs(self.share)
        words = f"{size:.0%}" if size < 10 else f"{size:.0f}×"
        if self.share < 1 and words == "100%":  # it took some time, if little
            words = "over 99%"
        return f"{words} {'to spare' if self.share >= 0 else 'beyond'}"


def margin(finding: Finding) -> Margin | None:
    """None where there is no number on either side, or where the bound's unit is not the measurement's.

    Where each of several has to be in time (`no violation, each within 2s`), it is the slowest's.
    """
    if within := WITHIN.search(finding.bound):
        return _of_slowest(finding.measurement, within[1])
    found, value = BOUND.search(finding.bound), finding.measurement.value
    if not found or value is None or not math.isfinite(value):
        return None
    comparison, number, unit = found.groups()
    (base, scale), (own, own_scale) = _base(unit), _base(finding.measurement.unit)
    limit, seen = float(number) * scale, value * own_scale
    if base != own or limit == 0:
        return None
    upward = comparison in (">", ">=", "≥")
    share = (seen - limit) / limit if upward else (limit - seen) / limit
    return Margin(share, min(max(seen / limit, 0.0), 2.0))


def _of_slowest(seen: Measurement, within: str) -> Margin | None:
    """None where something else than time is wrong, or unknown: time to spare would be beside the point."""
    limit_s = sum(float(number) * UNITS[unit][1] for number, unit in DURATION.findall(within))
    if seen.slowest_s is None or not math.isfinite(seen.slowest_s) or seen.value is None or not limit_s:
        return None
    share = (limit_s - seen.slowest_s) / limit_s
    return None if seen.value and share >= 0 else Margin(share, min(max(seen.slowest_s / limit_s, 0.0), 2.0))


def _base(unit: str) -> tuple[str, float]:
    """The base unit, and how much of it one is: 1,000 records/h are so many a second; 100 users are a count."""
    unit = ALIASES.get(unit, unit)
    if unit in UNITS:
        return UNITS[unit]
    if unit in SCALES:
        return unit, 1.0
    noun, slash, per = unit.partition("/")
    return UNITS.get(f"/{per}", (unit, 1.0)) if slash else ("count" if noun else "", 1.0)


def seconds(duration_s: float) -> str:
    """A run's length: `40 ms`, `8.4 s`, `2 min 5 s`, `1 h 3 min`."""
    if duration_s < 1:
        return f"{duration_s * 1000:.0f} ms"
    if duration_s < 60:
        return f"{duration_s:.1f} s"
    minutes, rest = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
