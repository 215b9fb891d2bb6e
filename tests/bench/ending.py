"""A bench that is told to end takes with it whatever it began."""

from __future__ import annotations

import signal


def in_order() -> None:
    """End by an exception, on which its servers and labs end too: also by SIGTERM, and where it was begun with `&`."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
