"""The lab's figures: how fast it is ready, what it costs, how fast it is gone."""

from __future__ import annotations

import time

import psutil

from fixtures.lab import Lab
from tests.bench.figures import Figure, report

NAME = "bench"
IDLE_S = 20.0
GIB = 1024**3


def main() -> int:
    began = time.monotonic()
    lab = Lab.start("hwayo", NAME, progress=lambda line: print(f"  {line}", flush=True))
    ready_s = time.monotonic() - began
    try:
        processes = _family(lab.facts["pid"])
        time.sleep(5)  # what bringing it up set off dies down
        cpu_before = _cpu_s(processes)
        began = time.monotonic()
        time.sleep(IDLE_S)
        idle = (_cpu_s(processes) - cpu_before) / (time.monotonic() - began)
        memory = sum(_memory(process) for process in processes)
    finally:
        began = time.monotonic()
        lab.stop()
        down_s = time.monotonic() - began
    return report(
        [
            Figure("lab: ready", ready_s, 20, "s"),
            Figure("lab: memory of all its processes (PSS)", memory / GIB, 3, "GiB"),
            Figure("lab: idle, share of one core", idle * 100, 25, "%"),
            Figure("lab: down", down_s, 5, "s"),
            Figure("lab: processes left", sum(process.is_running() for process in processes), 0, ""),
        ]
    )


def _family(pid: int) -> list[psutil.Process]:
    supervisor = psutil.Process(pid)
    return [supervisor, *supervisor.children(recursive=True)]


def _cpu_s(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes if process.is_running())


def _memory(process: psutil.Process) -> int:
    """Proportional set size: pages shared by n processes count 1/n in each. Bytes."""
    size: int = process.memory_full_info().pss if process.is_running() else 0
    return size
