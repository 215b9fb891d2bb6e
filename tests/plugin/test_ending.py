"""A run and its lab: one that does not come up, one that is joined, and signals in the middle of either."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fixtures.lab import home_of
from tests.plugin.sandbox import PASS, ROOT, UNKNOWN, Sandbox

pytest_plugins = ["pytester"]

SLOW = """
@pytest.fixture
def held(tmp_path_factory):
    yield
    (pytest.started).with_name("healed").write_text("yes")

def test_slow(held, judge, certificate):
    pytest.started.write_text("yes")
    time.sleep(60)
    judge(certificate, GOOD)
"""


def test_a_lab_that_does_not_come_up_makes_the_run_inconclusive_once(sandbox: Sandbox) -> None:
    """There is no system of that name for a lab to run."""
    opens = "def test_{0}(environment, judge, certificate): judge(certificate, GOOD)"
    sandbox.suite("preflight", opens.format("one"), opens.format("two"))
    sandbox.suite("smoke", opens.format("three"))
    name = f"none-{os.getpid()}"
    try:
        assert sandbox.run(f"--lab={name}", env="lab").ret == 10
    finally:
        shutil.rmtree(home_of(name), ignore_errors=True)
    (finding,) = sandbox.verdict["findings"]
    assert finding["verdict"] == "UNKNOWN"
    assert name in finding["reason"]
    assert {one["why"] for one in sandbox.verdict["not_run"]} == {"the environment lab could not be opened"}


def test_a_running_lab_is_joined_and_left_running(sandbox: Sandbox) -> None:
    name = f"joined-{os.getpid()}"
    home = home_of(name)
    home.mkdir(parents=True)
    facts = {
        "pid": os.getpid(), "name": name, "system": "shop", "kubeconfig": str(home / "kubeconfig"), "ca": "/ca",
        "entry": "https://127.1.0.10:8443", "prometheus": "http://p", "alertmanager": "http://a", "sink": "http://s",
        "aws": {"endpoint": "http://127.1.0.40:5000", "region": "here", "access_key": "lab", "secret_key": "lab"},
        "stores": {"database": {"blue": "postgresql://u:pass-of-blue@h/b", "green": "postgresql://u:pass-of-green@h/g"}},
        "credentials": {"user": "inspector", "password": "pass-of-user"},
    }  # fmt: skip
    (home / "lab.json").write_text(json.dumps(facts))
    (home / "kubeconfig").write_text("users: [{name: admin, user: {token: token-of-admin}}]")
    said = "pass-of-blue pass-of-green pass-of-user token-of-admin"
    sandbox.suite("smoke", f"def test_joined(environment, judge, certificate): raise Unreachable('{said}')")
    try:
        result = sandbox.run(f"--lab={name}", env="lab")
    finally:
        for file in home.iterdir():
            file.unlink()
        home.rmdir()
    assert result.ret == 10
    assert sandbox.verdict["findings"][0]["reason"] == "could not look: ••• ••• ••• •••"
    assert sandbox.verdict["environment"]["entry"] == "https://127.1.0.10:8443"
    assert sandbox.verdict["environment"]["facts"]["Lab"] == name


@pytest.mark.parametrize("keep", [[], ["--keep-lab"]], ids=["own", "kept"])
def test_a_signal_while_the_lab_comes_up_leaves_nothing_of_it(tmp_path: Path, keep: list[str]) -> None:
    name = f"halfway-{os.getpid()}-{len(keep)}"
    command = [sys.executable, "-m", "pytest", "suites/preflight", "-p", "no:cacheprovider", *keep]
    options = ["--target", "hwayo", "--lab", name, "--run-dir", str(tmp_path)]
    run = subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.DEVNULL)
    family = psutil.Process(run.pid)
    deadline = time.monotonic() + 120
    while not (lab := [one for one in family.children(recursive=True) if _brings_up(one.cmdline())]):
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    assert run.wait(120) == pytest.ExitCode.INTERRUPTED
    gone, left = psutil.wait_procs(lab, timeout=0)
    shutil.rmtree(home_of(name), ignore_errors=True)
    for suffix in (".log", ".lock"):
        home_of(name).with_suffix(suffix).unlink(missing_ok=True)
    assert (len(gone), left) == (len(lab), [])


def _brings_up(command: list[str]) -> bool:
    return "fixtures.lab" in command and "--detach" not in command


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_run_torn_down_and_written(sandbox: Sandbox, number: signal.Signals) -> None:
    started = sandbox.pytester.path / "started"
    sandbox.suite(
        "preflight", PASS, f"import pathlib\npytest.started = pathlib.Path({str(started)!r})\n{SLOW}", UNKNOWN
    )
    command = [sys.executable, "-m", "pytest", *sandbox.arguments()]
    run = subprocess.Popen(
        command,
        cwd=sandbox.pytester.path,
        stdout=subprocess.PIPE,
        text=True,
        # A shell starts what runs in its background with SIGINT ignored, and the tests may be such.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not started.exists():
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(number)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == pytest.ExitCode.INTERRUPTED
    assert started.with_name("healed").exists()
    assert sandbox.verdict["word"] == "INCONCLUSIVE"
    if number is not signal.SIGINT:
        assert sandbox.verdict["cut_short"] == number.name
    assert [one["test"].split("::")[1] for one in sandbox.verdict["not_run"]] == ["test_slow", "test_unknown"]
    assert {one.name for one in Path(sandbox.folder).iterdir()} >= {"report.html", "junit.xml", "summary.md"}
    assert "INCONCLUSIVE" in sandbox.read("report.html")
    assert "INCONCLUSIVE: green of shop in staging" in output
