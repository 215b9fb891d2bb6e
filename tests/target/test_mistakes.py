"""Mistakes that people make in profiles: each is one problem, at its line, with what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.target import InvalidProfile, Target, UnknownName
from fixtures.target.errors import nearest
from tests.target.profiles import SMALL, built, changed, only, problems

LAB = "environments.lab"
MISTAKES = [
    # (what stands there, what is written instead, line, path, read, expected, near)
    ("that: p95 < 2s", "that: p95 < 2", 13, "objectives.login.that", "'p95 < 2'", "a duration", ""),
    ("that: p95 < 2s", "that: p95 < 2%", 13, "objectives.login.that", "2%", "not a share", ""),
    ("that: p95 < 2s", "that: p95 < 0s", 13, "objectives.login.that", "0s", "keep and can break", ""),
    ("that: p95 < 2s", "that: 2", 13, "objectives.login.that", "2", "a bound", ""),
    ("that: p95 < 2s", "that: eror_rate < 1%", 13, "objectives.login.that", "eror_rate", "on the left", "error_rate"),
    ("should: p95 < 1s", "should: p95 < 3s", 13, "objectives.login.should", "3s", "as strict as 'p95 < 2s'", ""),
    ("should:", "shuold:", 13, "objectives.login.shuold", "unknown key", "should", "should"),
    ("over: load POST", "over: laod POST", 13, "objectives.login.over", "laod", "an indicator", "load"),
    ("over: load POST /login", "over: metric cpu", 13, "objectives.login.over", "cpu", "a metric that the", ""),
    ("that: p95 < 2s", "that: failures < 3", 13, "objectives.login.that", "< 3", "failures < 3 failures", ""),
    ("check: nodes-ready", "check: tls-version, at_least: 1.2", 11, "checks[0].at_least", "number", "in quotes", ""),
    ("health: /health", "health: /h, limits: 1GB", 7, "services[0].limits", "1GB", "a mapping with cpu, memory", ""),
    (", source: §3", "", 13, "objectives.login.source", "nothing", "section", ""),
    ("source: §3", "source: chapter 3", 13, "objectives.login.source", "chapter 3", "section", ""),
    ("title: Login", "title: 12", 13, "objectives.login.title", "12", "text", ""),
    ("  login: {", "  login: {name: x, ", 13, "objectives.login.name", "a name", "the key is the name", ""),
    ("  login: {", "  nodes: {", 13, "objectives.nodes", "nodes a second time", "line 11", ""),
    ("check: nodes-ready", "check: node-ready", 11, "checks[0].check", "node-ready", "known names", "nodes-ready"),
    ("check: nodes-ready, ", "", 11, "checks[0].check", "nothing", "nodes-ready", ""),
    ("title: Nodes", "title: Nodes, within: 2s", 11, "checks[0].within", "unknown key", "at_least", ""),
    ("pace: 1/60", "pace: 0", 9, "environments.lab.pace", "0", "a pace", ""),
    ("pace: 1/60", "pace: 1/0", 9, "environments.lab.pace", "1/0", "a pace", ""),
    ("pace: 1/60", "pace: 60", 9, "environments.lab.pace", "60", "at most 1", ""),
    ("embedded: true", "embedded: yes", 9, "environments.lab.embedded", "yes", "true or false", ""),
    ("embedded: true, ", "", 9, "environments.lab", "nothing about kubernetes", "absent", ""),
    ("green: small-green", "green: small", 9, "environments.lab.namespaces.green", "small", "another namespace", ""),
    ("green: small-green", "green: x, grey: y", 9, "environments.lab.namespaces.grey", "grey", "blue, green", "green"),
    ("embedded: true", "embedded: true, absent: {sinc: no}", 9, f"{LAB}.absent.sinc", "sinc", "a part", "sink"),
    ("embedded: true", "embedded: true, young: {node: no}", 9, f"{LAB}.young.node", "node", "a check", "nodes"),
    ("platform: kubernetes", "platform: kubernets", 4, "platform", "kubernets", "ecs", "kubernetes"),
    ("health: /health", "health: health", 7, "services[0].health", "health", "a path", ""),
    ("health: /health", "health: /health, port: 99999", 7, "services[0].port", "99999", "at most 65535", ""),
    ("health: /health", "health: /health, replicas: 0", 7, "services[0].replicas", "0", "at least 1", ""),
    ("health: /health", "health: /health, port: '80'", 7, "services[0].port", "'80'", "a whole number", ""),
    ("name: api", "name: API", 7, "services[0].name", "API", "small letters", ""),
    ("checks:", "chekcs:", 10, "chekcs", "unknown key", "known names", "checks"),
    ("title: A small system", "title: 1e999", 2, "title", "1e999", "a number", ""),
    ("title: A small system", 'title: "\\ud800"', 2, "title", "half a character", "text", ""),
    ("title: A small system", "title: !!python/name:os.system x", 2, "title", "tagged", "a plain value", ""),
    ("title: A small system", "title: A\nsystem: again", 3, "system", "a second time", "once", ""),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "path", "read", "expected", "near"), MISTAKES)
def test_a_mistake_is_one_problem_that_says_where_and_what(  # a row of the table
    old: str, new: str, line: int, path: str, read: str, expected: str, near: str
) -> None:
    problem = only(changed(old, new))
    assert (problem.file, problem.line, problem.path, problem.near) == ("small.yaml", line, path, near)
    assert read in problem.read
    assert expected in problem.expected
    assert str(problem).startswith(f"small.yaml:{line}: {path}: read ")


@pytest.mark.parametrize(
    ("text", "line", "read"),
    [
        ("", 1, "an empty file"),
        ("# nothing\n", 1, "an empty file"),
        ("- a\n- b\n", 1, "no mapping"),
        ("text\n", 1, "no mapping"),
        ("a: 1\nb: [1,\n", 3, "expected the node content"),
        ("a: 1\nb: *nobody\n", 2, "undefined alias"),
        ("a: 1\n--- \nb: 2\n", 2, "another document"),
        ("a: 1\n\tb: 2\n", 2, "cannot start any token"),
        ('a: "\\UFFFFFFFF"\n', 1, "an escape that names no character"),
        ("a: 1\nb: \x07\n", 2, "the character 0x7"),
        ("[" * 1000, 1, "nesting without end"),
        ("a: " + "{b: " * 1000, 1, "nesting without end"),
    ],
)
def test_what_is_no_yaml_is_one_problem(text: str, line: int, read: str) -> None:
    problem = only(text)
    assert problem.line == line
    assert read in problem.read


def test_aliases_and_merges_are_followed() -> None:
    merged = changed(
        "{check: nodes-ready, name: nodes, title: Nodes, source: §2}",
        "&n {check: nodes-ready, name: nodes, title: Nodes, source: §2}\n  - {<<: *n, name: more}",
    )
    assert [(check.name, check.title) for check in built(merged).checks] == [
        ("nodes", "Nodes"),
        ("more", "Nodes"),
    ]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a: &a {b: *a}\n", "an alias to what it stands in"),
        ("a: &a [*a]\n", "an alias to what it stands in"),
        ("<<: 5\n", "something else after <<"),
        ("<<: [5]\n", "something else after <<"),
        ("a: &a\n  <<: *a\n", "an alias to what it stands in"),
        ("? [a]\n: 1\n", "a list or mapping as a key"),
        ("a: !!set {b}\n", "the tag"),
    ],
)
def test_anchors_and_keys_gone_wrong_are_named(text: str, read: str) -> None:
    assert any(read in problem.read for problem in problems(text))


def test_aliases_that_multiply_end_soon() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert only("\n".join(["a0: &a0 x", *levels])).read == "aliases that multiply"


def test_one_error_lists_all_that_is_wrong() -> None:
    text = changed("pace: 1/60", "pace: fast")
    text = changed("that: p95 < 2s", "that: p95 < 2", text)
    text = changed("platform: kubernetes", "platform: k8s", text)
    lines = "{line: x, by: [nodez]}, {line: y, by: somebody}"
    text += f"checklists: {{pre: {{title: T, source: §9, groups: {{a: [{lines}]}}}}}}\n"
    text += "monitoring: {rules: a.yaml, routes: b.yaml, source: §7}\nsystem: again\n"
    assert [(one.line, one.path) for one in problems(text)] == [
        (4, "platform"),
        (9, "environments.lab.pace"),
        (13, "objectives.login.that"),
        (14, "checklists.pre.groups.a[0].by[0]"),
        (14, "checklists.pre.groups.a[1].by"),
        (16, "system"),
    ]


def test_files_that_the_profile_names_must_be_there(tmp_path: Path) -> None:
    profile = tmp_path / "small.yaml"
    profile.write_text(SMALL + "monitoring: {rules: a.yaml, routes: b.yaml, source: §7}\n")
    with pytest.raises(InvalidProfile) as refused:
        Target.load(profile)
    assert [one.path for one in refused.value.problems] == ["monitoring.routes", "monitoring.rules"]
    (tmp_path / "a.yaml").touch()
    (tmp_path / "b.yaml").touch()
    assert Target.load(str(profile)).alert_rules == tmp_path / "a.yaml"


def test_files_that_cannot_be_read_are_said_so(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"system: a\ntitle: \xe9\n")
    (tmp_path / "large.yaml").write_bytes(b"#" * 4_000_001)
    (tmp_path / "folder.yaml").mkdir()
    for name, line, read in (
        ("latin.yaml", 2, "no text"),
        ("large.yaml", 1, "4000001 bytes"),
        ("folder.yaml", 0, "Is a directory"),
        ("nowhere.yaml", 0, "No such file"),
    ):
        with pytest.raises(InvalidProfile) as refused:
            Target.load(tmp_path / name)
        (problem,) = refused.value.problems
        assert (problem.file, problem.line) == (str(tmp_path / name), line)
        assert read in problem.read


def test_an_unknown_target_or_environment_is_met_with_the_nearest() -> None:
    with pytest.raises(UnknownName) as refused:
        Target.load("hwayoo")
    said = str(refused.value)
    assert said.startswith("no target 'hwayoo' in ")
    assert "fixtures/targets, which has " in said
    assert said.endswith(" (did you mean hwayo?)")
    with pytest.raises(
        UnknownName, match=r"no environment 'lap' in .*, which has lab \(did you mean lab\?\)$"
    ):
        built(SMALL).environment("lap")


def test_what_begins_a_known_name_is_taken_for_it() -> None:
    assert nearest("prod", ["lab", "production"]) == "production"
    assert nearest("p", ["lab", "production"]) == ""


def test_a_secret_in_a_profile_is_refused_and_not_repeated() -> None:
    problem = only(changed("embedded: true", "embedded: true, credentials: {user: hunter2hunter2}"))
    assert problem.path == "environments.lab.credentials.user"
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    ("section", "path", "expected"),
    [
        ("{weight: 25%, watch: 15m}, {weight: 5%, watch: 15m}", "release.stages[1].weight", "more than 25%"),
        ("{weight: 5%, watch: 15m}, {weight: 5%, watch: 15m}", "release.stages[1].weight", "more than 5%"),
        ("{weight: 0%, watch: 15m}", "release.stages[0]", "some traffic"),
        ("{weight: 5%, watch: 0s}", "release.stages[0]", "some time"),
        ("{weight: 500%, watch: 15m}", "release.stages[0].weight", "at most 100%"),
        ("{weight: 5, watch: 15m}", "release.stages[0].weight", "a bare number has no unit"),
    ],
)
def test_stages_go_up_and_are_watched(section: str, path: str, expected: str) -> None:
    release = (
        f"release: {{source: §5, phases: {{}}, pods_ready: 600s, stages: [{section}], settle: 10m, "
        "healthy: [{over: probe health, that: cpu < 80%, source: §5}], clean: {replicas: 1, keep: 24h, source: §5}}\n"
    )
    problem = only(SMALL + release)
    assert problem.path == path
    assert expected in problem.expected


def test_stand_in_users_are_counted_by_metrics_that_exist() -> None:
    users = "users: {look: {often: 1, counts: [latnecy]}}"
    release = (
        f"release: {{source: §5, phases: {{}}, pods_ready: 600s, stages: [], settle: 10m, {users}, "
        "healthy: [{over: probe health, that: cpu < 80%, source: §5}], clean: {replicas: 1, source: §5}}\n"
    )
    problem = only(SMALL + release)
    assert problem.path == "release.users.look.counts[0]"
    assert problem.read == "latnecy"


def test_a_budget_is_no_less_than_its_steps() -> None:
    steps = "switch: 30s, verify: 2m, health: 1m, clean_up: 1m"
    problem = only(
        SMALL
        + "rollback:\n"
        + "  triggers: [{over: probe health, that: cpu <= 95%, source: §6}]\n"
        + f"  automatic: {{{steps}, total: 4m, source: §6}}\n"
        + "  manual: {total: 10m, source: §6}\n"
        + "  anyhow: {total: 15m, source: §1}\n"
    )
    assert (problem.line, problem.path) == (16, "rollback.automatic.total")
