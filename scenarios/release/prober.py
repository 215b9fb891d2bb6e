"""python -m scenarios.release.prober: asks the front door at a fixed rate, whatever it answers, and writes down what.

A process of its own, so that nobody else's work delays a probe. Paced by when probes are due: after a stall those that
are overdue are sent at once, and count from when they were due. SIGTERM and SIGINT end it with everything written.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import json
import os
import signal
import ssl
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from fixtures.probes.http import SERVED_BY, SERVED_SIDE, SERVED_VERSION, is_loopback, trust
from scenarios.release.probes import NOBODY, PRIVATE, Connections, Outcome, Plan, Record, Served, Writer

LOOK_S = 0.1  # how soon a stop is noticed between probes that are far apart
NICENESS = -10  # a probe costs little, and one that is late says nothing
DRAIN_S = 1.0  # how long answers are waited for after a stop
REQUEST_ID = (
    "x-request-id"  # RUN-NUMBER, to find a probe in logs by; never a UUID's 36 characters, which Envoy marks
)


class Prober:
    """Sends the probes of a plan and writes a record for every one."""

    def __init__(self, plan: Plan, out: Path, run: str, private: Mapping[str, str]) -> None:
        """`private`: headers that no record shows."""
        self._plan, self._run, self._private = plan, run, private
        self._began_ns = time.monotonic_ns()
        # One step of the wall clock is taken; from then on time only goes forward.
        self._began_us = time.time_ns() // 1000
        self._writer = Writer(out, plan, self._began_us, run)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True

    async def run(self) -> None:
        async with self._session(fresh=True) as fresh, self._session(fresh=False) as kept:
            number = 0
            while await self._wait_for(number):
                session = fresh if self._plan.is_fresh(number) else kept
                if len(self._in_flight) >= self._plan.in_flight:
                    self._keep(number, self._elapsed_us(), Outcome.DROPPED)
                else:
                    task = asyncio.create_task(self._probe(number, session))
                    self._in_flight.add(task)
                    task.add_done_callback(self._in_flight.discard)
                number += 1
            await self._drain()
        self._writer.close()

    def _session(self, fresh: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0, force_close=fresh, ssl=trust(Path(self._plan.ca) if self._plan.ca else None)
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._plan.timeout_s),
            trust_env=not is_loopback(self._plan.url),
        )

    async def _wait_for(self, number: int) -> bool:
        """Until the probe of that number is due. False when the prober was stopped."""
        due_us = self._plan.due_us(number)
        while not self._stopped:
            left_s = (due_us - self._elapsed_us()) / 1e6
            if left_s <= 0:
                # Also when overdue: the answers of those before must be heard.
                await asyncio.sleep(0)
                return True
            await asyncio.sleep(min(left_s, LOOK_S))
        return False

    async def _probe(self, number: int, session: aiohttp.ClientSession) -> None:
        sent_us = self._elapsed_us()
        status, served = 0, NOBODY
        headers = {**self._plan.headers, **self._private, REQUEST_ID: f"{self._run}-{number}"}
        try:
            async with session.get(self._plan.url, headers=headers, allow_redirects=False) as answer:
                status = answer.status
                said = (answer.headers.get(name, "") for name in (SERVED_SIDE, SERVED_VERSION, SERVED_BY))
                served = Served(*said)
                await answer.read()
            outcome = Outcome.OK if status < 400 else Outcome.STATUS
        except asyncio.CancelledError:
            outcome = Outcome.UNFINISHED
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            outcome = _outcome(error)
        self._keep(number, sent_us, outcome, status, served)

    def _keep(
        self, number: int, sent_us: int, outcome: Outcome, status: int = 0, served: Served = NOBODY
    ) -> None:
        due_us = self._plan.due_us(number)
        self._writer.write(
            Record(
                due_us=self._began_us + due_us,
                late_us=max(0, sent_us - due_us),
                latency_us=max(0, self._elapsed_us() - due_us),
                status=status,
                served=self._writer.number(served),
                outcome=outcome,
                fresh=self._plan.is_fresh(number),
            )
        )

    async def _drain(self) -> None:
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=DRAIN_S)
        for task in tuple(self._in_flight):
            task.cancel()
        await asyncio.gather(*self._in_flight)

    def _elapsed_us(self) -> int:
        return (time.monotonic_ns() - self._began_ns) // 1000


def run_id() -> str:
    return uuid.uuid4().hex[:12]


def go_first() -> None:
    """Before whoever else wants the processor, where that is allowed."""
    with contextlib.suppress(PermissionError):
        os.nice(NICENESS)


def _outcome(error: aiohttp.ClientError | TimeoutError | OSError) -> Outcome:
    """The most telling word for why no answer came."""
    match error:
        case TimeoutError():
            return Outcome.TIMEOUT
        case aiohttp.ClientConnectorDNSError():
            return Outcome.NAME
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return Outcome.TLS
        case aiohttp.ClientConnectorError() if error.os_error.errno == errno.ECONNREFUSED:
            return Outcome.REFUSED
        case aiohttp.ClientConnectorError():
            return Outcome.UNREACHABLE
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | OSError():
            return Outcome.RESET
        case _:
            return Outcome.UNREADABLE


async def _run(prober: Prober, with_parent: bool) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, prober.stop)
    if with_parent:
        loop.add_reader(sys.stdin.fileno(), _heard, prober)
    await prober.run()


def _heard(prober: Prober) -> None:
    """Stdin is a pipe that the parent holds open for as long as it lives."""
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        prober.stop()


def main(arguments: list[str] | None = None) -> int:
    """Exit codes: 0 it was stopped and everything is written, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m scenarios.release.prober", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--out", required=True, type=Path, help="record file to make, e.g. probes.bin")
    parser.add_argument("--rate", type=float, default=Plan.rate_rps, help="probes per second")
    parser.add_argument("--timeout", type=float, default=Plan.timeout_s, help="seconds")
    parser.add_argument("--in-flight", type=int, default=Plan.in_flight, help="unanswered at once, at most")
    parser.add_argument(
        "--connections", type=Connections, choices=list(Connections), default=Plan.connections
    )
    parser.add_argument("--header", action="append", default=[], help="NAME: VALUE")
    parser.add_argument("--ca", default="", help="PEM file to trust")
    parser.add_argument("--with-parent", action="store_true", help="end when stdin does")
    chosen = parser.parse_args(arguments)
    headers = {
        name.strip(): value.strip() for name, _, value in (one.partition(":") for one in chosen.header)
    }
    try:
        plan = Plan(
            chosen.url, chosen.rate, chosen.timeout, chosen.in_flight, chosen.connections, headers, chosen.ca
        )
        prober = Prober(plan, chosen.out, run_id(), json.loads(os.environ.get(PRIVATE, "{}")))
    except (ValueError, OSError) as error:
        parser.error(str(error))
    go_first()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(prober, chosen.with_parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
