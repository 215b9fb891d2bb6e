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


def texts(path: Path) -> Iterator[str]:
    """Every text in the file that means something to the program: no docstring, and no `--target` with its default."""
    tree = ast.parse(path.read_text())
    silent: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            silent.add(node.value)
        elif isinstance(node, ast.Call) and node.args and _is_target(node.args[0]):
            silent.update(keyword.value for keyword in node.keywords)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in silent:
            yield node.value


def _is_target(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == "--target"


def test_nothing_knows_a_system_by_name_but_its_locustfile_and_its_journeys() -> None:
    """A system more needs its profile and those two; a lab of its own is the lab's affair."""
    systems = [path.stem for path in (ROOT / "fixtures" / "targets").glob("*.yaml")]
    words = {word for name in systems for word in (name, name.replace("-", "_"))}
    own = {ROOT / "scenarios" / "load" / f"{word}.py" for word in words}
    offences = [
        f"{path.relative_to(ROOT)} names {word}"
        for room in (
            "suites",
            "scenarios",
            "reports",
            "fixtures/session",
            "fixtures/target",
            "fixtures/platforms",
        )
        for path in modules(room)
        if path not in own and not path.is_relative_to(ROOT / "scenarios" / "journeys")
        for text in (*texts(path), *imports(path))
        for word in words
        if word in text and f"{word}.com" not in text  # an example of a host
    ]
    assert len(words) > len(systems) > 3
    assert offences == []


def test_pytest_never_imports_locust() -> None:
    """gevent patches threads and sockets in whatever process imports it."""
    assert "-p no:locust" in (ROOT / "pyproject.toml").read_text()


def test_no_file_names_a_registrys_host_or_a_path_of_one_machine() -> None:
    pinned = (ROOT / "requirements.txt").read_text().splitlines()
    assert pinned
    assert [line for line in pinned if "://" in line or "@" in line or "==" not in line] == []
