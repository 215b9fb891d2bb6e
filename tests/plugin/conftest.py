"""Runs of pytest within pytest."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.sandbox import PASSWORD, ROOT, Sandbox


@pytest.fixture
def sandbox(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sandbox:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("SHOP_USER", "inspector")
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "job.md"))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return Sandbox(pytester)
