"""python -m scenarios.faults.onlooker: all who ask during a stage, in one process, which takes a while to come.

A line of JSON on stdin has somebody begin (a prober's plan, the record to make, headers that it shows nobody) or end.
Each is answered with a line of JSON: what is wrong, empty where it was done. All of them end with stdin.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from scenarios.release.prober import Prober, go_first, run_id
from scenarios.release.probes import Connections, Plan

LONGEST_LINE = 1 << 20


class Crew:
    """Who asks now, by the record that each makes."""

    def __init__(self) -> None:
        self._asking: dict[str, tuple[Prober, asyncio.Task[None]]] = {}

    async def obey(self, told: dict[str, Any]) -> None:
        """Raises OSError, ValueError, and whatever a prober ended of."""
        if "end" in told:
            await self.end(told["end"])
            return
        plan = Plan(**{**told["plan"], "connections": Connections(told["plan"]["connections"])})
        prober = Prober(plan, Path(told["begin"]), run_id(), told["private"])
        self._asking[told["begin"]] = prober, asyncio.create_task(prober.run())

    async def end(self, out: str) -> None:
        """Once everything that it saw is written."""
        prober, running = self._asking.pop(out)
        prober.stop()
        await running

    async def end_all(self) -> None:
        for out in tuple(self._asking):
            await self.end(out)


async def _serve() -> None:
    reader = asyncio.StreamReader(LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    crew = Crew()
    while line := await reader.readline():
        wrong = ""
        try:
            await crew.obey(json.loads(line))
        except Exception as error:  # noqa: BLE001 - whoever asked for it is told, and everybody else goes on
            wrong = f"{type(error).__name__}: {error}"
        print(json.dumps(wrong), flush=True)
    await crew.end_all()


def main() -> int:
    go_first()
    asyncio.run(_serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
