"""What a killed engine leaves on the machine is seen and taken away, and nothing of anybody else's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.lab.compose import wires

# Saved from a machine on which one was killed. What all of an engine's networks share goes by another name here:
# there may be an engine.
LEFT = Path(__file__).with_name("left.rules").read_text()
SHARED = re.compile(r"^:(LEFT\S+)", re.MULTILINE)
SUBNET = 251  # nobody's


def _saved(text: str = "") -> list[str]:
    command = ["iptables-restore", "--noflush"] if text else ["iptables-save"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=10, check=True)
    return sorted(line for line in done.stdout.splitlines() if line.startswith("-A"))


@pytest.fixture
def left() -> Iterator[list[str]]:
    """The rules that were there before."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("iptables-save", "iptables-restore", "ip"))):
        pytest.skip("needs root, iptables and ip")
    try:
        before = _saved()
        _saved(LEFT)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no packet filter to write to: {error.stderr}")
    name = wires.bridge(f"10.{SUBNET}.1")
    subprocess.run(["ip", "link", "add", name, "type", "bridge"], timeout=10, check=True)
    yield before
    wires.cut(SUBNET)
    for table, *lines in (part.splitlines() for part in LEFT.split("*")[1:]):
        chains = SHARED.findall("\n".join(lines))
        _saved("\n".join([f"*{table}", *_each("-F", chains), *_each("-X", chains), "COMMIT\n"]))


def _each(order: str, chains: list[str]) -> list[str]:
    return [f"{order} {name}" for name in chains]


def test_a_killed_engines_networks_are_cut(left: list[str]) -> None:
    assert wires.bridges(SUBNET) == ["vg10-251-1"]
    assert any(f"127.{SUBNET}.0.10" in rule for rule in _saved())
    assert wires.cut(SUBNET)
    assert wires.bridges(SUBNET) == []
    rules = _saved()
    assert not any(f".{SUBNET}." in rule or "0123456789ABC" in rule for rule in rules)
    assert set(left) <= set(rules)


def test_of_another_labs_nothing_is_undone() -> None:
    assert list(wires.undoing(LEFT.splitlines(), 25)) == []
    assert list(wires.undoing(LEFT.replace("251", "110.25").splitlines(), 25)) == []
    ordered = "".join(wires.undoing(LEFT.splitlines(), SUBNET))
    assert ordered.count("COMMIT") == 2
    # The engine's own chains, which all of its networks share, stay.
    assert [line for line in ordered.splitlines() if line.startswith("-X") and "HOSTPORT" in line] == []
    assert "-D NETAVARK-HOSTPORT-SETMARK -j MARK" not in ordered


def test_rules_that_nothing_is_led_through_keep_nobody_apart() -> None:
    """As Podman leaves them, for all of its networks, when one of them ends."""
    rule = "-A NETAVARK_ISOLATION_1 -i vg10-16-1 ! -o vg10-16-1 -j NETAVARK_ISOLATION_2"
    passed = '-A FORWARD -m comment --comment "netavark firewall plugin rules" -j NETAVARK_FORWARD'
    assert wires.are_open([passed, rule])
    assert not wires.are_open(["-A FORWARD -j NETAVARK_ISOLATION_1", passed, rule])
    assert not wires.are_open([passed])
