"""python -m scenarios.faults plan | status | heal | stop

`plan` says what the target's experiments would touch. `status` says what is in, `heal` takes it out, `stop` ends
whoever puts it in. `heal` needs the platform alone: what it carries says how to take it out, on whatever machine.
Exit codes: 0 nothing is left, 1 something could not be healed, 2 wrong usage, 3 nobody answers.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from fixtures.clock import TimedOut, wait_until
from fixtures.evidence import NoEvidence
from fixtures.ledger import Entry, Ledger, Runner, undone_in_order
from fixtures.session.joining import joined
from fixtures.target import Environment, InvalidProfile, Side, Target, UnknownName
from scenarios.faults.acts import Hands, act_of
from scenarios.faults.healing import Healer, marks
from scenarios.faults.place import Place

ENDS_S = 20.0  # for a runner that was told to stop to heal by itself


def known(hands: Hands, ledger: Ledger) -> list[Entry]:
    """Everything that is in, by the platform's marks and the ledger."""
    entries = {entry.id: entry for entry in [*ledger.entries(), *marks(hands.objects)]}
    return undone_in_order(list(entries.values()))


def heal(hands: Hands, ledger: Ledger) -> int:
    """Everything, whoever put it in."""
    healed = Healer(hands, ledger).heal_all(known(hands, ledger))
    for one in healed:
        print(one.text)
    for file in ledger.damaged():
        print(f"NOT HEALED: {file} cannot be read; what it told of is only found by its mark on the platform")
    failed = any(one.failed for one in healed) or bool(ledger.damaged())
    if not healed and not failed:
        print("nothing is in")
    return int(failed)


def stop(hands: Hands, ledger: Ledger) -> int:
    """End the runs that put faults in, which heal on their way out; and heal what they leave."""
    runners = {entry.runner for entry in known(hands, ledger) if entry.runner.is_alive}
    for runner in runners:
        print(f"ending the run of process {runner.pid}")
        os.kill(runner.pid, signal.SIGTERM)
    try:
        wait_until(lambda: not _has_entries_of(ledger, runners), ENDS_S)
    except TimedOut:
        print(f"it did not heal within {ENDS_S:.0f} s; healing in its place")
    return heal(hands, ledger)


def status(hands: Hands, ledger: Ledger) -> int:
    for entry in (entries := known(hands, ledger)):
        alive = "its run goes on" if entry.runner.is_alive else "its run is not alive here"
        print(f"{entry.id}  {entry.fault} on {act_of(entry.act).ref}; {alive}")
    if not entries:
        print("nothing is in")
    return 0


def plan(target: Target, environment: Environment) -> int:
    """What every experiment would touch. Exit code 1 where one would be refused."""
    from scenarios.faults.rehearsal import (
        rehearsed,  # every kind of fault, which those who heal need not know
    )
    from scenarios.surroundings import Surroundings

    around = Surroundings(target, environment, Side.GREEN)
    refused = False
    for experiment, said, could in rehearsed(around):
        refused |= not could
        print(f"{experiment.name}: {said}")
    around.close()
    return int(refused)


def _has_entries_of(ledger: Ledger, runners: set[Runner]) -> bool:
    return any(entry.runner in runners for entry in ledger.entries())


COMMANDS = {"status": status, "heal": heal, "stop": stop}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scenarios.faults", description=__doc__)
    parser.add_argument("command", choices=[*COMMANDS, "plan"])
    parser.add_argument("--target", default="hwayo", help="the target: a profile's name, or its file [hwayo]")
    parser.add_argument("--env", default="lab", help="the environment [lab]")
    parser.add_argument("--lab", default=os.environ.get("VERDIGRIS_LAB", "default"), help="the lab's name")
    chosen = parser.parse_args(arguments)
    try:
        target = Target.load(chosen.target)
        environment = joined(target.environment(chosen.env), chosen.lab)
    except (InvalidProfile, UnknownName) as error:
        print(error, file=sys.stderr)
        return 2
    except NoEvidence as error:
        print(error, file=sys.stderr)
        return 3
    if chosen.command == "plan":
        return plan(target, environment)
    place = Place.of(target.system, environment, chosen.lab)
    try:
        with place.opened() as hands:
            return COMMANDS[chosen.command](hands, place.ledger)
    except NoEvidence as error:
        print(error, file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
