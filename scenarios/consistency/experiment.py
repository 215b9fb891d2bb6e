"""Has many clients book overlapping times through a running system, breaks what they talk to, and checks what each was
told against what is there in the end."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import psycopg

from fixtures.clock import TimedOut, wait_until
from fixtures.evidence import Missing
from fixtures.platforms.abilities import Workloads, able
from fixtures.platforms.changes import Ref
from fixtures.platforms.postgres.programs import Login, Programs
from fixtures.platforms.postgres.server import Server
from fixtures.target.base import Side
from fixtures.target.consistency import SlotsSoldOnce
from fixtures.target.faults import FaultOrder
from reports.verdicts import Measurement
from scenarios.consistency.checker import check as held_against
from scenarios.consistency.checker import measured
from scenarios.consistency.clients import Patience, Wish, book_all, wishes
from scenarios.consistency.history import Attempt
from scenarios.consistency.postgres import connect
from scenarios.consistency.shop import Shop, shop_of
from scenarios.faults.acts import HealFailed
from scenarios.faults.catalogue import made
from scenarios.faults.radius import OPT_IN, BlastRadius, Forbidden, has_opted_in
from scenarios.faults.site import DidNotBite, Site
from scenarios.journeys.walk import Unmet
from scenarios.surroundings import Surroundings

A_ROUND = 10  # wishes of each client
MOST_ROUNDS = 200
LASTS_S = 120.0  # a fault at most; then whoever stands by takes it out
HOLDS_S = 1.0
CUTS_EVERY_S = 0.1
RESTS_S = 20.0  # until nothing is under way any more
NEMESIS = "verdigris-nemesis"
# Of our side's pods, each by its name: the other side may have the same database, and is nobody to harm.
OURS = "application_name = ANY(%s) AND pid <> pg_backend_pid()"
CUT = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {OURS} AND state = 'active'"
BUSY = f"SELECT count(*) FROM pg_stat_activity WHERE {OURS} AND state <> 'idle'"


@dataclass
class Nemesis:
    """Breaks things beside the clients, in a thread of its own: what it has done, and what it failed at."""

    order: SlotsSoldOnce
    around: Surroundings
    site: Site
    done: list[str] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def admit(self) -> None:
        """Raises Forbidden where a side has not opted in. A server is both sides'."""
        sides = Side if self.order.kills else (self.around.side,)
        for name in (self.around.environment.namespaces[side] for side in sides):
            found = self.site.hands.objects.read_object(Ref("Namespace", "", name))
            if found is None or not has_opted_in(found):
                raise Forbidden(f"{name}: not labelled {'='.join(OPT_IN)}, so nothing there may be touched")

    @property
    def harms(self) -> list[Callable[[], None]]:
        return [
            *(partial(self._put_in, one) for one in self.order.faults),
            *([self._cut] if self.order.cuts else []),
            *([self._kill] if self.order.kills else []),
        ]

    @contextmanager
    def at_work(self) -> Iterator[threading.Thread]:
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield thread
        finally:
            self.over.set()
            thread.join(LASTS_S * (1 + len(self.harms)))

    def _run(self) -> None:
        try:
            for harm in self.harms:
                if not self.over.is_set():
                    harm()
        except Exception as error:  # noqa: BLE001 - raised again where the clients are waited for
            self.trouble.append(error)

    def _put_in(self, order: FaultOrder) -> None:
        fault = made(order, self.around)
        most = len(self.around.pods_on(self.around.side, self.around.target.services[0]))
        with self.site.inject(fault, BlastRadius(most), LASTS_S) as injection:
            time.sleep(HOLDS_S)
        self.done.append(f"{fault.name}: {injection.effect}")

    def _cut(self) -> None:
        """Those of the application that are in the middle of a statement, until some were."""
        cut = 0

        def some() -> bool:
            nonlocal cut
            with connect(self._database, NEMESIS) as database:
                row = database.execute(CUT, (_pods(self.around),)).fetchone()
            cut += int(str(row[0])) if row else 0
            return cut >= self.order.rivals

        try:
            wait_until(some, LASTS_S / 4, poll_s=CUTS_EVERY_S)
        except TimedOut as error:
            raise DidNotBite(f"only {cut} connections were in the middle of a statement: {error}") from error
        self.done.append(f"{cut} connections to the database were cut")

    def _kill(self) -> None:
        told = self.around.environment.servers.database
        if told is None:
            raise Missing(f"environment {self.around.environment.name} states no database under servers")
        host, port = told.address.rsplit(":", 1)
        programs = Programs(Path(told.programs) if told.programs else None, told.run_as)
        Server(programs, Login(host, int(port), password="")).kill(Path(told.data))
        began = time.monotonic()
        wait_until(self._serves, LASTS_S / 2)
        self.done.append(f"the database was killed, and was back {time.monotonic() - began:.1f} s later")

    def _serves(self) -> bool:
        try:
            connect(self._database, NEMESIS).close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _database(self) -> str:
        return self.around.store("database", self.around.side)


