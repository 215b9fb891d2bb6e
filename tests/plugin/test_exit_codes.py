"""How a run ends, for every way in which its checks can end."""

from __future__ import annotations

import pytest

from tests.plugin.sandbox import ABSENT, FAIL, HEAD, INVALID, PASS, UNKNOWN, Sandbox

pytest_plugins = ["pytester"]

RAISES = "def test_raises(): raise KeyError('status')"
SILENT = "def test_silent(): pass"
SKIPS = "def test_skips(): pytest.skip('not today')"
REFUSED = "def test_refused(): raise ConnectionRefusedError(111, 'refused')"
UNSEEN = "def test_unseen(): raise Unreachable('Prometheus did not answer')"
ASSERTS = "def test_asserts(): assert 1 == 2"
EXPECTED = "@pytest.mark.xfail\ndef test_expected(judge, certificate): judge(certificate, BAD)"
BROKEN_SETUP = "@pytest.fixture\ndef broken(): raise ValueError('no')\ndef test_setup(broken): pass"
BROKEN_TEARDOWN = (
    "@pytest.fixture\ndef heals():\n    yield\n    raise RuntimeError('not healed')\n"
    "def test_teardown(heals, judge, certificate): judge(certificate, GOOD)"
)
SHOULD = (
    "def test_should(judge, target): judge(target.objectives['calm'], Measurement(0.5, 'share', 100, 50))"
)
AIM = "def test_aim(judge, target): judge(target.objectives['speed'], Measurement(1.5, 's', 1000, 0))"


@pytest.mark.parametrize(
    ("tests", "code", "word"),
    [
        ([PASS], 0, "PASS"),
        ([FAIL], 1, "FAIL"),
        ([UNKNOWN], 10, "INCONCLUSIVE"),
        ([INVALID], 10, "INCONCLUSIVE"),
        ([PASS, UNKNOWN], 10, "INCONCLUSIVE"),
        ([PASS, FAIL, UNKNOWN], 1, "FAIL"),
        ([UNKNOWN, INVALID, FAIL], 1, "FAIL"),
        ([ABSENT], 10, "INCONCLUSIVE"),
        ([ABSENT, PASS], 0, "PASS"),
        ([SHOULD], 10, "INCONCLUSIVE"),
        ([SHOULD, PASS], 0, "PASS"),
        ([AIM], 0, "PASS"),
        ([RAISES, PASS], 1, "FAIL"),
        ([ASSERTS, PASS], 1, "FAIL"),
        ([REFUSED, PASS], 10, "INCONCLUSIVE"),
        ([UNSEEN, PASS], 10, "INCONCLUSIVE"),
        ([SILENT, PASS], 10, "INCONCLUSIVE"),
        ([SKIPS, PASS], 10, "INCONCLUSIVE"),
        ([EXPECTED, PASS], 1, "FAIL"),
        ([BROKEN_SETUP, PASS], 1, "FAIL"),
        ([BROKEN_TEARDOWN, PASS], 1, "FAIL"),
    ],
)
def test_a_run_ends_with_the_worst_of_what_gates(
    sandbox: Sandbox, tests: list[str], code: int, word: str
) -> None:
    sandbox.suite("preflight", *tests)
    assert sandbox.run().ret == code
    assert (sandbox.verdict["word"], sandbox.verdict["exit_code"]) == (word, code)
    assert sandbox.verdict["not_run"] == []


