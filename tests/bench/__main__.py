"""python -m tests.bench [NAME ...]: measures the figures that the project promises, and says where it falls short."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import tests.bench
from tests.bench.ending import in_order


def main(wanted: list[str]) -> int:
    """0 when every figure is met, 1 when one is not, 2 for an unknown name."""
    known = sorted(
        module.name for module in pkgutil.iter_modules(tests.bench.__path__) if module.name[0] != "_"
    )
    if unknown := [name for name in wanted if name not in known]:
        print(f"no such benchmark: {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    codes = []
    for name in wanted or known:
        module = importlib.import_module(f"tests.bench.{name}")
        if hasattr(module, "main"):
            print(f"== {name}", flush=True)
            codes.append(module.main())
    return max(codes, default=1)


if __name__ == "__main__":
    in_order()
    sys.exit(main(sys.argv[1:]))
