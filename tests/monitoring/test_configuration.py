"""What is written for Prometheus and Alertmanager is what they accept, and leads nowhere outside the lab."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from fixtures.lab.layout import Layout
from fixtures.lab.monitoring import alertmanager, prometheus
from fixtures.lab.monitoring.watched import Watched
from fixtures.lab.tools import find

REPOSITORY = Path(__file__).parents[2]
WITH_A_LAB = [found.parent.name for found in (REPOSITORY / "fixtures/lab/systems").glob("*/__init__.py")]


def accepted(program: str, *arguments: str | Path) -> str:
    path = find(program)
    assert path, f"{program} is missing: run `make setup`"
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def with_routes(watched: Watched, tmp_path: Path, receiver: str) -> Watched:
    path = tmp_path / "routes.yaml"
    path.write_text(f"route: {{receiver: r}}\nreceivers: [{{name: r, {receiver}}}]\n")
    return replace(watched, routes=path)


def test_promtool_accepts_the_configuration_and_the_paced_rules(layout: Layout, watched: Watched) -> None:
    layout.pki.mkdir()
    for name in ("prometheus.token", "ca.crt"):
        (layout.pki / name).touch()  # promtool wants to see the files
    said = accepted("promtool", "check", "config", prometheus.write(layout, watched))
    assert "3 rules found" in said


def test_the_labs_rules_say_that_they_are_paced(watched: Watched) -> None:
    text = prometheus.paced_rules(watched)
    assert text.startswith("# The lab's copy of alerts.yaml")
    assert "1/60" in text.split("groups:")[0]
    first, second = yaml.safe_load(text)["groups"][0]["rules"]
    assert (first["for"], second["for"]) == ("2s", "2s")  # 1 m and 2 m: at least two looks
    assert '"5..", path!="[5m]"}[5s]' in second["expr"]


def test_amtool_accepts_the_lab_s_routes(layout: Layout, watched: Watched) -> None:
    assert "SUCCESS" in accepted("amtool", "check-config", alertmanager.write(layout, watched))


def test_the_labs_routes_keep_their_shape_and_lead_to_the_sink(layout: Layout, watched: Watched) -> None:
    text = alertmanager.rendered(layout, watched)
    addresses = set(re.findall(r"(?:https?://)?([\w.-]+:\d+)", text.split("\n", 2)[2]))
    assert addresses == {layout.sink, layout.sink_smtp}
    assert "secret" not in text
    rendered = yaml.safe_load(text)
    assert [receiver["name"] for receiver in rendered["receivers"]] == ["default", "critical"]
    critical = rendered["route"]["routes"][0]
    assert (critical["group_wait"], critical["repeat_interval"]) == ("0s", "5s")
    assert (rendered["route"]["group_wait"], rendered["route"]["repeat_interval"]) == ("2s", "1m")
    assert (
        rendered["receivers"][0]["webhook_configs"][0]["url"] == f"http://{layout.sink}/webhook/alerts/shop"
    )


def test_a_system_without_a_profile_is_scraped_and_has_no_rules(layout: Layout) -> None:
    prometheus.write_config(layout, "nothing-like-it")
    alertmanager.write_config(layout, "nothing-like-it")
    accepted("amtool", "check-config", layout.home / "alertmanager/alertmanager.yml")
    written = yaml.safe_load((layout.home / "prometheus/prometheus.yml").read_text())
    assert written["rule_files"] == []
    assert {job["job_name"] for job in written["scrape_configs"]} >= {"pods", "cadvisor", "postgresql"}


@pytest.mark.parametrize(
    ("receiver", "named"),
    [
        ("opsgenie_configs: [{api_key: k}]", "opsgenie_configs"),
        ("webhook_configs: [{url: '${OTHER_URL}'}]", "OTHER_URL"),
    ],
)
def test_a_way_out_that_the_lab_cannot_stand_in_for_is_refused(
    layout: Layout, watched: Watched, tmp_path: Path, receiver: str, named: str
) -> None:
    with pytest.raises(alertmanager.UnknownDoor, match=named):
        alertmanager.rendered(layout, with_routes(watched, tmp_path, receiver))


@pytest.mark.parametrize("system", WITH_A_LAB)
def test_the_files_of_every_target_that_has_a_lab_are_accepted_at_the_labs_pace(
    layout: Layout, system: str
) -> None:
    layout.pki.mkdir()
    for name in ("prometheus.token", "ca.crt"):
        (layout.pki / name).touch()
    accepted("promtool", "check", "config", prometheus.write_config(layout, system))
    accepted("amtool", "check-config", alertmanager.write_config(layout, system))
