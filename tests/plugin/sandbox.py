"""A small project with a real profile and suites of its own, in which pytest is run as a person would run it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What cannot run within itself (playwright), what has no use there, and what costs seconds of imports (hypothesis).
LEFT_OUT = ("playwright", "locust", "xdist", "cacheprovider", "hypothesispytest")
PASSWORD = "correct-horse/battery+staple"

PROFILE = """
system: shop
title: A shop
document: documents/shop.md
platform: kubernetes
router: istio
services: [{name: web, image: shop-web, health: /health, source: §1}]
environments:
  staging: &staging
    namespaces: {blue: shop, green: shop-green}
    entry: https://shop.test
    credentials: {user: env:SHOP_USER, password: env:SHOP_PASSWORD}
    absent:
      kubernetes: no cluster in this test
      prometheus: none
      alertmanager: none
      sink: none
      aws: none
      database: none
      cache: none
      elasticsearch: none
      mongodb: none
      scans: none
  production: *staging
  lab: {embedded: true, pace: 1/60, namespaces: {blue: shop, green: shop-green}}
checks:
  - {check: nodes-ready, name: nodes, title: Nodes are ready, source: §2}
  - {check: certificate-valid, name: certificate, title: The certificate is valid, left: 7d, source: §2}
objectives:
  speed: {title: Answers are fast, that: p95 < 2s, should: p95 < 1s, over: load, source: §3}
  calm: {title: Few errors, that: error_rate < 1%, over: load, source: §3, must: false}
checklists:
  before:
    title: Before deployment
    source: §9
    groups:
      ground:
        - {line: The certificate is fine, by: [certificate]}
        - {line: The nodes are fine, by: [nodes]}
        - {line: The team is there, by: person}
        - {line: The drill was held, by: later}
"""

HEAD = """
import os, signal, time, warnings
from dataclasses import replace
import pytest
from fixtures.evidence import Unreachable
from reports.verdicts import Evidence, Measurement

GOOD = Measurement(0.0, "violations", 3, 0)
BAD = Measurement(1.0, "violations", 3, 1, why="web-1 is crash-looping")
DARK = Measurement(None, "violations", 0, why="nobody answered")
VOID = Measurement(None, "violations", 0, invalid="the fault did not bite")

@pytest.fixture
def certificate(target):
    return target.checks[1]
"""

# What a test may do, and the verdict that it leaves.
PASS = "def test_pass(judge, certificate): judge(certificate, GOOD)"
FAIL = "def test_fail(judge, certificate): judge(certificate, BAD)"
UNKNOWN = "def test_unknown(judge, certificate): judge(certificate, DARK)"
INVALID = "def test_invalid(judge, certificate): judge(certificate, VOID)"
ABSENT = "def test_absent(judge, target): judge(target.checks[0], DARK)"


class Sandbox:
    """Runs pytest in a project of its own; `run` and `apart` give pytester's result."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.folder = pytester.path / "run"
        pytester.makeconftest('pytest_plugins = ["fixtures.plugin"]')
        left_out = " ".join(f"-p no:{one}" for one in LEFT_OUT)
        pytester.makepyprojecttoml(f'[tool.pytest.ini_options]\naddopts = "{left_out} --strict-markers"\n')
        (pytester.path / "shop.yaml").write_text(PROFILE, encoding="utf-8")

    def suite(self, stage: str, *tests: str) -> Path:
        path = self.pytester.path / "suites" / stage / f"test_{stage}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n\n".join([HEAD, *tests]) + "\n", encoding="utf-8")
        return path

    def run(self, *options: str, env: str = "staging") -> pytest.RunResult:
        return self.pytester.runpytest_inprocess(*self._arguments(env, options))

    def apart(self, *options: str, env: str = "staging") -> pytest.RunResult:
        """In a process of its own."""
        return self.pytester.runpytest_subprocess(*self._arguments(env, options))

    def arguments(self, *options: str, env: str = "staging") -> list[str]:
        return self._arguments(env, options)

    @property
    def verdict(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.read("verdict.json"))
        return found

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def _arguments(self, env: str, options: tuple[str, ...]) -> list[str]:
        paths = [
            one
            for one in options
            if not one.startswith("-") and (self.pytester.path / one.split("::")[0]).exists()
        ]
        own = [] if paths else ["suites"]
        return [*own, "--target=./shop.yaml", f"--env={env}", f"--run-dir={self.folder}", *options]
