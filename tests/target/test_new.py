"""A profile that is begun is valid at once, and can be made the profile of a system that no document here describes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.target import Target
from fixtures.target.__main__ import main
from scenarios.journeys.application import Application
from tests.target.profiles import changed, only

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("platform", ["kubernetes", "ecs", "compose"])
def test_a_profile_that_is_begun_is_valid_as_it_stands(tmp_path: Path, platform: str) -> None:
    assert main(["new", "web-shop", "--platform", platform, "--folder", str(tmp_path)]) == 0
    target = Target.load(tmp_path / "web-shop.yaml")
    assert (target.system, target.platform) == ("web-shop", platform)
    assert target.objectives
    assert target.checks
    assert len(target.checklist_lines()) == 3


def test_what_is_there_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "web-shop.yaml"
    file.write_text("mine")
    assert main(["new", "web-shop", "--folder", str(tmp_path)]) == 2
    assert file.read_text() == "mine"
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Web", "../web", "web shop", ""])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", name, "--folder", str(tmp_path)]) == 2
    assert "is no name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "web-shop", "--folder", str(tmp_path / "nowhere")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_the_system_that_no_document_describes_is_a_target(tmp_path: Path) -> None:
    """The example of docs/your-system.md, as it stands there: from what `new` writes to a profile by its edits."""
    page = (ROOT / "docs" / "your-system.md").read_text()
    example = page[page.index("```yaml\nsystem: tide-tables") + 8 :]
    file = tmp_path / "tide-tables.yaml"
    file.write_text(example[: example.index("```")])
    command = [sys.executable, "-m", "fixtures.target", "check", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 services, 4 checks, 4 objectives, 1 metrics, 4 of 5 checklist lines proven" in done.stdout


def test_the_journeys_of_the_page_are_what_suites_ask_for() -> None:
    page = (ROOT / "docs" / "your-system.md").read_text()
    example = page[page.index("```python\n") + 10 :]
    made: dict[str, Any] = {}
    exec(example[: example.index("```")], made)
    asked = {name for name in vars(Application) if not name.startswith("_")}
    assert asked == {"sign_in", "example", "leave_mark", "sees_mark"}
    assert asked | {"journey_table"} <= set(vars(made["PEOPLE"]))


# --- where an environment is ------------------------------------------------------------------------------------------
PARTS = [
    "prometheus",
    "alertmanager",
    "sink",
    "aws",
    "database",
    "cache",
    "elasticsearch",
    "mongodb",
    "scans",
]
ABSENT = ", ".join(f"{part}: none" for part in PARTS)


def placed(platform: str, router: str, place: str) -> str:
    text = changed("platform: kubernetes", f"platform: {platform}")
    text = changed("router: istio", f"router: {router}", text)
    where = f"entry: https://x.example, {place}, absent: {{{ABSENT}}}"
    return changed("embedded: true, pace: 1/60", where, text)


def test_an_environment_says_where_its_platform_is_and_not_where_another_one_would_be() -> None:
    problem = only(placed("ecs", "nginx", "cluster: a, context: b"))
    assert (problem.path, problem.read) == ("environments.lab.context", "where kubernetes is")
    assert problem.expected == "nothing of it: it runs on ecs"
    problem = only(placed("kubernetes", "istio", "context: b, engine: c"))
    assert problem.path == "environments.lab.engine"


def test_behind_an_alb_the_listener_is_named() -> None:
    problem = only(placed("ecs", "alb", "cluster: a"))
    assert (problem.path, problem.read) == ("environments.lab", "no alb")


def test_a_secret_of_a_cluster_is_none_where_the_target_has_no_cluster() -> None:
    channels = "channels: {slack: 'secret:shop/slack/url'}"
    problem = only(placed("ecs", "nginx", f"cluster: a, {channels}"))
    assert (problem.path, problem.read) == ("environments.lab.channels.slack", "secret:shop/slack/url")
    assert problem.expected == "env:NAME: a target on ecs has no cluster that keeps secrets"


def test_an_environment_that_does_not_say_where_its_platform_is_is_refused() -> None:
    problem = only(placed("compose", "nginx", "pace: 1"))
    assert problem.read == "nothing about kubernetes"
