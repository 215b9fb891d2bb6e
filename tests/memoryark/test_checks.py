"""Each check of a project is silent on one as it was drawn, and names what is otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.memoryark.drawn import BACK, MIB, Drawn, seen

Break = Callable[[Drawn], object]
CHECKS = (
    "services-up", "containers-checked", "limits-kept", "restarts-kept", "networks-apart", "ports-published",
    "volumes-mounted", "settings-kept", "backup-files",
)  # fmt: skip
OPEN = {"6379/tcp": [{"HostIp": "", "HostPort": "6379"}]}
LINE, BACKEND, PROXY = "line-service", "memoryark-backend", "nginx-proxy"


@pytest.mark.parametrize("name", CHECKS)
def test_a_project_as_it_was_drawn_breaks_nothing(name: str) -> None:
    found = seen(Drawn(), name)
    assert (found.value, found.why) == (0, "")
    assert found.samples


@pytest.mark.parametrize("name", CHECKS)
def test_of_no_containers_nothing_is_known_or_everything_is_wrong(name: str) -> None:
    platform = Drawn()
    platform.containers = {}
    assert seen(platform, name).value != 0


def ended(service: str, code: int = 1, restarts: int = 0) -> Break:
    def change(platform: Drawn) -> None:
        one = platform.containers[service]
        one["State"] |= {"Running": False, "Status": "exited", "ExitCode": code}
        one["RestartCount"] = restarts
        for network in one["NetworkSettings"]["Networks"].values():
            network["IPAddress"] = ""

    return change


def host(service: str, **changes: object) -> Break:
    return lambda platform: platform.containers[service]["HostConfig"].update(changes)


def unchecked(healthcheck: object) -> Break:
    def change(platform: Drawn) -> None:
        platform.containers[PROXY]["Config"]["Healthcheck"] = healthcheck
        del platform.containers[PROXY]["State"]["Health"]

    return change


def health(status: str) -> Break:
    log = [{"Output": "503 not ready\n"}]
    return lambda platform: platform.containers[BACKEND]["State"].update(
        Health={"Status": status, "Log": log}
    )


def without_mount(service: str) -> Break:
    return lambda platform: platform.containers[service]["Mounts"].pop()


def first_mount(service: str, **changes: object) -> Break:
    return lambda platform: platform.containers[service]["Mounts"][0].update(changes)


def setting(was: str, now: str) -> Break:
    def change(platform: Drawn) -> None:
        env = platform.containers[LINE]["Config"]["Env"]
        env[env.index(was)] = now

    return change


def kept(name: str, **changes: float) -> Break:
    return lambda platform: platform.backups[name].update(changes)


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("services-up", ended("grafana", 137), "exited (exit 137)"),
        ("services-up", lambda platform: platform.containers.pop("prometheus"), "no such deployment"),
        ("services-up", health("unhealthy"), "running, unhealthy: 503 not ready"),
        ("containers-checked", unchecked(None), "has no health check"),
        ("containers-checked", unchecked({"Test": ["NONE"]}), "has no health check"),
        ("containers-checked", health("starting"), "is starting"),
        ("containers-checked", health(""), "not checked yet"),
        ("containers-checked", ended("redis"), "is not running"),  # however well it was found before
        ("containers-checked", lambda platform: platform.containers.pop("redis"), "redis: the project"),
        ("limits-kept", host(LINE, Memory=0), "its limit of memory is none, where 512MiB"),
        ("limits-kept", host(LINE, Memory=1024 * MIB), "1024 MiB"),
        ("limits-kept", host(LINE, NanoCpus=0, CpuQuota=50000, CpuPeriod=100000), "cores is 0.5"),
        ("limits-kept", host(LINE, MemoryReservation=0), "its reservation of memory is none"),
        ("restarts-kept", host(BACKEND, RestartPolicy={"Name": "no"}), "once ended, it stays so"),
        ("restarts-kept", host(BACKEND, RestartPolicy={"Name": ""}), "once ended, it stays so"),
        ("restarts-kept", host(LINE, RestartPolicy={"Name": "always"}), "never gives up"),
        ("restarts-kept", host(LINE, RestartPolicy={"Name": "on-failure", "MaximumRetryCount": 5}), "gives up after 5"),
        ("restarts-kept", ended(LINE, 137, restarts=3), "(exit 137) after 3 restarts"),
        ("networks-apart", lambda platform: platform.strangers[BACK].add("ark-debug-1"), "ark-debug-1 is in it"),
        ("networks-apart", lambda platform: platform.reach.add(("memoryark-frontend", "redis")), "is open"),
        ("ports-published", host("redis", PortBindings=OPEN), "0.0.0.0:6379"),
        ("ports-published", host(PROXY, PortBindings={}), "nobody outside reaches"),
        ("ports-published", host(BACKEND, Privileged=True), "is privileged"),
        ("volumes-mounted", without_mount(BACKEND), "nothing mounted at /backups"),
        ("volumes-mounted", first_mount(LINE, RW=False), "may not write to /uploads"),
        ("volumes-mounted", first_mount(LINE, Source="/srv/other/uploads"), "not one folder for all"),
        ("volumes-mounted", first_mount(BACKEND, Source="/srv/ark/old"), "where ./data is planned"),
        ("settings-kept", setting("LOG_LEVEL=info", "LOG_LEVEL=debug"), "is 'debug', where 'info'"),
        ("settings-kept", setting("TZ=Asia/Taipei", "OTHER=1"), "TZ of ark-line-service-1: is not set"),
        ("settings-kept", setting("LINE_CHANNEL_SECRET=b", "LINE_CHANNEL_SECRET= "), "is not set, or empty"),
        ("backup-files", kept("database", made=time.time() - 3 * 86400), "one was due at"),
        ("backup-files", kept("archive", made=time.time() - 40 * 86400), "one was due at"),
        ("backup-files", kept("uploads", size=0), "is empty"),
        ("backup-files", kept("uploads", size=-1), "there is no backup in /backups/uploads"),
        ("backup-files", kept("config", sum=1), "is not what its sum says"),
    ],
)  # fmt: skip
def test_what_is_otherwise_is_named(name: str, wrong: Break, words: str) -> None:
    platform = Drawn()
    wrong(platform)
    found = seen(platform, name)
    assert found.value, found.why
    assert words in found.why


def test_who_reaches_nobody_proves_no_wall() -> None:
    """A knock that never works would find every network shut."""
    platform = Drawn()
    platform.reach = None
    found = seen(platform, "networks-apart")
    assert found.value is None
    assert "does not even reach nginx-proxy:443" in found.why


def test_from_a_container_that_does_not_run_nobody_knocks() -> None:
    platform = Drawn()
    ended("grafana")(platform)
    found = seen(platform, "networks-apart")
    assert found.value is None
    assert "no container of grafana runs" in found.why


def test_a_secret_is_never_shown() -> None:
    platform = Drawn()
    setting("REDIS_PASSWORD=d=e", "REDIS_PASSWORD=")(platform)
    found = seen(platform, "settings-kept")
    assert found.value == 1
    assert "d=e" not in f"{found}"
