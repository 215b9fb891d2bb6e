"""The front door is closed, and opened as it was, also by whoever comes next; one that does not follow is named."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fixtures.platforms.routing import UNAVAILABLE, Routes
from scenarios.drills.comeback import NotProven
from scenarios.drills.maintenance import Maintenance


class Door:
    """A router in memory. `follows`: whether users are led as it says."""

    def __init__(self, *, follows: bool = True) -> None:
        self.routes = Routes("canary", 0.25, "1", {"spec": {"green": 25}})
        self.follows = follows

    def read(self) -> Routes:
        return self.routes

    def shift(self, seen: Routes, green: float) -> Routes:
        raise NotImplementedError

    def close(self, seen: Routes, page: str) -> Routes:
        self.routes = dataclasses.replace(seen, green=None, version="2", body={"spec": {"page": page}})
        return self.routes

    def restore(self, seen: Routes, before: Routes) -> Routes:
        assert seen == self.routes
        self.routes = dataclasses.replace(before, version="3")
        return self.routes

    def changed_by(self, seen: Routes, now: Routes) -> str:
        raise NotImplementedError

    def answer(self) -> int:
        return UNAVAILABLE if self.routes.green is None and self.follows else 200


def maintenance(door: Door, folder: Path, follows_s: float = 20.0) -> Maintenance:
    return Maintenance(door, "back soon", door.answer, folder / "door.json", follows_s)


def test_a_door_is_opened_as_it_was(tmp_path: Path) -> None:
    door = Door()
    found = maintenance(door, tmp_path)
    assert found.close().startswith("users are shown the page after")
    assert list(found.left_behind()) == ["the front door is closed for maintenance"]
    assert "as before: 25% to green" in found.lift()
    assert door.routes.body == {"spec": {"green": 25}}
    assert list(found.left_behind()) == []
    assert found.heal() == ""


def test_a_door_that_a_killed_drill_left_closed_is_opened_by_the_next(tmp_path: Path) -> None:
    door = Door()
    maintenance(door, tmp_path).close()
    assert maintenance(door, tmp_path).heal() == "the front door is open"
    assert door.routes.green == 0.25
    assert maintenance(door, tmp_path).heal() == ""


def test_what_somebody_led_elsewhere_meanwhile_is_left_to_them(tmp_path: Path) -> None:
    door = Door()
    maintenance(door, tmp_path).close()
    door.routes = Routes("canary", 0.5, "9", {"spec": {"green": 50}})
    maintenance(door, tmp_path).heal()
    assert door.routes.green == 0.5


def test_a_door_that_users_still_come_in_by_is_not_closed(tmp_path: Path) -> None:
    found = maintenance(Door(follows=False), tmp_path, follows_s=0.2)
    with pytest.raises(NotProven, match=r"the front door is not closed"):
        found.close()
    assert found.heal() == "the front door is open"
    with pytest.raises(NotProven, match="nobody closed the door"):
        found.lift()
