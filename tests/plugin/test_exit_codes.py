"""How a run ends, for every way in which its checks can end."""

from __future__ import annotations

import pytest

from tests.plugin.sandbox import ABSENT, FAIL, INVALID, PASS, UNKNOWN, Sandbox

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


def test_a_suite_that_cannot_be_read_fails_the_run(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", PASS)
    sandbox.suite("smoke", "import nothing_of_that_name")
    assert sandbox.run().ret == pytest.ExitCode.INTERRUPTED
    assert sandbox.verdict["word"] == "FAIL"
    assert "nothing_of_that_name" in sandbox.verdict["reason"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--target=nope"], "--target: no target 'nope' in "),
        (["--target=hwyao"], "(did you mean hwayo?); a profile that is elsewhere is given by its path"),
        (["--target=./nowhere.yaml"], "nowhere.yaml"),
        (
            ["--env=stagin"],
            "--env: no environment 'stagin' in shop.yaml, which has lab, production, staging (did",
        ),
        (["--side=red"], "red"),
        (["--scans=./nowhere"], "nowhere"),
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
