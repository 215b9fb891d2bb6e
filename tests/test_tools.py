"""Programs are found on PATH or where set-up unpacked them, under Debian's names too; what is missing is said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def copy_of_setup(folder: Path) -> Path:
    """Just what set-up is made of, in a folder where nothing is installed."""
    (folder / "fixtures").mkdir(parents=True)
    for name in ("__init__.py", "bootstrap.py", "tools.py"):
        shutil.copy(ROOT / "fixtures" / name, folder / "fixtures" / name)
    return folder


def ask(folder: Path, program: str, path: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_a_program_is_found_by_debians_name_too(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "prometheus-alertmanager"
    program.parent.mkdir()
    program.touch(mode=0o755)
    home = copy_of_setup(tmp_path / "project")
    found = ask(home, "from fixtures.tools import find; print(find('alertmanager'))", str(program.parent))
    assert found == str(program)


def test_a_program_is_found_where_set_up_unpacked_it(tmp_path: Path) -> None:
    home = copy_of_setup(tmp_path / "project")
    program = home / ".tools" / "usr" / "bin" / "promtool"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    assert ask(home, "from fixtures.tools import find; print(find('promtool'))", "/nowhere") == str(program)


def test_what_cannot_be_had_is_said_in_a_line_with_what_to_do(tmp_path: Path) -> None:
    home = copy_of_setup(tmp_path / "project")
    said = ask(
        home, "from fixtures import bootstrap; print(*bootstrap.unpack_tools(), sep='\\n')", "/nowhere"
    )
    lines = [line for line in said.splitlines() if "is missing" in line]
    assert {line.split()[0] for line in lines} == {
        "prometheus",
        "promtool",
        "alertmanager",
        "amtool",
        "nginx",
        "kubectl",
    }
    assert all("UNKNOWN" in line and "apt-get download" in line for line in lines)


def test_where_no_engine_can_be_had_that_is_said_with_what_to_install(tmp_path: Path) -> None:
    home = copy_of_setup(tmp_path / "project")
    said = ask(home, "from fixtures import bootstrap; print(*bootstrap.find_engine())", "/nowhere")
    assert said.startswith("no container engine")
    assert "apt-get install --no-install-recommends podman" in said
