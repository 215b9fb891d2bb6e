"""A system on ECS is changed as objects: versions keep writers apart, marks fit into tags, a heal heals (moto)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as some
from moto import mock_aws

from fixtures.evidence import Missing
from fixtures.lab.aws import REGION
from fixtures.lab.layout import Layout
from fixtures.lab.systems.nailbook_line import aws
from fixtures.lab.systems.nailbook_line.catalogue import BALANCER, BLUE, CLUSTER, FAMILY, GREEN
from fixtures.platforms.alb import Alb, Listener
from fixtures.platforms.aws import Account
from fixtures.platforms.changes import Changes, Conflict, Ref, Rejected
from fixtures.platforms.ecs import Ecs
from fixtures.platforms.ecs.changes import Changing
from fixtures.platforms.ecs.kinds import Kind
from fixtures.platforms.ecs.tags import LONGEST, PLAIN, UNREADABLE, notes_in, tags_of
from scenarios.faults.radius import has_opted_in
from scenarios.release.fleet import Fleet
from scenarios.release.undoing import Undoable
from tests.release.test_undoing import Awake, Doom, Killed, MortalLedger, healed
from tests.release.worlds import FakeClock

LISTENER = Listener(BALANCER, 443, BLUE.group, GREEN.group)
API = Ref("Deployment", "green", "api")
SIDE = Ref("Namespace", "", "blue")
SECRETS = {"database": "pass-word", "cache": "pass-word", "token_key": "key"}
Json = dict[str, Any]


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched, mock_aws():
        patched.setenv("AWS_ACCESS_KEY_ID", "lab")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "lab")
        aws.fill(client, Layout(7, Path("/nowhere")), SECRETS)
        yield


@pytest.fixture(scope="module")
def platform(account: None) -> Ecs:
    return Ecs(Account(REGION), CLUSTER, [LISTENER.ref.name])


def read(platform: Changes, ref: Ref) -> Json:
    found = platform.read_object(ref)
    assert found is not None
    return found


def noted(found: Json, **notes: str) -> Json:
    metadata = {**found["metadata"], "annotations": {**found["metadata"].get("annotations", {}), **notes}}
    return {**found, "metadata": metadata}


def essence(platform: Ecs) -> list[Any]:
    """What everything says, and what is noted on it."""
    return [
        (one["kind"], one["metadata"]["name"], one["spec"], one["metadata"].get("annotations"))
        for kind in platform.change_kinds()
        for one in platform.list_objects(kind)
    ]


# --- tags -----------------------------------------------------------------------------------------------------------
@given(some.dictionaries(some.text("abc/.-", min_size=1), some.text(max_size=3000), max_size=4))
def test_notes_of_any_length_come_back_out_of_tags(notes: dict[str, str]) -> None:
    tags = tags_of(notes)
    assert notes_in(tags) == notes
    assert all(PLAIN.fullmatch(value) and len(value) <= LONGEST for value in tags.values())


def test_a_note_that_lost_a_piece_is_there_and_cannot_be_read() -> None:
    tags = tags_of({"mark": "".join(map(str, range(1000)))})
    assert len(tags) > 1
    tags.popitem()
    assert notes_in(tags) == {"mark": UNREADABLE}


# --- objects --------------------------------------------------------------------------------------------------------
def test_it_can_be_changed_and_shows_its_sides_services_and_listener(platform: Ecs) -> None:
    assert isinstance(platform, Changes)
    sides = platform.list_objects("Namespace")
    assert [one["metadata"]["name"] for one in sides] == ["blue", "green"]
    assert all(map(has_opted_in, sides))
    assert [one["metadata"]["namespace"] for one in platform.list_objects("Deployment")] == ["blue", "green"]
    assert [one["metadata"]["name"] for one in platform.list_objects("Listener")] == ["nailbook-prod:443"]
    assert platform.list_objects("ConfigMap") == []
    assert platform.read_object(Ref("Deployment", "green", "nobody")) is None


def test_a_service_is_scaled_and_led_to_another_definition(platform: Ecs) -> None:
    found = read(platform, API)
    changed = {**found, "spec": {**found["spec"], "replicas": 1, "taskDefinition": f"{FAMILY}:1"}}
    changed["spec"]["taskDefinition"] = read(platform, Ref("Deployment", "blue", "api"))["spec"][
        "taskDefinition"
    ]
    made = platform.replace_object(API, changed)
    told = client("ecs").describe_services(cluster=CLUSTER, services=[GREEN.service])["services"][0]
    assert (told["desiredCount"], told["taskDefinition"].rpartition("/")[2]) == (1, f"{FAMILY}:1")
    platform.replace_object(API, {**made, "spec": found["spec"]})
    assert read(platform, API)["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]


def test_what_somebody_else_changed_is_not_overwritten(platform: Ecs) -> None:
    found = read(platform, API)
    client("ecs").update_service(cluster=CLUSTER, service=GREEN.service, desiredCount=5)
    with pytest.raises(Conflict, match="was changed since it was read"):
        platform.replace_object(API, {**found, "spec": {**found["spec"], "replicas": 0}})
    assert read(platform, API)["spec"]["replicas"] == 5
    client("ecs").update_service(cluster=CLUSTER, service=GREEN.service, desiredCount=3)


def test_what_cannot_be_changed_is_said_and_nothing_is(platform: Ecs) -> None:
    found = read(platform, API)
    with pytest.raises(Rejected, match="launchType cannot be changed in place"):
        platform.replace_object(API, {**found, "spec": {**found["spec"], "launchType": "EC2"}})
    assert read(platform, API) == found
    with pytest.raises(Rejected, match="no such objects"):
        platform.create_object(Ref("ConfigMap", "green", "x"), {})


@pytest.mark.parametrize("ref", [API, SIDE, LISTENER.ref], ids=["service", "side", "listener"])
def test_notes_of_any_length_are_kept_and_taken_off(platform: Ecs, ref: Ref) -> None:
    before, long = read(platform, ref), "{'\"預約'}" * 200
    platform.replace_object(ref, noted(before, short="plain", long=long))
    found = read(platform, ref)
    assert found["metadata"]["annotations"].items() >= {"short": "plain", "long": long}.items()
    found["metadata"]["annotations"] = before["metadata"].get("annotations", {})
    platform.replace_object(ref, found)
    assert read(platform, ref) == before


def test_a_side_that_is_gone_can_be_made_anew_from_its_backup(platform: Ecs, tmp_path: Path) -> None:
    fleet = Fleet(platform, "green", FakeClock())
    assert fleet.back_up(tmp_path / "green.yaml") == 1
    kept, before = fleet.definitions(), read(platform, API)
    platform.delete_object(API, before["metadata"]["uid"])
    assert platform.read_object(API) is None
    fleet.redeploy(kept)
    assert read(platform, API)["spec"] == before["spec"]


def test_only_that_very_service_is_deleted(platform: Ecs) -> None:
    with pytest.raises(Conflict, match="is another one"):
        platform.delete_object(API, "uid of one that was")
    assert platform.read_object(API) is not None


# --- killed at any moment -------------------------------------------------------------------------------------------
class Mortal:
    """A kind of objects whose writer may die before or after each call of AWS's."""

    def __init__(self, kind: Kind, doom: Doom) -> None:
        self._kind, self._doom = kind, doom

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kind, name)

    def note(self, found: Json, put: Mapping[str, str], drop: Sequence[str]) -> None:
        if put or drop:
            self._doom.passes()
            self._kind.note(found, put, drop)
            self._doom.passes()

    def write(self, found: Json, spec: Json) -> None:
        self._doom.passes()
        self._kind.write(found, spec)
        self._doom.passes()


