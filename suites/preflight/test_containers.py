"""The project's containers are as they were drawn: limited, brought back, kept apart, and with their folders."""

from __future__ import annotations

import pytest

from fixtures.target.composed import (
    BackupFiles,
    ContainersChecked,
    LimitsKept,
    MetricWithin,
    NetworksApart,
    PortsPublished,
    RestartsKept,
    SettingsKept,
    VolumesMounted,
)
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_containers_checked(check: ContainersChecked, prove: Prove) -> None:
    """Every container has a health check, which finds it healthy."""
    prove(check)


def test_limits_kept(check: LimitsKept, prove: Prove) -> None:
    """Each service has the limits and reservations that it promises."""
    prove(check)


def test_restarts_kept(check: RestartsKept, prove: Prove) -> None:
    """Whatever ends comes back, as often as is promised."""
    prove(check)


def test_networks_apart(check: NetworksApart, prove: Prove) -> None:
    """In each network are those that belong there, and from one nobody reaches another."""
    prove(check)


def test_ports_published(check: PortsPublished, prove: Prove) -> None:
    """Nobody is reached from outside who should not be."""
    prove(check)


def test_volumes_mounted(check: VolumesMounted, prove: Prove) -> None:
    """Each volume is where it is wanted, writable where it is written, and one for all."""
    prove(check)


def test_settings_kept(check: SettingsKept, prove: Prove) -> None:
    """A service was handed the settings that the document has."""
    prove(check)


def test_backup_files(check: BackupFiles, prove: Prove) -> None:
    """Of each line of the backup plan there is a file since it was last due, and it is whole."""
    prove(check)


def test_metric_within(check: MetricWithin, prove: Prove) -> None:
    """A metric is where the document has it."""
    prove(check)
