"""What a run does beside judging: stages in order, what is left out, options of pytest's own, and keeping quiet."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from fixtures.target import Target
from tests.plugin.sandbox import ABSENT, FAIL, INVALID, PASS, ROOT, UNKNOWN, Sandbox

pytest_plugins = ["pytester"]


def test_stages_run_cheapest_first_and_end_with_the_one_that_fails(sandbox: Sandbox) -> None:
    for stage, test in (
        ("chaos", PASS),
        ("smoke", FAIL),
        ("preflight", PASS),
        ("e2e", PASS),
        ("of_our_own", PASS),
    ):
        sandbox.suite(stage, test)
    result = sandbox.run()
    assert result.ret == 1
    assert [one["stage"] for one in sandbox.verdict["findings"]] == ["preflight", "smoke"]
    assert [(one["stage"], one["why"]) for one in sandbox.verdict["not_run"]] == [
        ("e2e", "smoke failed, and e2e comes after it"),
        ("chaos", "smoke failed, and chaos comes after it"),
        ("of_our_own", "smoke failed, and of_our_own comes after it"),
    ]
    result.stdout.fnmatch_lines(["NOT RUN*smoke failed, and e2e comes after it"])


def test_the_repositorys_own_suites_have_a_test_of_every_check() -> None:
    """As a person lists them. A suite that cannot be read, or a check that none tests, would be seen on a lab only."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "suites",
        "--collect-only",
        "-q",
        "--target",
        "hwayo",
        "--long",
    ]
    listed = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert listed.returncode == 0, listed.stdout + listed.stderr
    collected = [line.split("/")[1:] for line in listed.stdout.splitlines() if line.startswith("suites/")]
    tests = {
        (stage, test.partition("[")[2].rstrip("]").removesuffix("-chromium")) for stage, test in collected
    }
    checks = {(check.stage, check.name) for check in Target.load("hwayo").checks}
    assert checks - tests == set()


def test_who_is_looked_at_comes_first_and_heads_the_report(sandbox: Sandbox) -> None:
    """On the wrong side every other failure is about somebody else."""
    sandbox.suite(
        "smoke",
        FAIL,
        "from fixtures.target.checks import SideProven\n"
        "class Here(SideProven): needs = ()\n"
        "SIDE = Here(check='side-proven', name='side', title='This is green', source='§1', within='2s')\n"
        "@pytest.mark.parametrize('check', [SIDE])\n"
        "def test_side(check, judge): judge(check, BAD)",
    )
    sandbox.run()
    assert [one["name"] for one in sandbox.verdict["findings"]] == ["side", "certificate"]
    assert sandbox.verdict["reason"].startswith("This is green: ")


