"""Bookings through NailBook's API: what each answer means to a client, and that what is there is held against it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from fixtures.evidence import Missing
from fixtures.ledger import Ledger
from fixtures.platforms.changes import Ref
from fixtures.target import Credential, Side
from fixtures.target.consistency import SlotsSoldOnce
from scenarios.consistency.checker import Wrong, check
from scenarios.consistency.clients import Lost, Patience, Taken, Unreachable, Wish, book_all
from scenarios.consistency.experiment import Nemesis
from scenarios.consistency.history import Outcome, Slot
from scenarios.consistency.shop import shop_of
from scenarios.faults.acts import Hands
from scenarios.faults.radius import OPT_IN, Forbidden
from scenarios.faults.site import Site
from scenarios.journeys.nailbook_line.bookings import Salon
from scenarios.surroundings import Surroundings
from tests.faults.shelf import Shelf
from tests.nailbook.test_checks import nailbook
from tests.release.test_undoing import Awake

Answer = Callable[[httpx.Request], httpx.Response | None]


class Api:
    """NailBook's API in memory. `instead` may answer, or raise, before it does; `refuses`: what overlaps."""

    def __init__(self) -> None:
        self.bookings: dict[int, dict[str, Any]] = {}
        self.refuses = True
        self.instead: Answer = lambda _: None
        self._lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            if request.url.path.endswith("/login"):
                return httpx.Response(200, json={"token": "t"})
            if (answer := self.instead(request)) is not None:
                return answer
            if request.method == "POST":
                return self._book(json.loads(request.content))
            if request.method == "DELETE":
                gone = self.bookings.pop(int(request.url.path.rpartition("/")[2]), None)
                return httpx.Response(204 if gone else 404)
            return httpx.Response(200, json={"bookings": self._day(parse_qs(request.url.query.decode()))})

    def _book(self, wanted: dict[str, Any]) -> httpx.Response:
        starts = datetime.fromisoformat(wanted["starts_at"])
        ends = starts + timedelta(minutes=wanted["minutes"])
        for one in self.bookings.values():
            if one["key"] == wanted["key"]:
                return httpx.Response(200, json=one)
            begun, over = (datetime.fromisoformat(one[name]) for name in ("starts_at", "ends_at"))
            if self.refuses and one["staff_id"] == wanted["staff"] and starts < over and begun < ends:
                return httpx.Response(409)
        made = {
            "id": len(self.bookings) + 1,
            "key": wanted["key"],
            "staff_id": wanted["staff"],
            "starts_at": starts.isoformat(),
            "ends_at": ends.isoformat(),
        }
        self.bookings[int(str(made["id"]))] = made
        return httpx.Response(201, json=made)

    def _day(self, asked: dict[bytes | str, list[Any]]) -> list[dict[str, Any]]:
        staff, day = int(asked["staff"][0]), asked["day"][0]
        return [
            one
            for one in self.bookings.values()
            if one["staff_id"] == staff and one["starts_at"].startswith(day)
        ]


@pytest.fixture
def api() -> Api:
    return Api()


def around(api: Api) -> Surroundings:
    told = {name: Credential.of_lab(name) for name in ("customer", "customer_password")}
    found = nailbook(entry="https://salon.test", credentials=told)
    found.doors[Side.GREEN] = httpx.Client(base_url="https://salon.test", transport=httpx.MockTransport(api))
    return found


@pytest.fixture
def salon(api: Api) -> Salon:
    made = shop_of(around(api))
    assert isinstance(made, Salon)
    return made


NOON = Slot(2, 720, 780)


def test_what_is_booked_is_there_as_it_was_asked_for_and_gone_in_the_end(salon: Salon) -> None:
    desk, tomorrow = salon.desk(), Slot(0, 24 * 60 + 30, 24 * 60 + 60)
    desk.book("a", NOON)
    desk.book("b", tomorrow)
    desk.book("a", NOON)  # one's own again
    assert {row.key: row.slot for row in salon.rows()} == {"a": NOON, "b": tomorrow}
    assert desk.holds("a")
    salon.clear()
    assert salon.rows() == []
    assert not desk.holds("a")