def test_wherever_a_release_is_killed_users_and_tasks_are_put_back(platform: Ecs, tmp_path: Path) -> None:
    found = essence(platform)
    for moment in itertools.count():
        doom = Doom(moment)
        mortal = Changing()
        mortal.kinds = {name: cast(Kind, Mortal(kind, doom)) for name, kind in platform.kinds.items()}
        changes = Undoable(mortal, MortalLedger(tmp_path / str(moment), doom), Awake(), 3600)
        router, blue = Alb(changes, LISTENER), Fleet(platform, "blue", FakeClock(), changes)
        try:
            router.shift(router.read(), 1.0)
            blue.mark("2026-01-02")
            blue.scale_all(0)
        except Killed:
            healed(platform, tmp_path / str(moment))
            assert essence(platform) == found, f"killed at step {moment}"
        else:
            break
    assert moment == 13  # before and after each write of the ledger's and of AWS's
    assert Alb(platform, LISTENER).read().green == 1
    assert Fleet(platform, "blue", FakeClock()).replicas() == {"api": 0}


# --- what is made anew ----------------------------------------------------------------------------------------------
def test_a_side_that_lacks_a_service_has_it_made_like_the_others_and_it_goes_again(
    platform: Ecs, tmp_path: Path
) -> None:
    before = read(platform, API)
    platform.delete_object(API, before["metadata"]["uid"])
    try:
        assert platform.read_object(API) is None
        found = essence(platform)
        changes = Undoable(platform, MortalLedger(tmp_path, Doom(-1)), Awake(), 3600)
        changes.make_object(API, dict(platform.likeness("api", "blue", GREEN.group)))
        made = read(platform, API)
        assert made["spec"]["taskDefinition"] == platform.revisions("blue", "api")[0]
        assert made["spec"]["loadBalancers"] == before["spec"]["loadBalancers"]
        assert (
            made["spec"]["replicas"] == read(platform, Ref("Deployment", "blue", "api"))["spec"]["replicas"]
        )
        healed(platform, tmp_path)
        assert essence(platform) == found
    finally:
        platform.create_object(API, {"metadata": {}, "spec": before["spec"]})


def test_nothing_is_made_like_what_is_not_there(platform: Ecs) -> None:
    with pytest.raises(Missing, match="blue has no service worker"):
        platform.likeness("worker", "blue", GREEN.group)
