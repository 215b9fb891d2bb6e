"""What drills write and read in a system: its folder of journeys knows the system's own API."""

from __future__ import annotations

import secrets

from scenarios.drills.writer import Product
from scenarios.journeys.known import written_down
from scenarios.surroundings import Surroundings


def product_of(around: Surroundings) -> Product:
    """With a mark of its own, by which its records are told from all others. Raises Missing."""
    records = written_down(around.target.system, "records", "what a drill writes and reads in")
    made: Product = records(around, f"Verdigris {secrets.token_hex(6)}")
    return made