def test_a_time_that_overlaps_anothers_is_taken(salon: Salon) -> None:
    salon.desk().book("a", NOON)
    with pytest.raises(Taken):
        salon.desk().book("b", Slot(2, 750, 810))
    salon.desk().book("c", Slot(1, 750, 810))


@pytest.mark.parametrize("status", [500, 503, 504])
def test_an_answer_of_5xx_says_nothing_of_whether_it_was_carried_out(
    salon: Salon, api: Api, status: int
) -> None:
    api.instead = lambda _: httpx.Response(status)
    with pytest.raises(Lost):
        salon.desk().book("a", NOON)


def test_who_reached_nobody_knows_that_nothing_was_sent(salon: Salon, api: Api) -> None:
    def refused(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    def cut(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("cut", request=request)

    api.instead = refused
    with pytest.raises(Unreachable):
        salon.desk().book("a", NOON)
    api.instead = cut
    with pytest.raises(Lost):
        salon.desk().book("a", NOON)


def test_what_is_no_answer_to_a_booking_ends_the_experiment(salon: Salon, api: Api) -> None:
    api.instead = lambda _: httpx.Response(422, text="nobody has that number")
    with pytest.raises(Missing, match="answered by 422"):
        salon.desk().book("a", NOON)


@pytest.mark.parametrize("refuses", [True, False])
def test_a_system_that_sells_a_time_twice_is_found_out(salon: Salon, api: Api, refuses: bool) -> None:
    api.refuses = refuses
    wanted = [Wish(f"w{at}", Slot(at // 8 % 6, 60 * (at // 8), 60 * (at // 8) + 30)) for at in range(96)]
    history = book_all(wanted, salon.desk, 8, Patience(gives_up_s=5))
    found = check(history.attempts, salon.rows())
    assert found.outcomes[Outcome.BOOKED] == (12 if refuses else 96)
    assert {one.wrong for one in found.violations} == (set() if refuses else {Wrong.SHARED})


def test_an_answer_that_was_lost_is_asked_for_again_and_found(salon: Salon, api: Api) -> None:
    lost = iter([True, True, False])

    def after(request: httpx.Request) -> httpx.Response | None:
        if request.method != "POST" or not next(lost, False):
            return None
        api._book(json.loads(request.content))  # carried out, and never said
        raise httpx.ReadTimeout("late", request=request)

    api.instead = after
    history = book_all([Wish("mine", NOON)], salon.desk, 1, Patience(gives_up_s=5, pause_s=0.001))
    (attempt,) = history.attempts
    assert (attempt.outcome, attempt.lost) == (Outcome.BOOKED, 2)
    assert check(history.attempts, salon.rows()).consistent


def test_days_that_somebody_has_booked_already_are_no_place_for_it(api: Api) -> None:
    begins, ends = "2060-01-01T00:00+00:00", "2060-01-01T01:00+00:00"
    other = {"key": "x", "staff_id": 1, "starts_at": begins, "ends_at": ends}
    api.instead = lambda _: httpx.Response(200, json={"bookings": [other]})
    with pytest.raises(Missing, match="is booked already"):
        shop_of(around(api))


def test_a_server_is_only_killed_where_both_sides_have_opted_in(api: Api, tmp_path: Path) -> None:
    objects = Shelf()
    for side in ("blue", "green"):
        labels = dict([OPT_IN]) if side == "green" else {}
        objects.put(Ref("Namespace", "", side), metadata={"labels": labels})
    site = Site(Hands(objects, lambda *_: None), Ledger(tmp_path), Awake())
    found = around(api)
    order = next(one for one in found.target.checks if isinstance(one, SlotsSoldOnce))
    Nemesis(order.model_copy(update={"kills": False}), found, site).admit()
    with pytest.raises(Forbidden, match="blue: not labelled"):
        Nemesis(order, found, site).admit()
