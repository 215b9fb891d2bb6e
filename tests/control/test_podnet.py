"""A pod's connections leave from its address, and its names are the cluster's, whichever client dials."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import redis.asyncio
from aiohttp import ClientError, ClientSession, web
from hypothesis import given
from hypothesis import strategies as st

from fixtures.lab.control import podnet
from fixtures.lab.control.podnet import Network, PodLoop, candidates, is_address
from fixtures.lab.layout import Layout
from fixtures.lab.pki import Authority
from fixtures.lab.process import Running
from fixtures.lab.stores import Postgres, valkey
from tests.subnets import claimed

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    with claimed() as subnet:
        yield Layout(subnet, tmp_path)


@pytest.fixture
def network(layout: Layout) -> Network:
    names = {"web.shop": layout.ip(1, 7), "database.shop": layout.ip(0, 20), "cache.shop": layout.ip(0, 21)}
    layout.hosts.write_text(json.dumps(names))
    return Network(layout.pod_ip(1, 9), "shop", layout.hosts)


@pytest.fixture
def run(network: Network) -> Iterator[Run]:
    """Runs a coroutine as a pod would."""
    with asyncio.Runner(loop_factory=lambda: PodLoop(network)) as runner:
        yield runner.run


async def remote(request: web.Request) -> web.Response:
    return web.Response(text=str(request.remote))


async def serve(address: str, port: int, tls: ssl.SSLContext | None = None) -> web.AppRunner:
    app = web.Application()
    app.router.add_get("/", remote)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, address, port, ssl_context=tls).start()
    return runner


async def fetch(url: str, **options: Any) -> str:
    async with ClientSession() as http, http.get(url, **options) as answer:
        return await answer.text()


@pytest.mark.parametrize(
    "name", ["web", "web.shop", "web.shop.svc", "web.shop.svc.cluster.local", "WEB.shop."]
)
def test_a_name_resolves_as_cluster_dns_would_have_it(
    run: Run, network: Network, layout: Layout, name: str
) -> None:
    async def main() -> str:
        server = await serve(layout.ip(1, 7), 8080)
        try:
            return await fetch(f"http://{name}:8080/")
        finally:
            await server.cleanup()

    assert run(main()) == network.ip


def test_a_services_low_port_is_found_where_the_mesh_serves_it(
    run: Run, network: Network, layout: Layout
) -> None:
    async def main() -> str:
        vip = layout.ip(1, 7)
        server = await serve(vip, layout.vip_port(vip, 80))
        try:
            return await fetch("http://web/")
        finally:
            await server.cleanup()

    assert run(main()) == network.ip


def test_an_address_needs_no_name(run: Run, network: Network, layout: Layout) -> None:
    async def main() -> tuple[str, str]:
        server = await serve(layout.ip(1, 7), 8080)
        try:
            url = f"http://{layout.ip(1, 7)}:8080/"
            async with httpx.AsyncClient() as http:
                return await fetch(url), (await http.get(url)).text
        finally:
            await server.cleanup()

    assert run(main()) == (network.ip, network.ip)


def test_localhost_is_the_pod(run: Run, network: Network) -> None:
    async def main() -> str:
        server = await serve(network.ip, 8080)
        try:
            return await fetch("http://localhost:8080/")
        finally:
            await server.cleanup()

    assert run(main()) == network.ip


def test_a_certificate_is_checked_against_the_name_that_was_dialled(
    run: Run, network: Network, layout: Layout
) -> None:
    authority = Authority.create(layout.pki)
    authority.issue(["web.shop"]).write(layout.pki, "web")
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(layout.pki / "web.crt", layout.pki / "web.key")
    trusted = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))

    async def main() -> None:
        server = await serve(layout.ip(1, 7), 8443, served)
        try:
            assert await fetch("https://web.shop:8443/", ssl=trusted) == network.ip
            _, writer = await asyncio.open_connection("web.shop", 8443, ssl=trusted)
            assert writer.get_extra_info("sockname")[0] == network.ip
            writer.close()
            with pytest.raises(ClientError):
                await fetch("https://web:8443/", ssl=trusted)
        finally:
            await server.cleanup()

    run(main())


@pytest.mark.parametrize("name", ["nowhere", "web.blue", "example.com"])
def test_an_unknown_name_fails_as_dns_does_and_asks_nobody(run: Run, name: str) -> None:
    async def main() -> None:
        with pytest.raises(socket.gaierror):
            await asyncio.open_connection(name, 80)
        with pytest.raises(ClientError):
            await fetch(f"http://{name}/")
        with pytest.raises(socket.gaierror):
            await asyncio.get_running_loop().getaddrinfo(name, 80)

    run(main())


def test_names_follow_the_file(network: Network, layout: Layout) -> None:
    assert network.resolve("web") == layout.ip(1, 7)
    fresh = layout.hosts.with_suffix(".new")
    fresh.write_text(json.dumps({"web.shop": layout.ip(1, 8)}))
    fresh.replace(layout.hosts)
    assert network.resolve("web") == layout.ip(1, 8)
    layout.hosts.unlink()
    with pytest.raises(socket.gaierror):
        network.resolve("web")


def test_asyncpg_dials_from_the_pod(run: Run, network: Network, layout: Layout) -> None:
    store = Postgres(layout.database, layout.home, "secret")
    store.prepare()
    with (store.data / "pg_hba.conf").open("a") as rules:  # initdb lets in 127.0.0.1 alone
        rules.write("host all all 127.0.0.0/8 scram-sha-256\n")
    server = Running(store.part(), layout.home / "postgres.log")

    async def main() -> str:
        for _ in range(200):
            try:
                connection = await asyncpg.connect("postgresql://postgres:secret@database:5432/postgres")
            except (OSError, asyncpg.CannotConnectNowError):
                server.must_live()
                await asyncio.sleep(0.05)
                continue
            try:
                return str(await connection.fetchval("SELECT inet_client_addr()"))
            finally:
                await connection.close()
        raise AssertionError(server.tail())

    try:
        assert run(main()) == network.ip
    finally:
        server.stop()


def test_redis_dials_from_the_pod(run: Run, network: Network, layout: Layout) -> None:
    server = Running(valkey(layout, "secret"), layout.home / "valkey.log")

    async def main() -> str:
        client = redis.asyncio.Redis(host="cache.shop", port=6379, password="secret")
        try:
            for _ in range(200):
                try:
                    return str((await client.client_info())["addr"]).partition(":")[0]
                except redis.exceptions.ConnectionError:
                    server.must_live()
                    await asyncio.sleep(0.02)
            raise AssertionError(server.tail())
        finally:
            await client.aclose()

    try:
        assert run(main()) == network.ip
    finally:
        server.stop()


def test_a_connection_that_is_refused_is_an_os_error(run: Run, layout: Layout) -> None:
    async def main() -> None:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("web", 9)

    run(main())


def test_sigterm_lets_main_finish_what_it_holds() -> None:
    held = []

    async def main() -> None:
        try:
            asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            held.append("finished")

    podnet.run(main())
    assert held == ["finished"]


@given(st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True), st.sampled_from(["shop", "blue"]))
def test_every_form_of_a_services_name_leads_to_the_same_key(service: str, namespace: str) -> None:
    key = f"{service}.{namespace}"
    for suffix in ("", ".svc", ".svc.cluster.local", ".svc.cluster.local."):
        assert key in candidates(key + suffix, "elsewhere")
    assert candidates(service, namespace)[0] == key


@given(st.ip_addresses())
def test_addresses_are_known_as_such(address: Any) -> None:
    assert is_address(str(address))
