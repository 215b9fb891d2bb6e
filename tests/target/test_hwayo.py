"""Hwayo's profile holds what its document says: every figure, every service, every line of the checklists."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from fixtures.target import Environment, Side, Target
from tests.target.document import DOCUMENT, Figure, figures, held, same

# Figures of the document that are no figures of a profile, and why.
LEFT_OUT = {
    ("5.2.1", "100"): "the weight of the route that a header chooses: all or nothing",
    ("5.2.1", "95"): "what the 5% leave",
    ("5.2.1", "80"): "the port of a Service",
    ("7.3.2", "0s"): "a route of Alertmanager's, in its own file",
}


@pytest.fixture(scope="module")
def hwayo() -> Target:
    return Target.load("hwayo")


@pytest.fixture(scope="module")
def kept(hwayo: Target) -> list[Figure]:
    """What the profile holds, and what the files next to it do: windows, waits and thresholds of §7.3."""
    texts = [(path or hwayo.beside("")).read_text() for path in (hwayo.alert_rules, hwayo.alert_routes)]
    beside = [
        Figure(section, found)
        for section, text in zip(("7.3.1", "7.3.2"), texts, strict=True)
        for found in re.findall(r"(?<![\w.])\d+(?:ms|[smh%])(?!\w)", text)
    ]
    return [*held(hwayo), *beside]


def test_every_figure_of_the_document_is_in_the_profile_with_its_section(kept: list[Figure]) -> None:
    stated = list(figures())
    assert len(stated) > 200, "the document was not read"
    missing = [
        f"line {figure.line}, §{figure.section}: {figure.text}"
        for figure in stated
        if (figure.section, figure.text) not in LEFT_OUT and not any(same(figure, one) for one in kept)
    ]
    assert not missing, "\n".join(missing)


def test_nothing_is_left_out_that_the_document_does_not_say() -> None:
    said = {(figure.section, figure.text) for figure in figures()}
    assert set(LEFT_OUT) <= said


def test_services_images_and_health_paths_are_those_of_the_document(hwayo: Target) -> None:
    document = DOCUMENT.read_text()
    rows = re.findall(r'repository: "\$\{ECR_REGISTRY\}/([\w-]+)"\n.*\n\s+health_check: "(\S+)"', document)
    assert [(service.image, service.health) for service in hwayo.services] == rows
    loop = re.search(r"for service in ([\w -]+); do", document)
    assert loop is not None
    assert [service.name for service in hwayo.services] == loop[1].split()


def test_the_checklists_are_the_documents_line_by_line(hwayo: Target) -> None:
    text = DOCUMENT.read_text()
    text = text[text.index("## 9. ") : text.index("## 10. ")]
    written = [line.removeprefix("    - [ ] ") for line in text.splitlines() if line.startswith("    - [ ] ")]
    lists = [one for one in hwayo.checklists.values() if one.source.startswith("§9")]
    assert [line.line for checklist in lists for line in checklist.lines()] == written
    groups = re.findall(r"^  (\w+):$", text, re.MULTILINE)
    assert [group for checklist in lists for group in checklist.groups] == groups


def test_every_checklist_line_says_who_proves_it_and_findings_know_their_lines(hwayo: Target) -> None:
    lines = hwayo.checklist_lines()
    ticked = {name: check.checklist for name, check in ((check.name, check) for check in hwayo.checks)}
    ticked |= {name: objective.checklist for name, objective in hwayo.objectives.items()}
    for key, line in lines.items():
        assert line.id == key
        if isinstance(line.by, tuple):
            assert all(key in ticked[name] for name in line.by)
    assert all(key in lines for keys in ticked.values() for key in keys)
    assert len(lines) == 81 + 16
    assert lines["pre.infrastructure.1"].by == ("nodes-ready",)


def test_every_check_of_the_document_before_deployment_is_one_of_the_profiles(hwayo: Target) -> None:
    text = DOCUMENT.read_text()
    text = text[text.index("### 3.2 ") : text.index("### 3.3 ")]
    titles = {check.title for check in hwayo.checks}
    # "prometheus-cli query up" is called a validation of rules, and expects up=1: both are checked, by their own names.
    assert set(re.findall(r'name: "([^"]+)"', text)) <= titles


@pytest.mark.parametrize("section", ["§8.1", "§8.2"])
def test_every_requirement_of_security_and_compliance_is_listed(hwayo: Target, section: str) -> None:
    text = DOCUMENT.read_text()
    text = text[text.index(f"### {section[1:]} ") :]
    names = re.findall(r'name: "([^"]+)"', text[: text.index("\n#", 1)])
    listed = [line.line for one in hwayo.checklists.values() if one.source == section for line in one.lines()]
    assert [line.partition(":")[0] for line in listed] == names


def test_every_metric_of_the_document_is_read(hwayo: Target) -> None:
    text = DOCUMENT.read_text()
    text = text[text.index("#### 7.2.1 ") : text.index("### 7.3 ")]
    names = re.findall(r'name: "([^"]+)"', text)
    assert [metric.title for metric in hwayo.metrics.values() if "§7.2" in metric.source] == names
    severities = re.findall(r'severity: "(\w+)"', text)
    assert [metric.severity for metric in hwayo.metrics.values() if "§7.2" in metric.source] == severities


def test_both_suites_have_checks_and_every_one_is_named_once(hwayo: Target) -> None:
    assert len(hwayo.checks_of("preflight")) > 25
    assert len(hwayo.checks_of("smoke")) > 15
    names = [check.name for check in hwayo.checks]
    assert len(names) == len(set(names))


def test_the_lab_lacks_what_it_says_and_nothing_else(hwayo: Target) -> None:
    lab = hwayo.environment("lab")
    lacking = {check.name for check in hwayo.checks if lab.lacks(check.name, check.parts)}
    assert lacking == {
        "logs-collected",
        "audit-retention",
        "copies-encrypted",
        "scan-images",
        "scan-secrets",
        "scan-code",
        "scan-dependencies",
    }
    assert lab.pace == Fraction(1, 60)
    assert lab.namespaces[Side.GREEN] == "hwayo-production-green"
    assert lab.route[Side.GREEN] == {"canary": "true"}


def test_the_facts_of_a_lab_complete_its_environment(hwayo: Target) -> None:
    lab = hwayo.environment("lab").with_facts(FACTS)
    assert (lab.entry, lab.prometheus, lab.kubeconfig) == ("https://127.9.0.10:8443", "http://p", "/k")
    assert lab.stores.database is not None
    assert lab.stores.database[Side.GREEN].value() == "postgresql://green:secret@x/y"
    assert lab.credentials["password"].value() == "secret"
    assert lab.aws is not None
    assert lab.aws.secret_key is not None
    assert lab.aws.secret_key.value() == "secret"
    assert "secret@" not in repr(lab)
    assert "'secret'" not in repr(lab)
    assert isinstance(lab, Environment)


FACTS = {
    "name": "default",
    "kubeconfig": "/k",
    "ca": "/ca",
    "entry": "https://127.9.0.10:8443",
    "prometheus": "http://p",
    "alertmanager": "http://a",
    "sink": "http://s",
    "aws": {"endpoint": "http://127.9.0.40:5000", "region": "r", "access_key": "lab", "secret_key": "secret"},
    "stores": {
        "database": {"blue": "postgresql://blue:secret@x/y", "green": "postgresql://green:secret@x/y"},
        "cache": {"blue": "redis://x/0", "green": "redis://x/1"},
    },
    "credentials": {"user": "inspector", "password": "secret"},
}
