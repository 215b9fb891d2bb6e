"""Folders in which a project of containers keeps its data: their files are gone, and come back from its backups.

Nothing is deleted that is not elsewhere: files that are "gone" lie aside in the same volume until the drill is over.
All of it is done by commands in the container that has the volumes and the backups mounted, as a person would.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fixtures.clock import TimedOut, wait_until
from fixtures.evidence import Missing
from fixtures.platforms.abilities import Pod, Workloads
from fixtures.platforms.backups import NotRestored
from fixtures.platforms.containers import Inside, Restarts
from fixtures.target.drills import VolumesLost
from scenarios.drills.comeback import NotProven
from scenarios.drills.journal import Clock, put_down
from scenarios.drills.noted import Noted
from scenarios.drills.practice import NotBegun, NoWayBack
from scenarios.drills.runbook import Act

READY_S = 120.0
ASIDE, NEW = ".verdigris-aside", ".verdigris-new"
# The newest of a folder that is what its sum says and can be read in full; what is wrong with newer ones.
SOUND = """
cd "$1" || exit 1
for one in $(ls -1 | grep -v '[.]sha256$' | sort -r); do
  if ! sha256sum -c "$one.sha256" >/dev/null 2>&1; then echo "refused $one is not what its sum says"
  elif ! tar -tzf "$one" >/dev/null 2>&1; then echo "refused $one cannot be read in full"
  else echo "sound $1/$one $(stat -c %Y "$one")"; exit 0
  fi
done
exit 1
"""
# What goes by itself meanwhile, as a database's own files do, was not there to be moved.
MOVED = """
for one; do
  tries=0
  until mv -t "$0" "$one" 2>/dev/null || [ ! -e "$one" ]; do
    tries=$((tries+1)); if [ $tries -gt 20 ]; then echo "$one stays"; exit 1; fi
  done
done
"""
LOSE = f"""
set -e; aside="$1/{ASIDE}-$2"; mkdir "$aside"
find "$1" -mindepth 1 -maxdepth 1 ! -name '{ASIDE}*' -exec sh -c '{MOVED}' "$aside" {{}} + || exit 1
moved=0; left=0
for one in $(ls -A "$aside"); do moved=$((moved+1)); [ ! -s "$1/$one" ] || left=$((left+1)); done
echo "$moved $left"
"""
# Laid out beside, compared with the backup there, and only then put in the place of what came since.
RESTORE = f"""
set -e; new="$1/{NEW}"; rm -rf "$new"; mkdir "$new"
(tar -xzf "$2" -C "$new" && tar -dzf "$2" -C "$new") & work=$!
while kill -0 $work 2>/dev/null; do sleep 0.2; echo .; done
wait $work
if [ ! -d "$new/$3" ]; then echo "it holds no $3"; exit 1; fi
find "$1" -mindepth 1 -maxdepth 1 ! -name '{ASIDE}*' ! -name '{NEW}' -exec rm -rf {{}} +
find "$new/$3" -mindepth 1 -maxdepth 1 -exec mv -t "$1" {{}} +
rm -rf "$new"; echo; find "$1" -name '{ASIDE}*' -prune -o -type f -print 2>/dev/null | wc -l
"""
BACK = f"""
set -e; aside="$1/{ASIDE}-$2"; [ -d "$aside" ] || exit 0
find "$1" -mindepth 1 -maxdepth 1 ! -name '{ASIDE}*' -exec rm -rf {{}} +
find "$aside" -mindepth 1 -maxdepth 1 -exec mv -t "$1" {{}} +
rmdir "$aside"
"""
CLEAR = f'rm -rf "$1/{ASIDE}-$2"'


@dataclass(frozen=True)
class Sound:
    """A backup that can be restored from."""

    file: str
    made_s: float


@dataclass(frozen=True)
class Ship:
    """What it is done with: the platform's abilities, and where."""

    workloads: Workloads
    inside: Inside
    restarts: Restarts
    namespace: str


