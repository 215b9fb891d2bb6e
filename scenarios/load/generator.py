"""Sends requests as a plan says, with Locust's users, in a process of its own: gevent patches whatever imports this."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import gevent
import gevent.event
import gevent.ssl
import locust
from gevent.hub import Waiter
from gevent.pool import Group, Pool
from geventhttpclient.client import HTTPClientPool
from locust.contrib.fasthttp import FastHttpUser
from locust.env import Environment
from locust.util.load_locustfile import load_locustfile

from scenarios.load.plan import Closed, Open, Plan
from scenarios.load.recorder import Recorder, Ticket
from scenarios.load.records import Names, Outcome

NS = 1_000_000_000
DECK = 1000  # how many draws of the mix are made before they repeat
CONNECTIONS = 6  # of a session, as browsers open to a host
LOG_IN_AT_ONCE = 10
LOG_IN_TRIES = 3  # a system that fails one request of two hundred is to be measured, not to be despaired of
WORTH_INTERRUPTING_S = 0.25  # shorter sleeps need not be cut short when a run is stopped
DRAIN_LOOK_S = 0.01
LOOK_S = 0.05  # how often a closed run looks how late its own timer is
Task = Callable[[Any], Any]


class SetUpFailed(Exception):
    """The users could not begin: no locustfile, no user class, or nobody could log in."""


class Sender(gevent.Greenlet):  # type: ignore[misc]  # gevent says nothing of its types
    """Carries one arrival after the other, each with the moment it was due. Kept, because a new greenlet costs the
    kernel a mapping, which is a fifth of what a request costs."""

    def __init__(self, finished: Callable[[Sender], None]) -> None:
        super().__init__()
        self._finished = finished
        self._wake: Waiter | None = None
        self.ticket = Ticket(0, 0, 0, None)
        self.unsent_ns = 0  # when the arrival was due; 0 once its first request is on its way

    def carry(self, user: Any, task: Task, due_ns: int, asked: int) -> None:
        self._user, self.task = user, task
        self.ticket, self.unsent_ns = Ticket(due_ns, due_ns, asked, task), due_ns
        if self._wake is None:
            self.start()
        else:
            gevent.get_hub().loop.run_callback(self._wake.switch, None)

    def _run(self) -> None:
        while True:
            self.task(self._user)
            self._finished(self)
            self._wake = Waiter()
            self._wake.get()


class Generator:
    """One process's part of a plan: it takes every `parts`-th arrival or user, beginning with `part`."""

    def __init__(self, plan: Plan, part: int, parts: int, recorder: Recorder, names: Names) -> None:
        self.plan, self.part, self.parts = plan, part, parts
        self.recorder = recorder
        recorder.whose = _asked_now
        self.offered = 0  # arrivals whose moment came
        self.dropped = 0
        self.unfinished = 0
        self._asked = [names.asked_side(side) for side in plan.sides]
        self._stopped = gevent.event.Event()
        self._busy: set[Sender] = set()
        self._idle: list[Sender] = []
        self._environment = Environment(events=locust.events, host=plan.host)
        self._environment.events.request.add_listener(recorder.heard)  # type: ignore[no-untyped-call]
        classes = user_classes(plan.file)
        self._classes = [
            [self._recorded(one, side, asked) for one in classes]
            for side, asked in zip(plan.sides, self._asked, strict=True)
        ]
        self._users: list[list[Any]] = []

    # --- users -------------------------------------------------------------------------------------------------------
    def _recorded(self, base: type[FastHttpUser], side: str, asked: int) -> type[FastHttpUser]:
        """The locustfile's user, led to a side, telling the recorder of each request, logging in once."""
        recorder = self.recorder
        headers = {**(base.default_headers or {}), **self.plan.sides[side]}

        def context(user: FastHttpUser) -> dict[str, Any]:
            current = gevent.getcurrent()
            own = base.context(user)
            due_ns = getattr(current, "unsent_ns", 0)
            if not due_ns:  # a later request of the same arrival is due when it is sent
                return {**own, **recorder.sent(0, asked)}
            current.unsent_ns = 0
            recorder.late(time.monotonic_ns() - due_ns)
            return {**own, **recorder.sent(due_ns, asked, current.task)}

        def on_start(user: FastHttpUser) -> None:
            if not getattr(user, "has_begun", False):
                base.on_start(user)
                user.has_begun = True  # type: ignore[attr-defined]

        body: dict[str, Any] = {"context": context, "on_start": on_start, "default_headers": headers}
        body["host"] = self.plan.host
        if self.plan.ca:
            # Static, or a user who has a pool of their own would hand themselves in.
            body |= {"insecure": False, "ssl_context_factory": staticmethod(trusting(self.plan.ca))}
        if isinstance(self.plan.model, Open):
            body["client_pool"] = self._pool(base)
        made: Any = type(base)  # Locust's own metaclass, which gathers the tasks
        user = cast(type[FastHttpUser], made(base.__name__, (base,), body))
        if self.plan.mix:
            user.tasks = [*_mixed(base, self.plan.mix)]
        return user

    def _pool(self, base: type[FastHttpUser]) -> HTTPClientPool:
        """Connections that all sessions of a class share, as many as their browsers would open. Who finds none free
        waits here, and that is part of the latency."""
        model = self.plan.model
        assert isinstance(model, Open)
        factory = trusting(self.plan.ca) if self.plan.ca else gevent.ssl._create_unverified_context
        return HTTPClientPool(
            concurrency=min(model.in_flight, CONNECTIONS * model.sessions),
            connection_timeout=base.connection_timeout,
            network_timeout=base.network_timeout,
            insecure=not self.plan.ca,
            ssl_context_factory=factory,
        )

    def prepare(self) -> None:
        """Make the users and let them log in, a few at a time. Raises SetUpFailed."""
        model, sides = self.plan.model, len(self._classes)
        for side, classes in enumerate(self._classes):
            if isinstance(model, Open):  # each side has all the sessions, since arrivals take turns
                mine = max(1, len(range(self.part, model.sessions, self.parts)))
            else:
                mine = len(range(self.part * sides + side, model.users, self.parts * sides))
            weighted = [one for one in classes for _ in range(max(1, int(one.weight)))]
            self._users.append([weighted[at % len(weighted)](self._environment) for at in range(mine)])
        pool = Pool(LOG_IN_AT_ONCE)
        starts = [pool.spawn(_begin, user) for users in self._users for user in users]
        gevent.joinall(starts)
        failed = [one.exception for one in starts if one.exception is not None]
        if failed:
            raise SetUpFailed(f"{len(failed)} of {len(starts)} users could not begin, first: {failed[0]!r}")
        if isinstance(model, Open):
            for one in {type(user) for users in self._users for user in users}:
                _connect(one.client_pool, self.plan.host)

    # --- running -----------------------------------------------------------------------------------------------------
    def run(self, zero_ns: int) -> None:
        """From zero (monotonic) to the plan's end, or `stop`; then until nothing is in flight, or the drain ends."""
        self.recorder.begin(zero_ns)
        if isinstance(self.plan.model, Open):
            self._arrive(self.plan.model, zero_ns)
        else:
            self._visit(self.plan.model, zero_ns)
        # Locust's events outlive a generator, which must not go on listening.
        self._environment.events.request.remove_listener(self.recorder.heard)  # type: ignore[no-untyped-call]

    def stop(self) -> None:
        self._stopped.set()

    def _arrive(self, model: Open, zero_ns: int) -> None:
        sides, room = len(self._users), max(1, model.in_flight // self.parts)
        classes = {type(user): user for users in self._users for user in users}
        decks = {one: _deck(user, self.plan.seed) for one, user in classes.items()}
        order = random.Random(self.plan.seed)
        turns = [order.sample(range(sides), sides) for _ in range(DECK)]  # who goes first changes, at random
        for arrival in range(self.part, model.profile.total, self.parts):
            due_ns = zero_ns + int(model.profile.due_s(arrival) * NS)
            if not self._wait_for(due_ns):
                break
            self.offered += 1
            # Sides take turns within a process too, and get the same task each round.
            round_, turn = divmod(arrival // self.parts, sides)
            side = turns[round_ % DECK][turn]
            user = self._users[side][round_ % len(self._users[side])]
            task = decks[type(user)][(round_ * self.parts + self.part) % DECK]
            if len(self._busy) < room:
                self._send(user, task, due_ns, self._asked[side])
            else:
                self._drop(Ticket(due_ns, due_ns, self._asked[side], task))
        self._drain()

    def _wait_for(self, due_ns: int) -> bool:
        """False where the run was stopped meanwhile. A timer may ring early, so look again."""
        while (left_s := (due_ns - time.monotonic_ns()) / NS) > 0 and not self._stopped.is_set():
            if left_s < WORTH_INTERRUPTING_S:
                gevent.sleep(left_s)
            else:
                self._stopped.wait(left_s)
        return not self._stopped.is_set()

    def _send(self, user: Any, task: Task, due_ns: int, asked: int) -> None:
        if self._idle:
            sender = self._idle.pop()
        else:
            sender = Sender(self._finished)
            sender.rawlink(self._broken)
        self._busy.add(sender)
        sender.carry(user, task, due_ns, asked)

    def _finished(self, sender: Sender) -> None:
        self._busy.discard(sender)
        self._idle.append(sender)

    def _broken(self, sender: Sender) -> None:
        """A sender only ends when the scenario's code raised."""
        if sender in self._busy:
            self._busy.discard(sender)
            self.recorder.lost(sender.ticket, Outcome.BROKEN)

    def _drop(self, ticket: Ticket) -> None:
        self.dropped += 1
        self.recorder.late(time.monotonic_ns() - ticket.due_ns)
        self.recorder.lost(ticket, Outcome.DROPPED)

    def _drain(self) -> None:
        until = time.monotonic() + self.plan.drain_s
        while self._busy and time.monotonic() < until:
            gevent.sleep(DRAIN_LOOK_S)
        left = list(self._busy)
        self._busy.clear()
        self.unfinished = len(left)
        for sender in left:
            self.recorder.lost(sender.ticket, Outcome.UNFINISHED)
        gevent.killall([*left, *self._idle], timeout=1)

    def _visit(self, model: Closed, zero_ns: int) -> None:
        users = [user for users in self._users for user in users]
        group, spread = Group(), random.Random(self.plan.seed)
        if not self._wait_for(zero_ns):
            return
        watch = gevent.spawn(self._watch_timer)
        rise_s = min(1.0, model.duration_s / 10)  # not all in the same instant, or they stay in step
        starts = [gevent.spawn_later(spread.uniform(0, rise_s), user.start, group) for user in users]
        self._wait_for(zero_ns + int(model.duration_s * NS))
        gevent.killall(starts)
        for user in users:
            if user.greenlet is not None and not user.greenlet.dead:
                user.stop(force=False)
        group.join(timeout=self.plan.drain_s)
        watch.kill()
        left = list(self.recorder.in_flight.values())
        self.unfinished = len(left)
        for ticket in left:
            self.recorder.lost(ticket, Outcome.UNFINISHED)
        group.kill(timeout=1)

    def _watch_timer(self) -> None:
        """In a closed run nothing has a due moment; how late this process's own timer rings says how busy it was."""
        while True:
            due_ns = time.monotonic_ns() + int(LOOK_S * NS)
            gevent.sleep(LOOK_S)
            self.recorder.late(time.monotonic_ns() - due_ns)


def _asked_now() -> int:
    """The side that the arrival which is being carried leads to; the first, where users come by themselves."""
    ticket = getattr(gevent.getcurrent(), "ticket", None)
    return ticket.asked if ticket is not None else 0


def user_classes(path: Path) -> list[type[FastHttpUser]]:
    """The locustfile's users, as `locust -f` would find them. Raises SetUpFailed."""
    if not path.is_file():
        raise SetUpFailed(f"no locustfile at {path}")
    found = load_locustfile(str(path))[0]
    fast = [one for one in found.values() if issubclass(one, FastHttpUser)]
    if not fast or len(fast) < len(found):
        raise SetUpFailed(
            f"{path} must define FastHttpUsers and no others, and has {', '.join(found) or 'none'}"
        )
    return fast


def trusting(ca: str) -> Callable[[], Any]:
    return lambda **_: gevent.ssl.create_default_context(cafile=ca)


def _begin(user: Any) -> None:
    """The user's beginning, tried again where it fails. Raises what the last try did."""
    for left in reversed(range(LOG_IN_TRIES)):
        try:
            user.on_start()
            break
        except Exception:  # whatever the scenario raises
            if not left:
                raise


def _connect(pool: HTTPClientPool, host: str) -> None:
    """Open all connections before anything counts. Otherwise the first hiccup of the system has them opened at once: a
    generator that shakes hands (milliseconds each, with TLS) is late, and takes from a machine that it shares with the
    system what that needs to catch up."""
    connections = pool.get_client(host)._connection_pool

    def opened(_: int) -> Any:
        with contextlib.suppress(OSError):  # who cannot be reached is for the run to find out
            return connections.get_socket()

    for one in Pool(LOG_IN_AT_ONCE).map(opened, range(connections.size)):
        if one is not None:
            connections.return_socket(one)


def _mixed(base: type[FastHttpUser], mix: Mapping[str, int]) -> list[Task]:
    if unknown := [name for name in mix if not callable(getattr(base, name, None))]:
        raise SetUpFailed(f"{base.__name__} of the locustfile has no task {', '.join(unknown)}")
    return [getattr(base, name) for name, often in mix.items() for _ in range(often)]


def _deck(user: Any, seed: int) -> list[Task]:
    """The mix as a shuffled deck: what is drawn has the mix's shares exactly, not only in the long run."""
    tasks = list(user.tasks)
    if any(isinstance(task, type) for task in tasks):
        raise SetUpFailed("the open model takes users whose tasks are functions, not nested task sets")
    deck = [tasks[at % len(tasks)] for at in range(DECK)]
    random.Random(seed).shuffle(deck)
    return deck
