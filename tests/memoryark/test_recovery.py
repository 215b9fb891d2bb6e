"""Folders are lost and come back from their backups: the drill's own commands, in folders of a test."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fixtures.platforms.abilities import Pod, Workload
from fixtures.platforms.containers import Ran
from fixtures.target.drills import Packed, VolumesLost
from scenarios.drills.comeback import NotProven
from scenarios.drills.journal import Clock
from scenarios.drills.practice import NotBegun, NoWayBack
from scenarios.drills.volumes import ASIDE, OfVolumes, Ship

PROJECT, BACKEND = "memoryark-green", "memoryark-backend"


@dataclass
class Here:
    """A container that is this machine, and in which it is always said what is done."""

    phase: str = "running"
    well: bool = True
    begun: list[str] = field(default_factory=list)

    def workloads(self, _: str) -> Sequence[Workload]:
        number = int(self.well)
        return [Workload(PROJECT, BACKEND, 1, number, number, 1, why="" if self.well else "unhealthy")]

    def pods(self, namespace: str, selector: object = None) -> Sequence[Pod]:
        del selector
        labels = {"com.docker.compose.service": BACKEND}
        return [Pod(namespace, f"{BACKEND}-1", labels, phase=self.phase)]

    def labels(self, _: str) -> dict[str, str]:
        return {}

    def run(self, _: Pod, command: Sequence[str]) -> Ran:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        return Ran(done.returncode, (done.stdout + done.stderr).strip())

    def restart(self, pod: Pod) -> None:
        self.begun.append(pod.name)


@dataclass
class Archive:
    """What a drill of a test loses: a database's file, and photos in folders; and their backups."""

    home: Path
    here: Here = field(default_factory=Here)

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def uploads(self) -> Path:
        return self.home / "uploads"

    def back_up(self, name: str, stamp: str, aged_s: float = 0.0) -> Path:
        """As the document's scripts do."""
        folder = self.home / "backups" / name
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{name}-{stamp}.tar.gz"
        what = ["-C", str(self.data), "."] if name == "database" else ["-C", str(self.home), "uploads"]
        subprocess.run(["tar", "-czf", str(file), *what], check=True)
        sum_ = subprocess.run(["sha256sum", file.name], cwd=folder, capture_output=True, check=True).stdout
        file.with_name(f"{file.name}.sha256").write_bytes(sum_)
        os.utime(file, (time.time() - aged_s,) * 2)
        return file

    def practice(self) -> OfVolumes:
        volumes = {
            str(self.data): Packed(backup="database"),
            str(self.uploads): Packed(backup="uploads", within="uploads"),
        }
        loss = VolumesLost(what="volumes", of=BACKEND, kept=str(self.home / "backups"), volumes=volumes)
        ship = Ship(self.here, self.here, self.here, PROJECT)
        return OfVolumes(ship, loss, self.home / "note.json", Clock())

    def files(self) -> dict[str, bytes]:
        found = (path for folder in (self.data, self.uploads) for path in folder.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.home)): path.read_bytes() for path in found if ASIDE not in str(path)
        }


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path)
    (made.uploads / "2026").mkdir(parents=True)
    made.data.mkdir()
    (made.data / "memoryark.db").write_bytes(b"rows" * 1000)
    (made.uploads / "1.jpg").write_bytes(b"one")
    (made.uploads / "2026" / "two two.jpg").write_bytes(b"two")
    made.back_up("database", "20260101-020000")
    made.back_up("uploads", "20260101-030000")
    return made


def lost(archive: Archive) -> OfVolumes:
    practice = archive.practice()
    practice.fit()
    assert "/data: 1 files and folders are gone" in practice.strike("disaster")
    return practice


def test_what_is_lost_is_gone_and_comes_back_as_it_was(archive: Archive) -> None:
    before = archive.files()
    practice = lost(archive)
    assert archive.files() == {}
    (archive.data / "memoryark.db").write_bytes(b"")  # as whoever asks for it makes it anew
    assert "1 files of" in practice.acts()["restore"]()
    assert archive.files() == before
    assert "1 containers were started again" in practice.acts()["restart"]()
    assert archive.here.begun == [f"{BACKEND}-1"]
    assert practice.left_behind() == []
    assert practice.reaches_s is not None
    assert practice.reaches_s <= practice.resumed_s <= time.time()


