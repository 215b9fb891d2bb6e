"""Subnets for tests: 200 to 250, each held by one test at a time, also among runs side by side."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil

FIRST, LAST = 200, 250
_for_life = ExitStack()


@contextmanager
def claimed() -> Iterator[int]:
    """A subnet in which nobody listens, locked as the supervisor locks a lab's."""
    listening = {
        c.laddr.ip for c in psutil.net_connections("tcp4") if c.status == psutil.CONN_LISTEN and c.laddr
    }
    taken = {int(ip.split(".")[1]) for ip in listening if ip.startswith("127.")}
    free = [subnet for subnet in range(FIRST, LAST + 1) if subnet not in taken]
    for subnet in random.sample(free, len(free)):
        with socket.socket(socket.AF_UNIX) as lock:
            try:
                lock.bind(f"\0verdigris-lab-{subnet}")
            except OSError:
                continue
            yield subnet
            return
    raise RuntimeError(f"every subnet from 127.{FIRST}.0.0 to 127.{LAST}.0.0 is in use")


def kept() -> int:
    """A subnet that is this process's to its end, for servers that outlive a test."""
    return _for_life.enter_context(claimed())
