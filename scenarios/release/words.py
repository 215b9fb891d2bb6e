"""Why a stage was decided as it was, for a person on call."""

from __future__ import annotations

import math

from scenarios.release.look import Look, Totals


def share(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.3g}%"


def worse_than_blue(name: str, bad: str, totals: Totals, lasted_s: float) -> str:
    return f"{name}: {_green(bad, totals)}, {_blue(totals)}{_times(totals)}; sure after {lasted_s:.0f} s"


def over_bound(name: str, bad: str, bound: float, totals: Totals, lasted_s: float) -> str:
    return f"{name}: {_green(bad, totals)}, over the bound of {share(bound)}; sure after {lasted_s:.0f} s"


def shared(name: str, bad: str, bound: float, totals: Totals) -> str:
    return (
        f"{name}: green was over its bound of {share(bound)} for a while, and nothing shows that blue was not: "
        f"{_green(bad, totals)}, {_blue(totals)}; going back would not have helped"
    )


def not_shown(name: str, totals: Totals, look: Look | None, bound: float | None) -> list[str]:
    """Why the bound is not shown to hold; nothing where it is."""
    if look is None or look.holds:
        return []
    if not totals.green:
        return [f"{name}: green served nothing; {_more(look.missing)}"]
    seen = (
        f"{_of(totals.green_bad, totals.green)} rule out only {share(look.limit)} or more, not {share(bound)}"
    )
    return [f"{name}: {seen}; {_more(look.missing)}"]


def not_excluded(name: str, totals: Totals, look: Look | None, ratio: float | None) -> list[str]:
    """Why the ratio is not ruled out; nothing where it is."""
    if look is None or look.holds:
        return []
    silent = [side for side, n in (("green", totals.green), ("blue", totals.blue)) if not n]
    if silent:
        return [f"{name}: {' and '.join(silent)} served nothing, so the sides cannot be compared"]
    if not totals.bad:
        return [f"{name}: no bad answer on either side, so no ratio between them can be ruled out"]
    told = "no ratio" if math.isinf(look.limit) else f"only {look.limit:.3g} times blue's share or more"
    return [f"{name}: the counts rule out {told}, not {ratio:g} times; {_more(look.missing)}"]


def good(name: str, totals: Totals, bound: Look | None, ratio: Look | None) -> str:
    claims = []
    if bound is not None:
        claims.append(f"below {share(bound.limit)}")
    if ratio is not None:
        claims.append(f"below {ratio.limit:.3g} times blue's")
    return f"{name}: {_of(totals.green_bad, totals.green)}, surely {' and '.join(claims)}"


def _green(bad: str, totals: Totals) -> str:
    return f"{_of(totals.green_bad, totals.green)} of green's {bad}"


def _blue(totals: Totals) -> str:
    return f"{_of(totals.blue_bad, totals.blue)} of blue's"


def _times(totals: Totals) -> str:
    ratio = totals.ratio
    return f", {ratio:.3g} times as many" if ratio is not None and math.isfinite(ratio) else ""


def _of(bad: float, n: float) -> str:
    return f"{bad:,.0f} of {n:,.0f}{f' ({share(bad / n)})' if n else ''}"


def _more(missing: int | None) -> str:
    return (
        "more of the same would not show it"
        if missing is None
        else f"about {missing:,} more answers are missing"
    )
