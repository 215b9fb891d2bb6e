"""The other three profiles hold what their documents say: every figure with its section, every service, every line of
the checklists; and what they add is said to be added."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from fixtures.target import Target
from fixtures.target.base import Model
from tests.target.document import DOCUMENTS, Figure, figures, held, lines, of_rules, same


@dataclass(frozen=True)
class Case:
    """A profile, how many figures its document has at least, and how much of the rest."""

    system: str
    figures: int
    checklist_lines: int
    rules_from: str  # the section that the alert rules are from
    services: tuple[str, ...]
    not_one: tuple[str, ...] = ()  # what the document lists beside services, and the profile keeps as a store


CASES = (
    Case("nailbook-line", 50, 19, "Alert Rules", ("api",)),
    Case(
        "memoryark-line",
        30,
        39,
        "監控指標",
        ("nginx-proxy", "memoryark-backend", "memoryark-frontend", "line-service", "prometheus", "grafana"),
        ("redis",),
    ),
    Case(
        "machine-native-ops",
        35,
        0,
        "5.2",
        ("memory-service", "configuration-service", "reporting-service", "supply-chain-service"),
    ),
)
# Figures of a document that are no figures of a profile, and why.
LEFT_OUT = {("nailbook-line", "Incident Response", "0m"): "when an incident begins"}
each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.system)


def stated(case: Case) -> list[Figure]:
    return list(figures(DOCUMENTS / f"{case.system}.md"))


def cited(value: object) -> set[str]:
    """Every section that a profile names."""
    if isinstance(value, Model):
        parts = str(getattr(value, "source", None) or "")
        own = {part.removeprefix("§") for part in parts.split(", ") if part.startswith("§")}
        return own.union(*(cited(getattr(value, field)) for field in type(value).model_fields))
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return set[str]().union(*map(cited, items))


@each
def test_every_figure_of_the_document_is_in_the_profile_with_its_section(case: Case) -> None:
    target, said = Target.load(case.system), stated(case)
    assert len(said) >= case.figures, "the document was not read"
    assert target.alert_rules is not None
    kept = [*held(target), *of_rules(case.rules_from, target.alert_rules)]
    missing = [
        f"line {figure.line}, §{figure.section}: {figure.text}"
        for figure in said
        if (case.system, figure.section, figure.text) not in LEFT_OUT
        and not any(same(figure, one) for one in kept)
    ]
    assert not missing, "\n".join(missing)


@each
def test_every_objective_is_a_figure_of_the_document(case: Case) -> None:
    said = stated(case)
    for objective in Target.load(case.system).objectives.values():
        if not objective.that.limit.amount:
            continue  # that nothing at all goes wrong is no figure
        own = list(held(objective))
        assert any(same(figure, one) for figure in said for one in own), objective.name


def test_nothing_is_left_out_that_the_document_does_not_say() -> None:
    said = {(case.system, figure.section, figure.text) for case in CASES for figure in stated(case)}
    assert set(LEFT_OUT) <= said


@each
def test_every_section_that_is_named_is_one_of_the_document_and_the_only_one_so_called(case: Case) -> None:
    document = DOCUMENTS / f"{case.system}.md"
    headings = [sections[-1] for _, line, sections in lines(document) if re.match(r"#{2,4} ", line)]
    named = cited(Target.load(case.system))
    assert len(named) > 10
    wrong = {section: headings.count(section) for section in named if headings.count(section) != 1}
    assert not wrong


@each
def test_services_are_those_of_the_document(case: Case) -> None:
    target = Target.load(case.system)
    assert tuple(service.name for service in target.services) == case.services
    text = (DOCUMENTS / f"{case.system}.md").read_text()
    for service in target.services:
        assert service.name in text or (service.title and service.title in text), service.name
    assert target.infrastructure is not None
    assert set(case.not_one) <= set(target.infrastructure.stores)


def test_the_containers_of_a_compose_project_are_all_there() -> None:
    text = (DOCUMENTS / "memoryark-line.md").read_text()
    tree = text[text.index("生產環境 (Podman/Docker)") : text.index("### 網路與存儲配置")]
    containers = re.findall(r"[├└]── ([\w-]+) +#", tree)
    case = CASES[1]
    assert sorted(containers) == sorted((*case.services, *case.not_one))


@each
def test_the_checklists_are_the_documents_line_by_line(case: Case) -> None:
    text = (DOCUMENTS / f"{case.system}.md").read_text()
    written = re.findall(r"^- \[[ x]\] (.+?)\s*$", text, re.MULTILINE)
    target = Target.load(case.system)
    assert [line.line for line in target.checklist_lines().values()] == written
    assert len(written) == case.checklist_lines


@each
def test_nothing_names_an_alert_that_the_rules_do_not_have_and_every_threshold_has_a_metric(
    case: Case,
) -> None:
    target = Target.load(case.system)
    assert target.alert_rules is not None
    alerts = re.findall(r"- alert: (\w+)", target.alert_rules.read_text())
    assert len(alerts) == len(set(alerts))
    judged = [metric for metric in target.metrics.values() if metric.severity != "info"]
    assert len(judged) >= len(alerts) - 1, "an alert whose figure no metric has"  # ServiceDown is a check's


def test_the_steps_of_pipelines_and_recoveries_are_the_documents() -> None:
    ops = Target.load("machine-native-ops")
    text = (DOCUMENTS / "machine-native-ops.md").read_text()
    assert ops.pipeline is not None
    steps = {"ci": "CI Pipeline:", "cd": "CD Pipeline:", "recovery": "Recovery Steps:"}
    kept = {**ops.pipeline.steps, "recovery": tuple(step.title for step in ops.drills["disaster"].steps)}
    for name, begins in steps.items():
        block = text[text.index(begins) :]
        written = re.findall(r"^\s+\d+\. (.+?)\s*$", block[: block.index("```")], re.MULTILINE)
        assert list(kept[name]) == written, name
    ark = Target.load("memoryark-line")
    block = (DOCUMENTS / "memoryark-line.md").read_text()
    block = block[block.index("### 恢復程序") : block.index("### RTO/RPO")]
    titles = re.findall(r"^\d\. \*\*.+\*\*：(.+?)\s*$", block, re.MULTILINE)
    assert [step.title for step in ark.drills["disaster"].steps] == titles
