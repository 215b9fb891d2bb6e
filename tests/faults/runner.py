"""python -m tests.faults.runner PLACE: a run that puts a fault in, says so, and holds it until it is ended."""

from __future__ import annotations

import signal
import sys
import time

from fixtures.platforms.changes import Changes, Ref
from fixtures.session.signals import Signals
from scenarios.faults.acts import Edit, Make
from scenarios.faults.place import Place
from scenarios.faults.radius import BlastRadius, Plan
from scenarios.faults.site import Site
from scenarios.faults.standby import Standby

HOLDS_S = 60.0


class Cut:
    """A deployment scaled to nothing, and a policy more."""

    name = "cut"
    bites_s = 5.0
    over_s = 30.0
    short = ""

    def __init__(self, objects: Changes, namespace: str) -> None:
        self._objects, self._namespace = objects, namespace

    def plan(self) -> Plan:
        web = self._objects.read_object(Ref("Deployment", self._namespace, "web"))
        assert web is not None
        policy = Ref("NetworkPolicy", self._namespace, "cut")
        acts = (
            Edit.plan("Deployment", web, (("spec", "replicas"), 0)),
            Make(policy, {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}),
        )
        return Plan(acts, ("web",), 1)

    def effect(self) -> str:
        found = self._objects.read_object(Ref("NetworkPolicy", self._namespace, "cut"))
        return "the policy is there" if found else ""

    def is_over(self) -> bool:
        return not self.effect()


def main() -> int:
    place, namespace, expires_s = Place.read(sys.stdin.readline()), sys.argv[1], float(sys.argv[2])
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who was started in the background ignores it
    signals = Signals()
    with place.opened() as hands, Standby(place) as standby:
        site = Site(hands, place.ledger, standby)
        print("ready", flush=True)
        with site.inject(Cut(hands.objects, namespace), BlastRadius(), expires_s):
            print("in", flush=True)
            time.sleep(HOLDS_S)
    signals.restore()
    return 0


if __name__ == "__main__":
    sys.exit(main())
