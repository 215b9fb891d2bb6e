"""Takes users back from green outside of a release: because a gate failed, or because a person says so (§6.2.2).

python -m scenarios.release.back --reason "complaints: ..." [--confirm] [--target hwayo] [--env lab] [--lab NAME]
"""

from __future__ import annotations

import argparse
import dataclasses
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from fixtures.notify import notifying
from fixtures.redact import Redactor
from fixtures.session.opening import opened
from fixtures.session.options import Options
from fixtures.target import Side, Target
from fixtures.target.wording import Wording
from reports.artefacts import RUNS
from reports.release import record
from reports.run import run_id
from scenarios.release.carrying import Hearers, probed, router_of
from scenarios.release.fleet import Fleet
from scenarios.release.moment import Moments
from scenarios.release.moving import Road
from scenarios.release.recording import seen_by_users
from scenarios.release.rollback import Known, Rollback, Why
from scenarios.release.telling import of_rollback, titles_of, wording_of
from scenarios.release.terms import terms_of
from scenarios.surroundings import Surroundings

ROOT = Path(__file__).resolve().parents[2]
YES = "yes"
NOT_CONFIRMED = 3
Ask = Callable[[str], str]


def take_back(around: Surroundings, why: Why, folder: Path, hearers: Hearers) -> record.Release:
    """Rolled back and timed; its record is written to the folder. Says so where users are on blue already."""
    terms, moments = terms_of(around.target, around.environment), Moments()
    folder.mkdir(parents=True, exist_ok=True)
    with probed(around, terms, folder) as probing:
        road = Road(router_of(around), moments, probing.timeline)
        namespaces = around.environment.namespaces
        fleets = {side: Fleet(around.platform, namespaces[side], moments) for side in Side}
        begun_s = moments.now()
        if road.found.green == 0:
            hearers.say("nobody is on green: there is nothing to take back")
            found = None
        else:
            known = Known(fleets[Side.BLUE].definitions(), {Side.BLUE: _wanted(fleets)})
            cleans = terms.release.clean is not None
            found = Rollback(around, road, fleets, known, terms.rollback, moments, hearers.say, cleans).run(
                why
            )
        reasons = (why.reason,) if found else (f"{road.found.name} sends nobody to green",)
        release = record.Release(
            system=around.target.system,
            title=around.target.title,
            environment=around.environment.name,
            pace=str(around.environment.pace),
            mode=why.kind,
            begun_s=begun_s,
            ended_s=moments.now(),
            outcome="roll back" if found else "inconclusive",
            reasons=reasons,
            rollback=found,
            **seen_by_users(probing.timeline(), road.weights),
        )
    told = hearers.tell(*_message(wording_of(around.target), release))
    release = dataclasses.replace(release, notifications=tuple(told))
    record.write(release, folder)
    return release


def _wanted(fleets: Mapping[Side, Fleet]) -> dict[str, int]:
    """As many of blue's as green runs, where it was scaled down after a release."""
    green = fleets[Side.GREEN].replicas()
    return {name: max(number, green.get(name, 0)) for name, number in fleets[Side.BLUE].replicas().items()}


def _message(wording: Wording, release: record.Release) -> tuple[str, str]:
    if release.rollback is None:
        return "warning", wording.not_taken_back.format(reason="; ".join(release.reasons))
    return of_rollback(wording, release.rollback)


# --- by hand ---------------------------------------------------------------------------------------------------------
def asked(confirm: bool, reason: str, wording: Wording, ask: Ask) -> str:
    """The reason, once it is confirmed; empty where it is not. What the command line says is not asked for."""
    if not confirm and ask(f"{wording.confirm} ").strip() != YES:
        return ""
    return (reason or ask(f"{wording.why} ")).strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scenarios.release.back", description=__doc__)
    parser.add_argument("--target", default="hwayo")
    parser.add_argument("--env", default="lab")
    parser.add_argument("--lab", default="default", help="which lab, where the environment is embedded")
    parser.add_argument("--reason", default="", help="why; asked for where it is not given")
    parser.add_argument("--confirm", action="store_true", help="do not ask whether it is meant")
    parser.add_argument("--i-mean-production", default="", metavar="TARGET")
    parser.add_argument("--run-dir", default="", help="where its record goes")
    return parser


def main(arguments: list[str] | None = None, ask: Ask = input) -> int:
    """Exit codes: 0 rolled back within every budget, 1 not so, 2 wrong usage, 3 not confirmed."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    target = Target.load(chosen.target)
    if chosen.env == "production" and chosen.i_mean_production != target.system:
        parser.error(
            f"--env production moves users of {target.system}: say --i-mean-production {target.system}"
        )
    begun_s, decided_s = time.monotonic(), time.time()
    wording, titles = wording_of(target), titles_of(target)
    reason = asked(chosen.confirm, chosen.reason, wording, ask)
    if not reason:
        print(f"{wording.cancelled}: not confirmed, or without a reason", flush=True)
        return NOT_CONFIRMED
    identity = run_id(decided_s, f"{target.system}-{chosen.env}-rollback", secrets.token_hex(3))
    confirmed_s = time.monotonic() - begun_s
    before = (
        record.Step("confirm", titles["confirm"], None, confirmed_s, True, "yes", decided_s),
        record.Step("reason", titles["reason"], None, 0.0, True, reason),
    )
    folder = Path(chosen.run_dir) if chosen.run_dir else ROOT / RUNS / identity
    options = Options(
        target, target.environment(chosen.env), Side.GREEN, chosen.lab, False, folder, identity, decided_s
    )
    redactor = Redactor()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun_s:6.1f} s  {redactor(text)}", flush=True)

    with opened(options, redactor, say) as environment, notifying(environment, identity) as notifier:
        around = Surroundings(target, environment, Side.GREEN)
        try:
            found = take_back(
                around,
                Why(reason, decided_s, kind="manual", before=before),
                folder,
                Hearers(say, notifier.tell),
            )
        finally:
            around.close()
    say(f"{found.outcome}: {folder / record.NAME}")
    return 0 if found.rollback is not None and found.rollback.ok else 1


if __name__ == "__main__":
    sys.exit(main())
