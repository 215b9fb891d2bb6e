"""Every kind of fault, and the page that docs show of them: python -m scenarios.faults.catalogue."""

from __future__ import annotations

import sys

from fixtures.target.faults import FaultOrder
from scenarios.faults.registry import Declared, kinds, made, name_of

__all__ = ["kinds", "made", "name_of", "page"]

HEAD = """# The faults

Made from what each fault declares of itself: `python -m scenarios.faults.catalogue > docs/faults-catalogue.md`.
Each is put into one service on the side that is being proven; [faults.md](faults.md) says how they are kept safe.
"""


def page() -> str:
    sections = [_section(kind, declared) for kind, declared in kinds().items()]
    return "\n".join([HEAD, *sorted(sections)])


def _section(kind: type[FaultOrder], declared: Declared) -> str:
    told = {name: field for name, field in kind.model_fields.items() if name != "fault"}
    rows = {
        "says": ", ".join(f"`{field.alias or name}`" for name, field in told.items()),
        "touches": declared.touches,
        "seen by": declared.seen_by,
        "healed by": declared.heals,
        "needs": declared.needs or "nothing else",
        "abilities": ", ".join(f"`{ability.__name__}`" for ability in declared.uses),
    }
    about = " ".join((kind.__doc__ or "").split())
    table = "\n".join(f"| {name} | {text} |" for name, text in rows.items())
    return f"## {name_of(kind)}\n\n{about}\n\n| | |\n| --- | --- |\n{table}\n"


if __name__ == "__main__":
    sys.stdout.write(page())
