"""What drills write and read in a system, by its name: each is a module that knows the system's own API."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from fixtures.evidence import Missing
from scenarios.drills import hwayo, nailbook_line
from scenarios.drills.writer import Product
from scenarios.surroundings import Surroundings

PRODUCTS: Mapping[str, Callable[[Surroundings, str], Product]] = {
    "hwayo": hwayo.records_of,
    "nailbook-line": nailbook_line.bookings_of,
}


def product_of(around: Surroundings) -> Product:
    """With a mark of its own, by which its records are told from all others. Raises Missing."""
    system = around.target.system
    if system not in PRODUCTS:
        raise Missing(f"nobody has written down what a drill writes and reads in {system}")
    return PRODUCTS[system](around, f"Verdigris {secrets.token_hex(6)}")