def test_what_goes_by_itself_meanwhile_keeps_nobody_from_losing_the_rest(archive: Archive) -> None:
    """As SQLite's files beside the database do, whenever the last who asks it is gone."""
    file = archive.data / "memoryark.db-wal"
    with subprocess.Popen(["sh", "-c", f"while :; do : > {file}; rm -f {file}; done"]) as busy:
        try:
            for _ in range(20):
                practice = archive.practice()
                practice.fit()
                assert "files and folders are gone" in practice.strike("disaster")
                assert not (archive.data / "memoryark.db").exists()
                practice.heal()
        finally:
            busy.kill()


def test_what_came_after_the_backup_is_not_in_what_comes_back(archive: Archive) -> None:
    (archive.uploads / "later.jpg").write_bytes(b"later")
    practice = lost(archive)
    practice.acts()["restore"]()
    assert "uploads/later.jpg" not in archive.files()


def test_it_reaches_as_far_as_the_older_of_the_backups(archive: Archive) -> None:
    archive.back_up("uploads", "20260102-030000", aged_s=3 * 86400)
    practice = lost(archive)
    practice.acts()["restore"]()
    assert practice.reaches_s == pytest.approx(time.time() - 3 * 86400, abs=60)


def test_where_nothing_was_restored_the_heal_brings_all_of_it_back(archive: Archive) -> None:
    before = archive.files()
    practice = lost(archive)
    assert "were not restored" in practice.left_behind()[0]
    assert "kept, for not all is proven" in practice.keep(is_over=False)
    with pytest.raises(NotBegun, match="heal it first"):
        archive.practice().fit()
    assert "are as they were" in archive.practice().heal()  # by whoever comes next
    assert archive.files() == before
    assert archive.practice().heal() == ""


def test_what_lies_aside_goes_only_where_all_is_proven(archive: Archive) -> None:
    practice = lost(archive)
    practice.acts()["restore"]()
    assert "kept, for not all is proven to be back" in practice.keep(is_over=True)
    aside = list(archive.data.glob(f"{ASIDE}-*/memoryark.db"))
    assert len(aside) == 1
    practice.clear()
    assert not list(archive.data.glob(f"{ASIDE}*"))
    assert practice.heal() == ""


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def without_sum(file: Path) -> None:
    file.with_name(f"{file.name}.sha256").unlink()


@pytest.mark.parametrize("spoil", [cut, without_sum, Path.unlink])
def test_without_a_sound_backup_nothing_is_lost(archive: Archive, spoil: Callable[[Path], None]) -> None:
    before = archive.files()
    spoil(archive.home / "backups" / "database" / "database-20260101-020000.tar.gz")
    with pytest.raises(NoWayBack, match="no sound backup in"):
        archive.practice().fit()
    assert archive.files() == before


def test_a_newer_backup_that_is_cut_is_passed_over_and_named(archive: Archive) -> None:
    cut(archive.back_up("database", "20260102-020000"))
    practice = archive.practice()
    assert "database-20260102-020000.tar.gz is not what its sum says" in practice.fit()
    practice.strike("disaster")
    assert "database-20260101-020000.tar.gz" in practice.acts()["restore"]()


def test_a_backup_that_goes_bad_under_way_leaves_what_is_there(archive: Archive) -> None:
    practice = lost(archive)
    cut(archive.home / "backups" / "uploads" / "uploads-20260101-030000.tar.gz")
    with pytest.raises(NotProven, match="uploads"):
        practice.acts()["restore"]()
    assert "were not restored" in practice.left_behind()[0]


def test_a_backup_of_another_folder_leaves_what_is_there(archive: Archive) -> None:
    before = archive.files()
    file = archive.back_up("uploads", "20260102-030000")
    (archive.home / "old-uploads").mkdir()
    subprocess.run(["tar", "-czf", str(file), "-C", str(archive.home), "old-uploads"], check=True)
    sum_ = subprocess.run(["sha256sum", file.name], cwd=file.parent, capture_output=True, check=True).stdout
    file.with_name(f"{file.name}.sha256").write_bytes(sum_)
    practice = lost(archive)
    (archive.uploads / "new.jpg").write_bytes(b"new")
    with pytest.raises(NotProven, match="it holds no uploads"):
        practice.acts()["restore"]()
    assert (archive.uploads / "new.jpg").read_bytes() == b"new"
    assert "are as they were" in archive.practice().heal()
    assert archive.files() == before


def test_an_unwell_project_is_not_harmed(archive: Archive) -> None:
    archive.here.well = False
    with pytest.raises(NotBegun, match="unhealthy"):
        archive.practice().fit()


def test_where_there_was_nothing_to_lose_nothing_was_lost(archive: Archive) -> None:
    (archive.data / "memoryark.db").unlink()
    practice = archive.practice()
    practice.fit()
    assert practice.strike("disaster") == ""
