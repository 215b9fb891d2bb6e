"""Does its work, says so, and ends as its environment asks."""

from __future__ import annotations

import asyncio
import os
import sys


async def main() -> None:
    print(f"working on {sys.argv[1:]}")
    await asyncio.sleep(float(os.environ.get("SECONDS", "0")))
    sys.exit(int(os.environ.get("EXIT", "0")))