def test_no_checks_is_pytests_own_code_and_no_success(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", PASS)
    assert sandbox.run("-k", "nothing_of_that_name").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert sandbox.verdict["word"] == "INCONCLUSIVE"


PROFILED = """
from fixtures.plugin import target_of

def pytest_generate_tests(metafunc):
    if "check" in metafunc.fixturenames:
        metafunc.parametrize("check", target_of(metafunc.config).checks, ids=lambda one: one.name)

def test_check(check, judge):
    judge(check, GOOD)
"""


@pytest.mark.parametrize(
    ("chosen", "part", "of"),
    [
        (["-k", "certificate"], 1, 3),
        (["-m", "preflight and not smoke", "-k", "not certificate"], 2, 3),
        (["--deselect", "suites/preflight/test_preflight.py::test_check[nodes]"], 3, 4),
        (["suites/preflight/test_preflight.py::test_check[certificate]"], 1, 2),
        (["suites/preflight/test_other.py", "-k", "pass"], 1, 2),
        (["suites", "--ignore=suites/preflight/test_preflight.py"], 2, 3),
    ],
)
def test_a_part_is_no_gate_even_where_it_holds(
    sandbox: Sandbox, chosen: list[str], part: int, of: int
) -> None:
    sandbox.suite("preflight", PROFILED)
    (sandbox.suite("smoke", PASS).parents[1] / "preflight" / "test_other.py").write_text(f"{HEAD}\n{PASS}")
    result = sandbox.run(*chosen)
    assert (result.ret, sandbox.verdict["word"], sandbox.verdict["verdict"]) == (10, "PASS", "PASS")
    scope = sandbox.verdict["scope"]
    assert (scope["partial"], scope["checks"], scope["of"]) == (True, part, of)
    said = f"PASS, PARTIAL: {part} of {of} checks"
    result.stdout.fnmatch_lines([f"*{said}: green of shop in staging (*", "* a part is no gate."])
    assert sandbox.read("summary.md").startswith(f"# {said}: ")
    assert said in sandbox.read("report.html")
    assert "a part is no gate" in sandbox.verdict["reason"]


def test_a_part_that_fails_fails(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", PASS, FAIL)
    assert sandbox.run("-k", "fail").ret == 1
    assert sandbox.verdict["scope"]["partial"]


@pytest.mark.parametrize(
    "chosen", [[], ["suites/preflight"], ["-m", "preflight"], ["suites/preflight", "suites/smoke"], ["."]]
)
def test_whole_stages_are_no_part_and_are_named(sandbox: Sandbox, chosen: list[str]) -> None:
    sandbox.suite("preflight", PASS, PROFILED)
    sandbox.suite("smoke", PASS)
    result = sandbox.run(*chosen)
    assert (result.ret, sandbox.verdict["scope"]["partial"]) == (0, False)
    stages = (
        ["preflight"] if "smoke" not in str(chosen) and "preflight" in str(chosen) else ["preflight", "smoke"]
    )
    assert sandbox.verdict["scope"]["stages"] == stages
    result.stdout.fnmatch_lines([f"*PASS: green of shop in staging ({', '.join(stages)})*"])


def test_a_suite_that_cannot_be_read_fails_the_run(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", PASS)
    sandbox.suite("smoke", "import nothing_of_that_name")
    assert sandbox.run().ret == pytest.ExitCode.INTERRUPTED
    assert sandbox.verdict["word"] == "FAIL"
    assert "nothing_of_that_name" in sandbox.verdict["reason"]


def test_a_wrong_option_is_said_once_where_tests_are_only_listed(sandbox: Sandbox) -> None:
    sandbox.suite(
        "preflight",
        "from fixtures.plugin import target_of\ndef pytest_generate_tests(metafunc):\n    target_of(metafunc.config)\n",
        PASS,
    )
    result = sandbox.run("--collect-only", env="production")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines[0].startswith("ERROR: --env production: this looks at")
    assert "Interrupted" not in str(result.stdout)


def test_who_names_no_environment_is_told_which_it_is(sandbox: Sandbox) -> None:
    profile = sandbox.pytester.path / "shop.yaml"
    profile.write_text(profile.read_text().replace("  lab: {", "  laboratory: {"))
    sandbox.suite("preflight", PASS)
    result = sandbox.run(env="lab")
    said = "no environment 'lab' in shop.yaml, which has laboratory, production, staging"
    assert f"--env: {said} (did you mean laboratory?); where none is named it is lab" in str(result.stderr)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--target=nope"], "--target: no target 'nope' in "),
        (["--target=hwyao"], "(did you mean hwayo?); a profile that is elsewhere is given by its path"),
        (["--target=./nowhere.yaml"], "nowhere.yaml"),
        (
            ["--target=nailbook-line", "--env=production"],
            "where e2e cannot be carried out yet; preflight, smoke, load, release, chaos, drills can",
        ),
        (
            ["--target=memoryark-line", "--env=production"],
            "where e2e cannot be carried out yet; preflight, smoke, load, release, chaos, drills can",
        ),
        (
            ["--env=stagin"],
            "--env: no environment 'stagin' in shop.yaml, which has lab, production, staging (did",
        ),
        (["--side=red"], "red"),
        (["--scans=./nowhere"], "nowhere"),
        (["--base-url=nonsense"], "--base-url: 'nonsense' is no address, such as https://shop.example"),
        (["--base-url=ftp://shop.test"], "--base-url: 'ftp://shop.test' is no address"),
        (["--base-url=https://shop.test:http"], "is no address"),
        (["--env=production"], "--i-mean-production shop"),
        (["--env=production", "--i-mean-production=shoop"], "shoop"),
    ],
)
def test_a_wrong_option_is_one_clean_message(sandbox: Sandbox, options: list[str], said: str) -> None:
    sandbox.suite("preflight", PASS)
    result = sandbox.run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = "\n".join([*result.outlines, *result.errlines])
    assert said in text
    assert "Traceback" not in text
    assert not sandbox.folder.exists()


def test_production_is_looked_at_when_it_is_meant(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", PASS)
    assert sandbox.run("--i-mean-production=shop", env="production").ret == 0


def test_an_unknown_ending_says_why(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", REFUSED, SILENT, SKIPS, RAISES)
    sandbox.run()
    found = {
        one["test"].split("::")[1]: (one["verdict"], one["reason"]) for one in sandbox.verdict["findings"]
    }
    assert found["test_refused"] == ("UNKNOWN", "could not look: ConnectionRefusedError: [Errno 111] refused")
    assert found["test_silent"][0] == "UNKNOWN"
    assert found["test_skips"] == ("UNKNOWN", "skipped, which proves nothing: not today")
    assert found["test_raises"] == ("FAIL", "the check itself broke: KeyError: 'status'")


def test_a_check_that_judged_well_and_then_broke_fails(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", "def test_both(judge, certificate):\n    judge(certificate, GOOD)\n    1 / 0")
    assert sandbox.run().ret == 1
    assert [one["verdict"] for one in sandbox.verdict["findings"]] == ["PASS", "FAIL"]


def test_a_broken_check_of_a_promise_is_reported_under_its_name(sandbox: Sandbox) -> None:
    generated = (
        "from fixtures.plugin import target_of\n"
        "def pytest_generate_tests(metafunc): metafunc.parametrize('check', target_of(metafunc.config).checks[1:])\n"
        "def test_check(check): raise Unreachable('no door')"
    )
    sandbox.suite("preflight", generated)
    assert sandbox.run().ret == 10
    (finding,) = sandbox.verdict["findings"]
    assert (finding["name"], finding["source"], finding["reason"]) == (
        "certificate",
        "§2",
        "could not look: no door",
    )


def test_tests_of_anything_else_keep_their_own_say(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", PASS)
    tests = sandbox.pytester.path / "tests"
    tests.mkdir()
    (tests / "test_else.py").write_text("def test_else(): assert False")
    assert sandbox.run("suites", "tests").ret == 1
    assert [one["test"] for one in sandbox.verdict["findings"]] == [
        "suites/preflight/test_preflight.py::test_pass"
    ]