def carried_out(order: SlotsSoldOnce, around: Surroundings, site: Site) -> Measurement:
    """Violations among all attempts. Raises NoEvidence; HealFailed where something was left behind."""
    try:
        shop = shop_of(around)
        nemesis = Nemesis(order, around, site)
        nemesis.admit()
        try:
            attempts = _booked(order, shop, nemesis)
            _at_rest(around)
            found = held_against(attempts, shop.rows())
        finally:
            shop.clear()
        if left := shop.rows():
            raise Missing(f"{len(left)} bookings of the experiment could not be taken back")
    except (DidNotBite, Forbidden) as error:
        return Measurement(None, "count", 0, invalid=str(error))
    except Unmet as error:
        raise Missing(f"no booking could even be asked for: {error}") from error
    seen = measured(found, len(nemesis.done))
    told = "\n".join(["", "meanwhile:", *nemesis.done]) if nemesis.done else ""
    return replace(seen, evidence=tuple(replace(one, text=one.text + told) for one in seen.evidence))


def _booked(order: SlotsSoldOnce, shop: Shop, nemesis: Nemesis) -> list[Attempt]:
    """Round after round, until there were enough wishes and nothing is broken any more."""
    attempts: list[Attempt] = []
    patience = Patience(gives_up_s=30.0)
    with nemesis.at_work() as thread:
        for number in range(MOST_ROUNDS):
            wanted = _round(order, shop, number)
            attempts += book_all(wanted, shop.desk, order.clients, patience).attempts
            if len(attempts) >= order.wishes and not thread.is_alive():
                break
    if thread.is_alive():
        raise HealFailed("what was put in is not taken out yet")
    for one in nemesis.trouble:
        raise one
    return attempts


def _round(order: SlotsSoldOnce, shop: Shop, number: int) -> list[Wish]:
    """After the times of the rounds before."""
    many = order.clients * A_ROUND
    hours = -(-many // (order.rivals * shop.people)) + 1
    made_ = wishes(random.Random(number), many, order.rivals, shop.people)
    later = number * hours * 60
    return [
        Wish(
            f"verdigris-{number}-{one.key}-{time.time_ns():x}",
            replace(one.slot, begins=one.slot.begins + later, ends=one.slot.ends + later),
        )
        for one in made_
    ]


def _at_rest(around: Surroundings) -> None:
    """Until the application asks its database for nothing: an answer that never came may still be carried out."""
    names = _pods(around)
    with connect(around.store("database", around.side), NEMESIS) as database:
        try:
            wait_until(lambda: database.execute(BUSY, (names,)).fetchone() == (0,), RESTS_S, poll_s=0.05)
        except TimedOut as error:
            raise Missing(f"the application's statements do not come to rest: {error}") from error


def _pods(around: Surroundings) -> list[str]:
    """What the application calls its connections: each pod by its own name."""
    return [pod.name for pod in able(around.platform, Workloads).pods(around.namespace)]
