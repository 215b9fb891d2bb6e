"""The JSON Schema accepts what the loader accepts and refuses common mistakes; the command says what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from fixtures.target.load import PROFILES
from fixtures.target.schema import json_schema
from tests.target.profiles import HWAYO, SMALL, changed

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fixtures.target", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("text", [HWAYO, SMALL], ids=["hwayo", "small"])
def test_profiles_that_load_are_valid(validator: Draft202012Validator, text: str) -> None:
    assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("that: p95 < 2s", "that: 2"),
        ("that: p95 < 2s", "that: speed < 2s"),
        ("that:", "thta:"),
        ("pace: 1/60", "pace: fast"),
        ("check: nodes-ready", "check: node-ready"),
        ("title: Nodes", "title: Nodes, within: 2s"),
        ("platform: kubernetes", "platform: k8s"),
        ("source: §3", "source: chapter 3"),
        ("  login: {", "  login: {name: x, "),
        ("embedded: true", "embedded: true, credentials: {user: hunter2}"),
    ],
)
def test_mistakes_are_seen_in_an_editor(validator: Draft202012Validator, old: str, new: str) -> None:
    assert not validator.is_valid(yaml.safe_load(changed(old, new)))


def test_what_the_loader_fills_in_is_not_offered() -> None:
    text = json.dumps(json_schema())
    assert "checklists" in text
    objective = json_schema()["$defs"]["Objective"]["properties"]
    assert "name" not in objective
    assert "checklist" not in objective


def test_the_command_prints_the_schema() -> None:
    done = command("schema")
    assert done.returncode == 0
    assert json.loads(done.stdout) == json_schema()


def test_the_command_sums_up_a_profile_that_is_right() -> None:
    done = command("check", str(PROFILES / "hwayo.yaml"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 services" in done.stdout
    assert done.stdout.count("\n") == 1


def test_the_command_lists_what_is_wrong_and_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(changed("platform: kubernetes", "platform: kubernets", changed("pace: 1/60", "pace: 0")))
    done = command("check", str(file), "hwayo", str(tmp_path / "none.yaml"))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"{file}:4: platform: read 'kubernets', expected one of kubernetes, ecs, compose (did you mean kubernetes?)",
        f"{file}:9: environments.lab.pace: read 0, expected a pace such as 1 or 1/60: above 0, at most 1",
        f"{tmp_path}/none.yaml: read nothing (No such file or directory), expected a readable file",
    ]
    assert "6 services" in done.stdout
    assert "Traceback" not in done.stderr
