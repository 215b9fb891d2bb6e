"""The rooms are built one on the other, and nobody reaches up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("suites", "scenarios", "fixtures", "reports")  # each may import itself and what comes after it
PLATFORM_SDKS = {"kubernetes", "boto3", "botocore", "docker"}


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, by its full dotted name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room: str) -> None:
    above = {*ROOMS[: ROOMS.index(room)], "tests"}
    offences = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(room)
        for name in imports(path)
        if name.split(".")[0] in above
    ]
    assert modules(room)
    assert offences == []


def test_only_platforms_and_the_lab_know_a_platforms_sdk() -> None:
    allowed = (ROOT / "fixtures" / "platforms", ROOT / "fixtures" / "lab")
    offences = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room in ROOMS
        for path in modules(room)
        if not any(path.is_relative_to(folder) for folder in allowed)
        for name in imports(path)
        if name.split(".")[0] in PLATFORM_SDKS
    ]
    assert offences == []


def test_only_the_plugin_knows_that_a_lab_can_be_had() -> None:
    """Suites and scenarios cannot tell the lab from production."""
    offences = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room in ("suites", "scenarios", "reports")
        for path in modules(room)
        for name in imports(path)
        if name.startswith("fixtures.lab")
    ]
    assert offences == []


def test_pytest_never_imports_locust() -> None:
    """gevent patches threads and sockets in whatever process imports it."""
    assert "-p no:locust" in (ROOT / "pyproject.toml").read_text()


def test_no_file_names_a_registrys_host_or_a_path_of_one_machine() -> None:
    pinned = (ROOT / "requirements.txt").read_text().splitlines()
    assert pinned
    assert [line for line in pinned if "://" in line or "@" in line or "==" not in line] == []
