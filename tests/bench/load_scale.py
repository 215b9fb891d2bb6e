"""Ten million samples: read, judged against every promise of the document, and charted, in time and in memory.

`python -m tests.bench.load_scale FOLDER` is the part that is measured, in a process of its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from fixtures.objectives import assess
from fixtures.target import Target
from reports.baseline import page
from reports.baseline.page import Told
from scenarios.load.arrivals import constant
from scenarios.load.document import load_objectives
from scenarios.load.keeping import Occasion, kept
from scenarios.load.measure import measure
from scenarios.load.plan import Open, Plan
from scenarios.load.records import Outcome, Writer, mark
from scenarios.load.result import LoadRun
from scenarios.load.samples import LAYOUT, Samples
from tests.bench.ending import in_order
from tests.bench.figures import Figure
from tests.bench.load_stock import LOCUSTFILE

SAMPLES, FILES, RATE_RPS = 10_000_000, 4, 20_000
ENDPOINTS = {
    "POST /api/v1/auth/login": 0.04,
    "GET /api/v1/data-records": 0.82,
    "POST /api/v1/data-records": 0.12,
    "REPORT /api/v1/reports/generate": 0.02,
}


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="verdigris-bench-") as folder:
        _write(Path(folder))
        said = subprocess.run(
            [sys.executable, "-m", "tests.bench.load_scale", folder],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    found = json.loads(said)
    print(f"  {found['verdicts']} verdicts, page of {found['page_kb']:.0f} KB", flush=True)
    return [
        Figure("load: 10 million samples judged and charted", found["seconds"], 5, "s"),
        Figure("load: memory for it, at most", found["mb"], 400, "MB"),
    ]


def _write(folder: Path) -> None:
    """As four generators would have left them."""
    rng = np.random.default_rng(1)
    each = SAMPLES // FILES
    for part in range(FILES):
        writer = Writer(folder / f"records-{part}.bin")
        for name in ENDPOINTS:
            writer.names.endpoint(name, step=name.startswith("REPORT"))
        side = writer.names.asked_side("green"), writer.names.served_side("green")
        writer.close()
        rows = np.zeros(each, LAYOUT)
        rows["due_ns"] = (np.arange(each) * FILES + part) * (1_000_000_000 // RATE_RPS)
        rows["endpoint"] = rng.choice(len(ENDPOINTS), each, p=list(ENDPOINTS.values()))
        rows["latency_us"] = rng.lognormal(9.5, 0.4, each)
        rows["mark"] = np.where(
            rng.random(each) < 0.0005, mark(Outcome.ERROR, *side), mark(Outcome.OK, *side)
        )
        rows.tofile(folder / f"records-{part}.bin")


def measured(folder: Path) -> dict[str, float]:
    target = Target.load("hwayo")
    began = time.monotonic()
    samples = Samples.read(sorted(folder.glob("records-*.bin")))
    plan = Plan("http://nobody", Open(constant(RATE_RPS, SAMPLES / RATE_RPS)), LOCUSTFILE)
    run = LoadRun(plan, samples, SAMPLES / RATE_RPS, 0.0)
    verdicts = [assess(one, measure(run, one)) for one in load_objectives(target)]
    occasion = Occasion(target, target.environment("lab"), verdict="PASS", id="bench")
    path = page.write(Told(kept(run, occasion)), folder / "page.html")
    seconds = time.monotonic() - began
    mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {"seconds": seconds, "mb": mb, "verdicts": len(verdicts), "page_kb": path.stat().st_size / 1000}


if __name__ == "__main__":
    in_order()
    print(json.dumps(measured(Path(sys.argv[1]))))
