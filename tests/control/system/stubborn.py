"""Does not end when it is told to."""

from __future__ import annotations

import signal
import threading


def main() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Event().wait()
