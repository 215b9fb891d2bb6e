"""The lab's Argo CD on an API server: it delivers what a commit holds, and notices what is otherwise."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from fixtures.clock import wait_until
from fixtures.lab import argocd, custom
from fixtures.lab.api import Api
from fixtures.lab.argocd import repository
from fixtures.lab.argocd.controller import Controller
from fixtures.lab.argocd.repository import Revision
from fixtures.lab.layout import Layout
from fixtures.platforms.abilities import Delivery
from fixtures.platforms.kubernetes import Kubernetes
from tests.cluster import servers
from tests.subnets import claimed

pytestmark = pytest.mark.timeout(120)
WITHIN_S = 30.0
NAMESPACE = "shop"
APPLICATIONS = f"/apis/{argocd.GROUP}/{argocd.VERSION}/namespaces/argocd/{argocd.PLURAL}"


def configured(name: str, **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


FIRST = Revision("one", {NAMESPACE: [configured("prices", nails="10"), configured("hours", opens="9")]})


@dataclass
class Shop:
    """An Application, and what Argo CD says of it."""

    layout: Layout
    http: httpx.Client
    platform: Kubernetes

    def says(self, synced: str, **also: object) -> Delivery:
        """Wait until it does."""

        def so() -> bool:
            found = self.platform.delivery("argocd", NAMESPACE)
            return found.synced == synced and all(
                getattr(found, name) == value for name, value in also.items()
            )

        wait_until(so, WITHIN_S)
        return self.platform.delivery("argocd", NAMESPACE)

    def patch(self, path: str, change: dict[str, Any]) -> None:
        headers = {"content-type": "application/merge-patch+json"}
        self.http.patch(path, json=change, headers=headers).raise_for_status()

    def synchronize(self) -> None:
        self.patch(f"{APPLICATIONS}/{NAMESPACE}", {"operation": {"sync": {}}})

    def config(self, name: str) -> str:
        return f"/api/v1/namespaces/{NAMESPACE}/configmaps/{name}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with ExitStack() as stack:
        layout = servers.new_home(tmp_path_factory.mktemp("lab"), stack.enter_context(claimed()))
        repository.create(layout, [FIRST])
        server = stack.enter_context(servers.running(layout, [servers.own_part(layout)]))
        http = stack.enter_context(server.client())
        for definition in (*argocd.definitions(), *custom.istio()):
            http.post(
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=definition
            ).raise_for_status()
        for name in ("argocd", NAMESPACE):
            http.post("/api/v1/namespaces", json={"metadata": {"name": name}}).raise_for_status()
        made = argocd.application(layout, "argocd", NAMESPACE, NAMESPACE)
        wait_until(lambda: http.post(APPLICATIONS, json=made).status_code == 201, WITHIN_S)
        with Comparing(layout):
            platform = Kubernetes(layout.kubeconfig)
            yield Shop(layout, http, platform)
            platform.close()


class Comparing:
    """The controller, in a thread of its own."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    async def _run(self) -> None:
        self._over = asyncio.Event()
        async with Api.from_kubeconfig(self._layout.kubeconfig) as api:
            task = asyncio.create_task(Controller(api).run())
            await self._over.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(WITHIN_S)


def test_what_a_commit_holds_is_brought_out_and_noted(shop: Shop) -> None:
    head = repository.head(shop.layout)
    found = shop.says("Synced", delivered=head)
    assert (found.compared, found.health, found.problems) == (head, "Healthy", ())
    assert [one.name for one in found.resources] == ["ConfigMap hours", "ConfigMap prices"]
    assert shop.http.get(shop.config("prices")).json()["data"] == {"nails": "10"}


def test_a_change_by_hand_is_drift_until_it_is_undone(shop: Shop) -> None:
    shop.says("Synced")
    shop.patch(shop.config("prices"), {"data": {"nails": "12"}})
    found = shop.says("OutOfSync")
    assert [one.name for one in found.resources if not one.synced] == ["ConfigMap prices"]
    shop.patch(shop.config("prices"), {"data": {"nails": "10"}})
    shop.says("Synced")


def test_what_is_gone_is_missing_until_it_is_brought_out_again(shop: Shop) -> None:
    shop.says("Synced")
    shop.http.delete(shop.config("hours")).raise_for_status()
    found = shop.says("OutOfSync", health="Missing")
    assert [(one.name, one.health) for one in found.resources if not one.synced] == [
        ("ConfigMap hours", "Missing")
    ]
    shop.synchronize()
    shop.says("Synced", health="Healthy")


def test_another_commit_is_compared_at_once_and_brought_out_when_asked(shop: Shop) -> None:
    before = shop.says("Synced")
    now = repository.commit(
        shop.layout.repository, Revision("two", {NAMESPACE: [configured("prices", nails="11")]})
    )
    found = shop.says("OutOfSync", compared=now)
    assert found.delivered == before.delivered
    shop.synchronize()
    found = shop.says(
        "Synced", delivered=now
    )  # what the commit no longer has, and bears no label, is nobody's
    assert [one.name for one in found.resources] == ["ConfigMap prices"]
    assert shop.http.get(shop.config("prices")).json()["data"] == {"nails": "11"}


def test_a_branch_that_nobody_made_leaves_everything_unknown(shop: Shop) -> None:
    path = f"{APPLICATIONS}/{NAMESPACE}"
    shop.patch(path, {"spec": {"source": {"targetRevision": "release/none"}}})
    found = shop.says("Unknown", health="Unknown")
    assert found.compared == ""
    assert "no such revision" in " ".join(found.problems)
    shop.patch(path, {"spec": {"source": {"targetRevision": argocd.BRANCH}}})
    shop.says("Synced")


def test_one_that_synchronizes_by_itself_brings_out_whatever_it_is_to_follow(shop: Shop) -> None:
    """And does so once: what is changed by hand then is drift, as without `selfHeal`."""
    path = f"{APPLICATIONS}/{NAMESPACE}"
    prices = repository.commit(
        shop.layout.repository,
        Revision("three", {NAMESPACE: [configured("prices", nails="30")]}, tag="thirty"),
    )
    repository.commit(
        shop.layout.repository, Revision("four", {NAMESPACE: [configured("prices", nails="40")]}, tag="forty")
    )
    automated: dict[str, Any] = {"syncPolicy": {"automated": {}}}

    def costs(price: str) -> bool:
        return bool(shop.http.get(shop.config("prices")).json()["data"] == {"nails": price})

    for tag, price in (("thirty", "30"), ("forty", "40"), ("thirty", "30")):
        shop.patch(path, {"spec": {**automated, "source": {"targetRevision": tag}}})
        wait_until(partial(costs, price), WITHIN_S)
    shop.says("Synced", compared=prices)
    shop.patch(shop.config("prices"), {"data": {"nails": "12"}})
    shop.says("OutOfSync")
    assert costs("12")
    shop.patch(path, {"spec": {"syncPolicy": None, "source": {"targetRevision": argocd.BRANCH}}})
