"""`python -m scenarios.load.worker FOLDER PART PARTS`: one generator process. Says on stdout, a JSON line each, what it
does; is told on stdin when to go and when to stop, and stops when nobody is left to tell it."""

from __future__ import annotations

import locust  # noqa: F401  # first: it patches what the others use  # isort: skip

import contextlib
import gc
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import gevent
from gevent.fileobject import FileObjectThread

from scenarios.load.generator import Generator, SetUpFailed
from scenarios.load.plan import Plan
from scenarios.load.pulse import Pulse
from scenarios.load.recorder import Recorder
from scenarios.load.records import Writer

FIRST = -10  # niceness


def say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main(folder: Path, part: int, parts: int) -> int:
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # the terminal's ctrl-C reaches us too; whoever started us decides
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    plan = Plan.read(json.loads((folder / "plan.json").read_text()))
    writer = Writer(folder / f"records-{part}.bin")
    recorder = Recorder(writer.write, writer.names, plan.served_header)
    try:
        generator = Generator(plan, part, parts, recorder, writer.names)
        generator.prepare()
    except SetUpFailed as failed:
        say(event="failed", why=str(failed))
        return 1
    priority = _go_first(parts)
    gc.collect()
    gc.freeze()  # what set-up made lives to the end: no need to look through it during the run
    say(event="ready", pid=os.getpid(), priority=priority)
    orders = FileObjectThread(sys.stdin.buffer, "rb")
    order = json.loads(orders.readline() or b'{"stop": true}')
    if "zero_ns" not in order:
        return 0
    pulse = Pulse(generator, recorder, order["zero_ns"])
    beat = gevent.spawn(_beat, pulse, writer)
    gevent.spawn(_obey, orders, generator)
    generator.run(order["zero_ns"])
    beat.kill()
    writer.close()
    say(event="done", written=writer.written, **pulse.last())
    return 0


def _beat(pulse: Pulse, writer: Writer) -> None:
    while True:
        gevent.sleep(1.0)
        writer.flush()
        say(event="progress", **pulse.beat())


def _obey(orders: FileObjectThread, generator: Generator) -> None:
    if not orders.readline():
        os._exit(3)  # whoever started us is gone, and nobody will read what we still find
    generator.stop()


def _go_first(parts: int) -> str:
    """Go before what else this machine does, where this user may: a generator that waits for a core measures its own
    waiting. In real time only where a core is left for the others; the kernel keeps 5% from us in any case."""
    with contextlib.suppress(PermissionError):
        if parts < len(os.sched_getaffinity(0)):
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
            return "real time"
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, FIRST)
        return "raised"
    return "as everybody"


if __name__ == "__main__":
    code = main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.flush()
    os._exit(code)  # a thread of gevent's that still reads stdin would keep the process