@dataclass
class OfVolumes(Noted):
    """`file`: what is lost and where it lies meanwhile, until it is over."""

    ship: Ship
    loss: VolumesLost
    file: Path
    clock: Clock
    _sound: dict[str, Sound] = field(default_factory=dict)  # by folder
    _refused: list[str] = field(default_factory=list)
    _struck: str = ""
    _restored: bool = False

    def fit(self) -> str:
        self.must_be_over()
        if unwell := self._unwell():
            raise NotBegun(f"it is not whole to begin with: {'; '.join(unwell)}")
        self._choose()
        ages = (f"{one.file}, {self.clock() - one.made_s:.0f} s old" for one in self._sound.values())
        return "; ".join([*ages, *self._refused])

    def strike(self, _: str) -> str:
        self._struck = f"{self.clock():.0f}"
        put_down(self.file, {"stamp": self._struck, "folders": list(self.loss.volumes)})
        said = []
        for folder in self.loss.volumes:
            moved, left = map(int, self._done(LOSE, folder, self._struck).split())
            if not moved or left:
                return ""  # there was nothing to lose, or it is there still
            said.append(f"{folder}: {moved} files and folders are gone")
        return "; ".join(said)

    def acts(self) -> Mapping[str, Act]:
        return {"restore": self.restore, "restart": self.restart}

    # --- the steps ---------------------------------------------------------------------------------------------------
    def restore(self) -> str:
        """Raises NotRestored, and NotProven where what was laid out is not the backup."""
        said = []
        # From the first that is in its place: what users wrote into it before the last one was counts as written after.
        self.resumed_s = self.clock()
        for folder, packed in self.loss.volumes.items():
            found = self._sound[folder]
            try:
                files = self._done(RESTORE, folder, found.file, packed.within).split()[-1]
            except NotRestored as error:
                raise NotProven(f"{folder} from {found.file}: {error}") from error
            said.append(f"{folder}: {files} files of {found.file}, the same as in it")
        self._restored = True
        self.reaches_s = min(one.made_s for one in self._sound.values())
        return "; ".join(said)

    def restart(self) -> str:
        """Every container of the project, one after the other. Raises NotProven."""
        pods = self._pods()
        for pod in pods:
            self.ship.restarts.restart(pod)
        try:
            took_s = wait_until(lambda: not self._unwell(), READY_S)
        except TimedOut as late:
            raise NotProven(f"after {READY_S:g} s {'; '.join(self._unwell())}") from late
        return f"{len(pods)} containers were started again, and all are well after {took_s:.1f} s"

    # --- the end -----------------------------------------------------------------------------------------------------
    def heal(self) -> str:
        if not self.file.exists():
            return ""
        told = json.loads(self.file.read_text(encoding="utf-8"))
        for folder in told["folders"]:
            self._done(BACK, folder, told["stamp"])
        for pod in self._pods():
            if pod.is_over:
                self.ship.restarts.restart(pod)
        self.file.unlink()
        return f"{', '.join(told['folders'])} are as they were"

    def left_behind(self) -> Sequence[str]:
        lost = self._struck and not self._restored and self.file.exists()
        gone = [f"{', '.join(self.loss.volumes)} were not restored"] if lost else []
        return [*gone, *self._unwell()]

    def clear(self) -> None:
        for folder in self.loss.volumes:
            self._done(CLEAR, folder, self._struck)
        super().clear()

    def keep(self, *, is_over: bool) -> str:
        if is_over:
            super().clear()  # the note alone: the files stay
        lies = ", ".join(f"{folder}/{ASIDE}-{self._struck}" for folder in self.loss.volumes)
        return f"kept, for not all is proven to be back: {lies} in {self.loss.of}"

    # -----------------------------------------------------------------------------------------------------------------
    def _choose(self) -> None:
        """Raises NoWayBack."""
        for folder, packed in self.loss.volumes.items():
            where = f"{self.loss.kept}/{packed.backup}"
            said = self._ran(SOUND, where)[1].splitlines()
            self._refused += [line.removeprefix("refused ") for line in said if line.startswith("refused ")]
            sound = next((line.split() for line in said if line.startswith("sound ")), None)
            if sound is None:
                raise NoWayBack("; ".join([f"there is no sound backup in {where}", *self._refused]))
            self._sound[folder] = Sound(sound[1], float(sound[2]))

    def _done(self, script: str, *words: str) -> str:
        """What it said. Raises NotRestored where it failed."""
        code, said = self._ran(script, *words)
        if code:
            raise NotRestored(f"a command in {self.loss.of} ended with {code}: {said[-300:]}")
        return said

    def _ran(self, script: str, *words: str) -> tuple[int, str]:
        """Raises Missing where nobody runs in whom it could be done."""
        for pod in self._pods():
            if pod.labels.get("com.docker.compose.service") == self.loss.of and pod.phase == "running":
                ran = self.ship.inside.run(pod, ["sh", "-c", script, "sh", *words])
                return ran.code, ran.output
        raise Missing(f"no container of {self.loss.of} runs in {self.ship.namespace}")

    def _pods(self) -> Sequence[Pod]:
        return self.ship.workloads.pods(self.ship.namespace)

    def _unwell(self) -> list[str]:
        found = self.ship.workloads.workloads(self.ship.namespace)
        return [f"{one.name}: {one.why or 'not there'}" for one in found if one.available < one.wanted]
