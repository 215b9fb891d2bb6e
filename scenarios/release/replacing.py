"""A release that replaces containers where they stand: step by step, under the eyes of users and of who writes, and
back. What it changes stands in the ledger first (undoing.py), so a killed run's containers are put back by others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fixtures.clock import SystemClock, TimedOut, wait_until
from fixtures.ledger import now
from fixtures.platforms.abilities import Pod, Workloads, able
from fixtures.platforms.changes import Ref
from fixtures.platforms.containers import Inside, Settles
from fixtures.target.replacement import Command, Replacement
from reports.release.record import Step
from scenarios.drills.comeback import NotProven
from scenarios.drills.proving import proof
from scenarios.drills.volumes import SOUND
from scenarios.faults.shield import uninterrupted
from scenarios.release.cleaning import NotSo, step
from scenarios.release.fleet import KIND
from scenarios.release.release import Say, Tell
from scenarios.release.timeline import Timeline
from scenarios.release.undoing import Undoable
from scenarios.release.within import put
from scenarios.surroundings import Surroundings

TITLES = {
    "fit": "the ground is fit", "backup": "the database is backed up", "told": "people are told",
    "replaced": "the new version's containers stand", "migrated": "the schema is migrated", "verified": "it works",
    "watched": "it goes on working", "schema-back": "the schema is as it was", "old-back": "the old version serves",
    "verified-back": "the old version works", "settled": "what was kept of the old version is gone",
}  # fmt: skip
AT = ("spec", "image")
LEAST_S = 5.0  # of a watch, however fast the environment's pace is
LOOK_S = 0.25


@dataclass
class Replacing:
    """One replacement. `wrong` is empty while all is as it is to be."""

    around: Surroundings
    row: Replacement
    undo: Undoable
    users: Callable[[], Timeline]
    say: Say
    tell: Tell
    keep: bool = False
    steps: list[Step] = field(default_factory=list)
    cuts: tuple[float, float] | None = None  # unix seconds: when containers were replaced
    span: tuple[float, float] | None = None  # when the new version was watched
    decided_s: float | None = None  # when the way back began
    served_s: float | None = None  # when the old version was ready again

    def __post_init__(self) -> None:
        platform = self.around.platform
        self._workloads, self._inside = able(platform, Workloads), able(platform, Inside)
        self._found: dict[str, str] = {}  # service -> its image
        self._revision = ""
        self._migrated = False

    @property
    def wrong(self) -> list[str]:
        return [f"{one.title}: {one.said}" for one in self.steps if one.ok is False]

    @property
    def begun(self) -> bool:
        """Whether anything was changed."""
        return bool(self._found) or self._migrated

    def carry_out(self) -> None:
        """Whatever ends the process puts everything back first."""
        try:
            self._walk(self._forward())
        except BaseException:
            with uninterrupted():
                self._go_back("the run was ended")
            raise
        if self.keep and not self.wrong:
            self._walk(iter([("settled", self._settle)]))
            return
        with uninterrupted():
            self._go_back("; ".join(self.wrong) or "a release that is not to stay is taken back, and timed")

    def _walk(self, steps: Iterator[tuple[str, Callable[[], str]]]) -> None:
        """Stops where one fails."""
        for name, act in steps:
            if not self._take(name, act):
                return

    def _take(self, name: str, act: Callable[[], str]) -> bool:
        title = self.row.titles.get(name, TITLES[name])
        self.say(f"{title} ...")
        begun_s = now()
        made = step(name, title, act, SystemClock())
        done = Step(name, title, None, made.took_s, made.ok, made.said, begun_s)
        self.steps.append(done)
        self.say(f"{title}: {made.said}")
        return bool(made.ok)

    # --- forward -----------------------------------------------------------------------------------------------------
    def _forward(self) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "fit", self._fit
        yield "backup", self._backed_up
        if self.around.environment.channels:
            yield "told", self._told
        yield "replaced", self._replaced
        if self.row.migration:
            yield "migrated", self._migrate
        yield "verified", lambda: self._hold(self.row.verified)
        yield "watched", self._watched

    def _fit(self) -> str:
        for service in self.row.services:
            image = self._image(service)
            if image == self._newer(image):
                raise NotSo(f"{service} runs {image} already")
        self._revision = self._schema()
        if "," in self._revision:
            raise NotSo(f"the schema says {self._revision}")
        before = self.users()
        until_s = before.whole_until_s
        last = before.between(until_s - 2.0, until_s)
        if not last.count or last.failed:
            raise NotSo(f"{last.failed} of {last.count} users were not served even before it")
        return self._hold(self.row.fit)

    def _backed_up(self) -> str:
        told = self.row.backup
        pod = self._pod(told.of)
        before = self._newest(pod, told.kept)
        self._run(pod, told.run)
        newest = self._newest(pod, told.kept)
        if newest == before:
            raise NotSo(f"no newer backup than {before or 'none'} came of it")
        return f"{newest} is what its sum says, and can be read in full"

    def _newest(self, pod: Pod, folder: str) -> str:
        """Raises NotSo where the newest is not sound."""
        ran = self._inside.run(pod, ["sh", "-c", SOUND, "sh", str(folder)])
        lines = ran.output.splitlines()
        if refused := [line for line in lines if line.startswith("refused ")]:
            raise NotSo("; ".join(refused))
        return next((line.split()[1] for line in lines if line.startswith("sound ")), "")

    def _told(self) -> str:
        sent = self.tell("warning", f"{self.row.title}: {', '.join(self.row.services)}")
        if lost := [f"{one.channel}: {one.why}" for one in sent if one.delivered is False]:
            raise NotSo("; ".join(lost))
        return ", ".join(one.channel for one in sent)

    def _replaced(self) -> str:
        begun_s = now()
        for service in self.row.services:
            was = self._image(service)
            self._found[service] = was  # before the call: it may have been carried out although it raised
            self._write(service, self._newer(was))
            self._wait_ready(service, self._newer(was), self.row.ready.seconds)
        self.cuts = (begun_s, now())
        return ", ".join(f"{one}: {self._newer(was)}" for one, was in self._found.items())

    def _migrate(self) -> str:
        told = self.row.migration
        assert told is not None
        self._migrated = True
        self._run(self._pod(told.of), told.up)
        revision = self._schema()
        if revision == self._revision or "," in revision:
            raise NotSo(f"the schema says {revision}, and said {self._revision} before")
        return f"{self._revision} -> {revision}"

    def _watched(self) -> str:
        pace = float(self.around.environment.pace)
        begun_s = now()
        until_s = begun_s + max(LEAST_S, self.row.watched.seconds * pace)
        while now() < until_s:
            time.sleep(min(LOOK_S, max(0.0, until_s - now())))
        self.span = (begun_s, until_s)
        seen = self.users().between(begun_s, until_s)
        if not seen.count:
            raise NotSo("nobody asked anything while it was watched")
        share = seen.failed / seen.count
        if share > self.row.failing.amount:
            raise NotSo(
                f"{seen.failed} of {seen.count} requests of users failed, allowed are {self.row.failing}"
            )
        held = self._hold(self.row.kept) if self.row.kept else ""
        return "; ".join(filter(None, (f"{seen.failed} of {seen.count} requests of users failed", held)))

    # --- back --------------------------------------------------------------------------------------------------------
    def _go_back(self, why: str) -> None:
        if not self.begun:
            return
        self.decided_s = now()
        self.say(f"going back: {why}")
        self.tell("warning", f"{self.row.title}: going back: {why}")
        if self._migrated:
            self._down_early()
        self._take("old-back", self._old_back)
        if self._migrated:
            self._take("schema-back", self._schema_back)
        self._take("verified-back", lambda: self._hold(self.row.verified))

    def _down_early(self) -> None:
        """By the new version, whose migration it is; where that does not run any more, the old one has to."""
        told = self.row.migration
        assert told is not None
        try:
            self._run(self._pod(told.of), told.down)
        except Exception as error:  # noqa: BLE001 - tried again once the old version stands, and judged then
            self.say(f"the new version does not take its migration back: {error}")

    def _old_back(self) -> str:
        left = []
        for service, image in reversed(self._found.items()):
            if self._image(service) != image:
                self._write(service, image)
        for service, image in self._found.items():
            try:
                self._wait_ready(service, image, self.row.ready.seconds)
            except NotSo as error:
                left.append(str(error))
        if left:
            raise NotSo("; ".join(left))
        self.served_s = now()
        assert self.decided_s is not None
        took_s = self.served_s - self.decided_s
        if took_s > self.row.back.seconds:
            raise NotSo(f"took {took_s:.1f} s, allowed are {self.row.back}")
        serving = ", ".join(f"{one}: {image}" for one, image in self._found.items())
        return f"{serving}, {took_s:.1f} s after the decision"

    def _schema_back(self) -> str:
        told = self.row.migration
        assert told is not None
        if self._schema() != self._revision:
            self._run(self._pod(told.of), told.down)
        if (revision := self._schema()) != self._revision:
            raise NotSo(f"the schema says {revision}, and said {self._revision} before")
        return revision

    def _settle(self) -> str:
        self.undo.keep()
        platform = able(self.around.platform, Settles)
        for service in self._found:
            platform.settle(self.around.namespace, service)
        return ", ".join(self._found)

    # -----------------------------------------------------------------------------------------------------------------
    def _hold(self, names: Sequence[str]) -> str:
        known = {one.name: one for one in self.around.target.checks}
        try:
            return proof([known[name] for name in names], self.around)()
        except NotProven as error:
            raise NotSo(str(error)) from error

    def _newer(self, image: str) -> str:
        newer = self.around.environment.newer
        if not newer:
            raise NotSo("the environment does not state which version is `newer`")
        return f"{image.rpartition(':')[0]}:{newer}"

    def _ref(self, service: str) -> Ref:
        return Ref(KIND, self.around.namespace, service)

    def _image(self, service: str) -> str:
        found = self.undo.read_object(self._ref(service))
        if found is None:
            raise NotSo(f"there is no {self._ref(service)}")
        return str(found["spec"]["image"])

    def _write(self, service: str, image: str) -> None:
        found = self.undo.read_object(self._ref(service))
        if found is None:
            raise NotSo(f"there is no {self._ref(service)}")
        self.undo.replace_object(self._ref(service), put(found, AT, image))

    def _wait_ready(self, service: str, image: str, within_s: float) -> None:
        why = ""

        def ready() -> bool:
            nonlocal why
            (found,) = (
                one for one in self._workloads.workloads(self.around.namespace) if one.name == service
            )
            why = found.why or f"{found.ready} of {found.wanted}"
            return found.images == (image,) and found.wanted == found.ready >= 1

        try:
            wait_until(ready, within_s, poll_s=LOOK_S)
        except TimedOut as late:
            raise NotSo(f"{service}: {image} is not healthy after {within_s:g} s: {why}") from late

    def _pod(self, service: str) -> Pod:
        for one in self._workloads.workloads(self.around.namespace):
            if one.name == service:
                found = self._workloads.pods(self.around.namespace, one.selector)
                if found:
                    return found[0]
        raise NotSo(f"{service} has no container")

    def _run(self, pod: Pod, command: Command) -> str:
        ran = self._inside.run(pod, list(command))
        if ran.code:
            raise NotSo(f"{' '.join(command)} in {pod.name} ended with {ran.code}: {ran.output[-300:]}")
        return ran.output

    def _schema(self) -> str:
        told = self.row.migration
        return self._run(self._pod(told.of), told.now).strip() if told else ""


def folder_of(folder: Path, row: Replacement) -> Path:
    made = folder / "replacements" / row.name
    made.mkdir(parents=True, exist_ok=True)
    return made
