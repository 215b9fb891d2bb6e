"""The figures of load and baselines: what generators cost, whether they tell the truth, what comparisons notice."""

from __future__ import annotations

from tests.bench import load_generator, load_lab, load_scale, load_sides, load_stall
from tests.bench.figures import report


def main() -> int:
    """0 when every figure is met. Takes about six minutes, most of them waiting for runs at a fixed rate."""
    parts = (load_scale, load_generator, load_stall, load_sides, load_lab)
    codes = [report(part.figures()) for part in parts]
    return max(codes)
