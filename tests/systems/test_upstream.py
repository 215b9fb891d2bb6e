"""The gateway's own client: an answer is the request's it belongs to, whatever becomes of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from fixtures.lab.systems.hwayo.services.upstream import CONNECTIONS, Lost, Upstream
from tests.loops import run

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
Answer = Callable[[int, bytes], Awaitable[bytes | None]]


class Server:
    """Takes requests one by one and answers each by its number and its bytes; None hangs up."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests.append(head)
                said = await self.answer(len(self.requests), head)
                if said is None:
                    break
                writer.write(said)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def tried(answer: Answer, use: Callable[[Upstream], Awaitable[None]]) -> Server:
    """Have `use` ask a server that answers so, and not for ever."""
    server = Server(answer)

    async def whole() -> None:
        async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening, asyncio.timeout(60):
            port = listening.sockets[0].getsockname()[1]
            upstream = Upstream(f"http://127.0.0.1:{port}")
            await use(upstream)
            upstream.close()

    run(whole())
    return server


async def get(upstream: Upstream, method: str = "GET") -> bytes:
    return (await upstream.ask(method, "/", {"x-request-id": "1"}, None)).body


def always(said: bytes) -> Answer:
    async def answer(_number: int, _head: bytes) -> bytes:
        return said

    return answer


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (OK + b"hello", b"hello"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", b"hello"),
    ],
    ids=["of a length", "in pieces", "without a body", "after a while"],
)
def test_a_connection_is_used_again(said: bytes, body: bytes) -> None:
    async def thrice(upstream: Upstream) -> None:
        for _ in range(3):
            assert await get(upstream) == body

    assert tried(always(said), thrice).connections == 1


def test_the_answer_to_head_has_a_length_and_no_body() -> None:
    async def twice(upstream: Upstream) -> None:
        for _ in range(2):
            reply = await upstream.ask("HEAD", "/", {}, None)
            assert (reply.headers, reply.body) == ([("content-length", "5")], b"")

    assert tried(always(OK), twice).connections == 1


def test_a_request_is_written_as_it_was_told() -> None:
    async def post(upstream: Upstream) -> None:
        await upstream.ask("POST", "/a%20b?c", {"accept": "é"}, None)

    head = tried(always(OK + b"hello"), post).requests[0]
    assert head.startswith(b"POST /a%20b?c HTTP/1.1\r\nhost: 127.0.0.1:")
    assert head.endswith("\r\naccept: é\r\ncontent-length: 0\r\n\r\n".encode())


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello",
        OK + b"hello" + OK + b"other",
    ],
    ids=["says so", "says more than it was asked"],
)
def test_a_connection_that_is_at_its_end_is_not_used_again(said: bytes) -> None:
    async def twice(upstream: Upstream) -> None:
        for _ in range(2):
            assert await get(upstream) == b"hello"
            await asyncio.sleep(0.05)

    assert tried(always(said), twice).connections == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_is_hung_up_on_asks_again_unless_it_may_have_been_done(method: str) -> None:
    async def answer(number: int, _head: bytes) -> bytes | None:
        return None if number == 2 else OK + b"hello"

    async def twice(upstream: Upstream) -> None:
        assert await get(upstream) == b"hello"
        if method == "POST":
            with pytest.raises(Lost):
                await get(upstream, method)
        else:
            assert await get(upstream, method) == b"hello"

    assert len(tried(answer, twice).requests) == (2 if method == "POST" else 3)


def test_a_new_connection_that_is_hung_up_on_is_no_answer() -> None:
    async def answer(_number: int, _head: bytes) -> None:
        return None

    async def once(upstream: Upstream) -> None:
        with pytest.raises(Lost):
            await get(upstream)

    assert len(tried(answer, once).requests) == 1


def test_an_answer_that_nobody_waits_for_any_more_is_not_anothers() -> None:
    async def answer(number: int, _head: bytes) -> bytes:
        await asyncio.sleep(0.2 if number == 1 else 0)
        return OK + (b"first" if number == 1 else b"later")

    async def impatient(upstream: Upstream) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await get(upstream)
        assert await get(upstream) == b"later"

    assert tried(answer, impatient).connections == 2


def test_there_are_no_more_connections_than_may_be() -> None:
    async def answer(_number: int, _head: bytes) -> bytes:
        await asyncio.sleep(0.01)
        return OK + b"hello"

    async def many(upstream: Upstream) -> None:
        assert set(await asyncio.gather(*(get(upstream) for _ in range(3 * CONNECTIONS)))) == {b"hello"}

    server = tried(answer, many)
    assert (server.connections, len(server.requests)) == (CONNECTIONS, 3 * CONNECTIONS)
