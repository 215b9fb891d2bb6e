"""Starts an API server for tests: the lab's own, or the real one where KUBEBUILDER_ASSETS names its folder."""

from __future__ import annotations

import contextlib
import json
import ssl
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from fixtures.clock import wait_until
from fixtures.lab import access, kubebuilder
from fixtures.lab.layout import Layout
from fixtures.lab.process import Part, Running
from tests.subnets import kept

READY_S = 30.0


@dataclass(frozen=True)
class ApiServer:
    """An API server, and how to enter it as a member of system:masters."""

    url: str
    token: str
    ca: Path
    kubeconfig: Path
    layout: Layout

    def client(self, token: str | None = None) -> httpx.Client:
        """With the administrator's token, another one, or none (empty)."""
        token = self.token if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        trust = ssl.create_default_context(cafile=str(self.ca))
        return httpx.Client(base_url=self.url, verify=trust, headers=headers, timeout=30, trust_env=False)


def own_part(layout: Layout) -> Part:
    return Part("cluster", [sys.executable, "-m", "fixtures.lab.cluster", "--home", str(layout.home)])


def wanted_parts(layout: Layout) -> list[Part]:
    """etcd and kube-apiserver where KUBEBUILDER_ASSETS is set, else the lab's own server."""
    assets = kubebuilder.wanted()
    return kubebuilder.parts(layout, assets) if assets else [own_part(layout)]


def new_home(folder: Path, subnet: int | None = None) -> Layout:
    """A lab's home with certificates and tokens, on that subnet, or one that the tests of this process keep."""
    layout = Layout(subnet or kept(), folder)
    folder.mkdir(parents=True, exist_ok=True)
    layout.logs.mkdir(exist_ok=True)
    (folder / "layout.json").write_text(json.dumps({"subnet": layout.subnet, "system": "hwayo"}))
    access.issue(layout, nodes=2)
    return layout


def described(layout: Layout) -> ApiServer:
    token = next(line.split(",")[0] for line in layout.tokens.read_text().splitlines() if ",admin," in line)
    return ApiServer(f"https://{layout.api}", token, layout.pki / "ca.crt", layout.kubeconfig, layout)


@contextlib.contextmanager
def running(layout: Layout, parts: Sequence[Part]) -> Iterator[ApiServer]:
    """A ready API server on the layout's address; it is gone afterwards."""
    server = described(layout)
    with contextlib.ExitStack() as stack:
        started = []
        for part in parts:
            started.append(Running(part, layout.logs / f"{part.name}.log"))
            stack.callback(started[-1].stop)
        client = stack.enter_context(server.client())

        def ready() -> bool:
            for one in started:
                one.must_live()
            with contextlib.suppress(httpx.TransportError):
                return client.get("/readyz").status_code == 200
            return False

        wait_until(ready, READY_S)
        yield server
