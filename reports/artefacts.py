"""A run's folder: `reports/runs/ID/` with verdict.json, summary.md, and what pytest writes beside them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from reports import record, summary
from reports.run import Run

RUNS = Path("reports") / "runs"  # below the repository's root
VERDICT, SUMMARY, PAGE, JUNIT = "verdict.json", "summary.md", "report.html", "junit.xml"


def write(run: Run, folder: Path) -> None:
    """Write what is ours of the run's artefacts; each appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    _whole(folder / VERDICT, record.written(record.record(run)))
    text = summary.summary(run)
    _whole(folder / SUMMARY, text)
    summary.append_to_job(text)


def point_latest(folder: Path) -> None:
    """Have `latest`, beside the run's folder, lead to it: a link, or a file with its name where there are no links."""
    latest, fresh = folder.parent / "latest", folder.parent / f".latest-{os.getpid()}"
    fresh.unlink(missing_ok=True)
    try:
        fresh.symlink_to(folder.name, target_is_directory=True)
    except OSError:
        fresh.write_text(folder.name + "\n", encoding="utf-8")
    if latest.is_dir() and not latest.is_symlink():
        fresh.unlink()
        return
    fresh.replace(latest)


def copy(source: Path, asked: str) -> None:
    """Put an artefact where its reader asked for it, too."""
    destination = Path(os.path.expandvars(asked)).expanduser()
    if source.is_file() and destination.resolve() != source.resolve():
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, destination)


def _whole(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