def test_what_is_unknown_does_not_end_the_run(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", UNKNOWN)
    sandbox.suite("smoke", PASS)
    assert sandbox.run().ret == 10
    assert sandbox.verdict["counts"]["PASS"] == 1


def test_markers_follow_from_the_folder(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", FAIL)
    sandbox.suite("smoke", PASS)
    assert sandbox.run("-m", "smoke").ret == 0
    assert [one["stage"] for one in sandbox.verdict["findings"]] == ["smoke"]


def test_stopping_at_the_first_failure_leaves_the_rest_not_run(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", UNKNOWN, PASS)
    assert sandbox.run("-x").ret == 10
    assert [one["why"] for one in sandbox.verdict["not_run"]] == ["the run stopped before it"]


def test_what_is_absent_is_told_and_does_not_gate(sandbox: Sandbox) -> None:
    by_parameter = (
        "from fixtures.plugin import target_of\n"
        "def pytest_generate_tests(metafunc):\n"
        "    if 'check' in metafunc.fixturenames:\n"
        "        metafunc.parametrize('check', target_of(metafunc.config).checks[:1])\n"
        "def test_check(check): raise AssertionError('must not be tried')"
    )
    sandbox.suite("preflight", PASS, ABSENT, by_parameter)
    result = sandbox.run()
    assert result.ret == 0
    assert sandbox.verdict["counts"]["absent"] == 2
    assert {one["absent"] for one in sandbox.verdict["findings"]} == {"", "no cluster in this test"}
    result.stdout.fnmatch_lines(["NOT HERE*no cluster in this test*"])
    result.stdout.no_fnmatch_line("*must not be tried*")


YOUNG = "def test_young(judge, certificate): judge(certificate, replace(DARK, young=True))"


@pytest.mark.parametrize(("found", "code"), [(YOUNG, 0), (UNKNOWN, 10), (FAIL, 1), (INVALID, 10)])
def test_what_a_place_is_too_young_to_show_gates_where_it_is_wrong_all_the_same(
    sandbox: Sandbox, found: str, code: int
) -> None:
    profile = sandbox.pytester.path / "shop.yaml"
    text = profile.read_text(encoding="utf-8")
    profile.write_text(text.replace("    absent:\n", "    young: {certificate: a day old}\n    absent:\n"))
    fast = "def test_fast(judge, target): judge(target.objectives['speed'], Measurement(0.5, 's', 1000, 0))"
    sandbox.suite("preflight", found, fast)
    assert sandbox.run().ret == code
    told = sandbox.verdict["findings"][0]
    assert (told["absent"] == "a day old") is (code == 0)


def test_should_objectives_warn_and_pass(sandbox: Sandbox) -> None:
    aim = "def test_aim(judge, target): judge(target.objectives['speed'], Measurement(1.5, 's', 1000, 0))"
    sandbox.suite("load", aim)
    result = sandbox.run()
    must, should = sandbox.verdict["findings"]
    assert (must["bound"], must["must"], must["verdict"]) == ("p95 < 2s", True, "PASS")
    assert (should["bound"], should["must"]) == ("p95 < 1s", False)
    assert result.ret == 0


def test_checklists_are_ticked_from_the_findings(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", PASS, ABSENT)
    sandbox.run()
    (checklist,) = sandbox.verdict["checklists"]
    lines = {one["text"]: (one["state"], one["why"]) for one in checklist["sections"][0]["lines"]}
    assert lines == {
        "The certificate is fine": ("proven", ""),
        "The nodes are fine": ("not verified", "no cluster in this test"),
        "The team is there": ("not verified", "for a person"),
        "The drill was held": ("not verified", "no suite proves this yet"),
    }


def test_base_url_is_the_entry(sandbox: Sandbox) -> None:
    sandbox.suite(
        "smoke",
        "def test_entry(environment, judge, certificate):\n"
        "    assert environment.entry == 'https://elsewhere.test'\n"
        "    judge(certificate, GOOD)",
    )
    assert sandbox.run("--base-url=https://elsewhere.test").ret == 0
    assert sandbox.verdict["environment"]["entry"] == "https://elsewhere.test"


@pytest.mark.parametrize(
    ("url", "host"), [("https://127.0.0.1:8443", "shop.test"), ("https://elsewhere.test", None)]
)
def test_the_name_that_users_type_holds_for_an_address_and_not_for_another_name(
    sandbox: Sandbox, url: str, host: str | None
) -> None:
    profile = sandbox.pytester.path / "shop.yaml"
    text = profile.read_text(encoding="utf-8")
    profile.write_text(text.replace("    entry:", "    host: shop.test\n    entry:"), encoding="utf-8")
    sandbox.suite(
        "smoke",
        "def test_host(environment, judge, certificate):\n"
        f"    assert environment.host == {host!r}\n"
        "    judge(certificate, GOOD)",
    )
    assert sandbox.run(f"--base-url={url}").ret == 0


def test_scans_given_on_the_command_line_are_no_longer_absent(sandbox: Sandbox) -> None:
    scans = sandbox.pytester.mkdir("scans")
    sandbox.suite(
        "preflight",
        "def test_scans(environment, judge, certificate):\n"
        "    assert (environment.scans, 'scans' in environment.absent) == (os.environ['SCANS'], False)\n"
        "    judge(certificate, GOOD)",
    )
    os.environ["SCANS"] = str(scans)
    try:
        assert sandbox.run(f"--scans={scans}").ret == 0
    finally:
        del os.environ["SCANS"]


def test_artefacts_go_where_pytests_own_options_say_too(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", PASS)
    assert sandbox.run("--html=out/page.html", "--junitxml=out/junit.xml").ret == 0
    out = sandbox.pytester.path / "out"
    assert (out / "page.html").read_text() == sandbox.read("report.html")
    assert (out / "junit.xml").read_text() == sandbox.read("junit.xml")


def test_runs_are_kept_side_by_side_and_latest_leads_to_the_last(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", PASS)
    arguments = [one for one in sandbox.arguments() if not one.startswith("--run-dir")]
    for _ in range(2):
        assert sandbox.pytester.runpytest_inprocess(*arguments).ret == 0
    runs = sandbox.pytester.path / "reports" / "runs"
    folders = sorted(one for one in runs.iterdir() if one.name != "latest")
    assert len(folders) == 2
    assert (runs / "latest").resolve() in folders
    assert {one.name for one in folders[0].iterdir()} == {
        "verdict.json",
        "junit.xml",
        "report.html",
        "summary.md",
    }


@pytest.mark.parametrize("options", [["--collect-only"], ["--markers"], ["--setup-plan"], ["--fixtures"]])
def test_listing_leaves_nothing_behind(sandbox: Sandbox, options: list[str]) -> None:
    sandbox.suite("preflight", PASS)
    assert sandbox.run(*options).ret == 0
    assert not sandbox.folder.exists()


def test_tests_of_anything_else_run_as_if_we_were_not_there(sandbox: Sandbox) -> None:
    tests = sandbox.pytester.mkdir("tests")
    (tests / "test_else.py").write_text("def test_else(): pass\ndef test_fails(): assert 0")
    result = sandbox.run("tests", "--target=./nowhere.yaml")
    assert result.ret == 1
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*page:*")
    assert not sandbox.folder.exists()


ASIDE = """
from fixtures.session.terminal import aside

@pytest.fixture
def opens_slowly(pytestconfig):
    with aside(pytestconfig, "opening something") as say:
        say("it takes its time")
        time.sleep(0.7)
    yield
    with aside(pytestconfig, "closing something"):
        time.sleep(0.7)

def test_quick(request, judge, certificate):
    request.getfixturevalue("opens_slowly")
    judge(certificate, GOOD)
"""


def test_what_happens_aside_of_a_check_is_not_its_own_time(sandbox: Sandbox) -> None:
    """As the opening of the environment, which happens when the first check asks for it."""
    sandbox.suite("preflight", ASIDE)
    result = sandbox.run()
    assert result.ret == 0
    (case,) = ElementTree.fromstring(sandbox.read("junit.xml")).iter("testcase")
    assert float(case.attrib["time"]) < 0.5
    result.stdout.fnmatch_lines(["* it takes its time", "PASS * ms)"])


def test_the_report_says_how_long_the_environment_took_to_open(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", "def test_one(environment, judge, certificate): judge(certificate, GOOD)")
    assert sandbox.run().ret == 0
    assert sandbox.verdict["environment"]["facts"]["Opened in"].endswith(" ms")


def test_the_terminal_shows_what_is_tried_and_for_how_long(sandbox: Sandbox) -> None:
    """On a terminal; elsewhere there is a line for each check, and nothing moves."""
    slow = "def test_waits(judge, certificate):\n    time.sleep(0.6)\n    judge(certificate, GOOD)"
    sandbox.suite("preflight", slow)
    command = " ".join([sys.executable, "-m", "pytest", *sandbox.arguments()])
    shown = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        cwd=sandbox.pytester.path, capture_output=True, text=True, env={**os.environ, "TERM": "xterm"}, check=True,
    ).stdout  # fmt: skip
    assert "[1/1] preflight · waits" in shown
    assert re.search(r"waits[^\n]*? [0-9]\.[0-9] s", shown)
    assert "PASS: green of shop in staging" in shown
    assert sandbox.run().stdout.str().count("waits") == 0


@pytest.mark.parametrize("options", [["-v"], ["-q"], ["-vv", "--tb=short"]])
def test_pytests_own_views_use_our_words(sandbox: Sandbox, options: list[str]) -> None:
    sandbox.suite("preflight", PASS, UNKNOWN)
    result = sandbox.run(*options)
    assert result.ret == 10
    if options[0].startswith("-v"):
        result.stdout.fnmatch_lines(["*::test_unknown UNKNOWN*"])
    result.stdout.fnmatch_lines(["*1 passed, 1 unknown*"])
