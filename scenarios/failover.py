"""Has the server that a cache is written to fall silent while somebody writes, and sees who takes its place, how soon,
and whether what was acknowledged is still there.

The server is told to keep its clients waiting for a while, sentinels among them: they take it for dead. It ends by
itself, whoever dies in between. In the end who was written to before is written to again.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

from fixtures.clock import TimedOut, wait_until
from fixtures.evidence import NoEvidence, Unreachable
from fixtures.platforms.changes import Ref
from fixtures.probes import sentinels
from fixtures.target.base import Side
from fixtures.target.environment import Sentinels
from fixtures.target.guarded import CacheFailover
from reports.figures import figure
from reports.verdicts import Evidence, Measurement
from scenarios.faults.radius import OPT_IN, has_opted_in
from scenarios.faults.site import Site
from scenarios.surroundings import Surroundings, stated
from scenarios.tally import UNIT, Tally

BEFORE_S = 2.0  # of writes that all must succeed
AFTER_S = 3.0
PATIENCE_S = 0.5  # of one write; who waits longer has lost
KEPT_S = 600
PATIENCE: Mapping[str, Any] = {
    "socket_timeout": PATIENCE_S,
    "socket_connect_timeout": PATIENCE_S,
    "retry": Retry(NoBackoff(), 0),  # the client's own would wait for ten seconds
}
REJOINS_S = 60.0
SETTLES_S = 12.0  # a sentinel asks who follows every ten seconds


@dataclass(frozen=True)
class Write:
    number: int
    began_s: float  # monotonic
    ended_s: float
    acknowledged_by: str  # HOST:PORT; "" of one that was not


@dataclass
class Writer:
    """Writes one key after the other, at a rate, to whom the sentinels name; each key is another one."""

    guard: Any  # redis.sentinel.Sentinel, which has no types
    master: str
    options: dict[str, Any]
    rate_rps: float
    mark: str = field(default_factory=lambda: f"verdigris:failover:{uuid.uuid4().hex[:12]}")
    writes: list[Write] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            thread.join(30)

    def _run(self) -> None:
        due = time.monotonic()
        while not self.over.is_set():
            number, began = len(self.writes), time.monotonic()
            by = self._written(number)
            self.writes.append(Write(number, began, time.monotonic(), by))
            due += 1 / self.rate_rps
            self.over.wait(max(0.0, due - time.monotonic()))

    def _written(self, number: int) -> str:
        try:
            host, port = self.guard.discover_master(self.master)
            with redis.Redis(host, port, **self.options) as server:
                server.set(f"{self.mark}:{number}", number, ex=KEPT_S)
        except (redis.RedisError, OSError):
            return ""
        return f"{host}:{port}"

    @property
    def acknowledged(self) -> list[Write]:
        return [one for one in self.writes if one.acknowledged_by]


@dataclass(frozen=True)
class Carried:
    """`left`: what is not as it was before; empty where all is."""

    seen: Measurement  # violations
    left: str = ""


def carried_out(check: CacheFailover, around: Surroundings, site: Site) -> Carried:
    """Raises NoEvidence where nothing was tried. INVALID where nobody may touch it, or the server never fell silent."""
    told = stated(around.environment, around.environment.sentinels, "sentinels")
    if why := _forbidden(around, site):
        return Carried(Measurement(None, UNIT, 0, invalid=why))
    guard: Any = Sentinel(  # type: ignore[no-untyped-call]
        [_apart(host) for host in told.hosts], sentinel_kwargs=PATIENCE
    )
    before = named(guard, told)
    if (wanting := _wanting(told, before)).broken:
        return Carried(wanting.measurement())
    url = urlsplit(around.store("cache", around.side))
    options = {
        "password": unquote(url.password or ""),
        "db": int(url.path.strip("/") or 0),
        "decode_responses": True,
        **PATIENCE,
    }
    writer = Writer(guard, told.master, options, check.writes.per_second)
    try:
        seen = _failed_over(check, told, before, writer)
    except NoEvidence as error:
        seen = Measurement(None, UNIT, 0, why=str(error))
    finally:
        left = _restored(guard, told, before, writer)
    return Carried(_with_left(seen, left), left)


def _failed_over(check: CacheFailover, told: Sentinels, before: str, writer: Writer) -> Measurement:
    """Raises NoEvidence."""
    with writer.at_work():
        time.sleep(BEFORE_S)
        silent_from = _silenced(before, writer.options, check.silent.seconds)
        patience_s = min(check.within.seconds, check.silent.seconds + REJOINS_S)
        elsewhere_s = _waited(lambda: named(writer.guard, told) != before, patience_s)
        time.sleep(max(0.0, silent_from + check.silent.seconds - time.monotonic()) + AFTER_S)
    rejoined_s = elsewhere_s and _waited(lambda: _follows(told, before), REJOINS_S)
    course = Course(before, named(writer.guard, told), silent_from, elsewhere_s, rejoined_s)
    return _judged(check, writer, course)


def _with_left(seen: Measurement, left: str) -> Measurement:
    """A heal that failed fails the run, and takes nothing away from what was seen by then."""
    if not left:
        return seen
    why = "; ".join(filter(None, (f"SOMETHING IS LEFT BEHIND: {left}", seen.invalid, seen.why)))
    bad = (seen.bad or 0) + 1
    return replace(seen, value=float(bad), bad=bad, samples=seen.samples + 1, invalid="", why=why)


@dataclass(frozen=True)
class Course:
    """HOST:PORT of who was written to, and who is; seconds, None where it never came."""

    before: str
    after: str
    silent_from: float  # monotonic
    elsewhere_s: float | None
    rejoined_s: float | None


def _judged(check: CacheFailover, writer: Writer, course: Course) -> Measurement:
    tally = Tally("writes")
    good = writer.acknowledged
    first = [one for one in good if one.ended_s < course.silent_from]
    later = [one for one in good if one.acknowledged_by != course.before]
    if not first:
        return Measurement(None, UNIT, 0, invalid="no write was acknowledged before the server fell silent")
    if not any(one.began_s > course.silent_from for one in writer.writes if not one.acknowledged_by):
        return Measurement(
            None, UNIT, 0, invalid=f"{course.before} was told to be silent, and no write was felt"
        )
    tally.saw(*(f"write {one.number}" for one in good))
    if course.elsewhere_s is None or not later:
        tally.breaks(
            "failover", f"nobody took the place of {course.before}, which was silent for {check.silent}"
        )
    else:
        unserved_s = later[0].ended_s - first[-1].ended_s
        tally.note(
            Evidence(f"written to again after {unserved_s:.1f} s", f"{course.before}, then {course.after}")
        )
        if unserved_s > check.within.seconds:
            tally.breaks("failover", f"took {figure(unserved_s, 's')}, where {check.within} are promised")
        lost = _lost(writer, course.after)
        tally.note(
            Evidence(f"{len(lost)} of {len(good)} acknowledged writes lost", ", ".join(map(str, lost)))
        )
        for number in lost:
            tally.breaks(f"write {number}", "was acknowledged, and is not there")
    if course.elsewhere_s is not None and course.rejoined_s is None:
        tally.breaks(course.before, f"does not follow the new one {REJOINS_S:g} s after it spoke again")
    return tally.measurement()


def _lost(writer: Writer, server: str) -> list[int]:
    """The numbers of acknowledged writes that are not there. Raises Unreachable."""
    with _speaking_to(server, writer.options) as found:
        values = found.mget([f"{writer.mark}:{one.number}" for one in writer.acknowledged])
    return [one.number for one, value in zip(writer.acknowledged, values, strict=True) if value is None]


# --- the server, and who watches over it -----------------------------------------------------------------------------
def named(guard: Any, told: Sentinels) -> str:
    """Whom the sentinels name. Raises Unreachable."""
    try:
        host, port = guard.discover_master(told.master)
    except MasterNotFoundError as error:
        raise Unreachable(f"no sentinel names a server for {told.master}: {error}") from error
    return f"{host}:{port}"


def _silenced(server: str, options: dict[str, Any], for_s: float) -> float:
    """When it was. All clients wait, who only ask whether it is there too. Raises Unreachable."""
    with _speaking_to(server, options) as found:
        found.client_pause(round(for_s * 1000), all=True)
    return time.monotonic()


def _wanting(told: Sentinels, before: str) -> Tally:
    """Who could take the place is looked at before anything is harmed: without anybody the harm would teach nothing.
    Raises Unreachable where no sentinel answers."""
    tallies: list[Tally] = []

    def somebody() -> bool:
        tally = Tally("sentinels")
        for word in _words(told):
            tally.saw(word.host)
            if not word.in_step:
                tally.breaks(word.host, f"{word.knows}: nobody could take the place of {before}")
        tallies[:] = [tally]
        return not tally.broken

    _waited(somebody, SETTLES_S, poll_s=1.0)
    if not tallies:
        raise Unreachable(f"no sentinel of {told.master} answers")
    return tallies[0]


def _words(told: Sentinels) -> list[sentinels.Word]:
    """Of those who answer; one that does not is one too few only when it counts. Raises Unreachable where none does."""
    words = list[sentinels.Word]()
    for host in told.hosts:
        with suppress(Unreachable):
            words.append(sentinels.asked(host, told.master))
    if not words:
        raise Unreachable(f"no sentinel of {told.master} answers")
    return words


def _follows(told: Sentinels, server: str = "") -> bool:
    """Whether every sentinel says that it does, in step; that anybody does, where nobody is named."""
    return all(any(server in ("", one.address) for one in word.in_step) for word in _words(told))


def _restored(guard: Any, told: Sentinels, before: str, writer: Writer) -> str:
    """Who was written to before is again, by the sentinels' own doing, and what was written is gone. Says what is not
    so."""

    def back() -> bool:
        if named(guard, told) == before:
            return _follows(told)
        for sentinel in guard.sentinels[:1]:
            try:
                sentinel.execute_command("SENTINEL", "FAILOVER", told.master)
            except redis.RedisError:  # one is under way, or just was
                return False
        return False

    took_s = _waited(back, REJOINS_S, poll_s=2.0)
    try:
        now = named(guard, told)
        with _speaking_to(now, writer.options) as server:
            server.delete(*(f"{writer.mark}:{one.number}" for one in writer.writes))
        if took_s is not None:
            return ""
        if now != before:
            return f"the sentinels name {now}, and not {before}, who was written to before"
        return f"{before} is written to again, and {'; '.join(_alone(told))}"
    except Unreachable as error:
        return str(error)


def _alone(told: Sentinels) -> list[str]:
    return [f"{word.host} {word.knows}" for word in _words(told) if not word.in_step]


def _forbidden(around: Surroundings, site: Site) -> str:
    """The servers are both sides'."""
    for side in Side:
        name = around.environment.namespaces[side]
        found = site.hands.objects.read_object(Ref("Namespace", "", name))
        if found is None or not has_opted_in(found):
            return f"{name}: not labelled {'='.join(OPT_IN)}, so nothing there may be touched"
    return ""


def _waited(predicate: Any, within_s: float, poll_s: float = 0.1) -> float | None:
    """How long, in seconds; None where it never came."""

    def so() -> bool:
        try:
            return bool(predicate())
        except Unreachable:
            return False

    try:
        return wait_until(so, within_s, poll_s=poll_s)
    except TimedOut:
        return None


@contextmanager
def _speaking_to(address: str, options: Mapping[str, Any]) -> Iterator[Any]:
    """Raises Unreachable."""
    host, port = _apart(address)
    try:
        with redis.Redis(host, port, **options) as server:
            yield server
    except redis.RedisError as error:
        raise Unreachable(f"{address} does not do as it is told: {error}") from error


def _apart(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)
