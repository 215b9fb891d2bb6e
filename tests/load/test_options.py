"""The command line's words about load: read as they are written, refused with what was expected."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from fixtures.load_options import LoadOptions, load_options, pytest_addoption

PLUGIN = [
    "-p",
    "fixtures.load_options",
    "--noconftest",
    "-p",
    "no:cacheprovider",
    "-c",
    "/dev/null",
    "--rootdir=.",
]
ROOT = Path(__file__).resolve().parents[2]


class Words:
    """Where pytest hands its options out, a parser of the standard library's."""

    def __init__(self) -> None:
        self.parser = argparse.ArgumentParser()
        self.addoption = self.parser.add_argument

    def getgroup(self, *_: str) -> Words:
        return self


def options(*arguments: str) -> LoadOptions:
    words: Any = Words()
    pytest_addoption(words)
    config: Any = SimpleNamespace(option=words.parser.parse_args(arguments))
    return load_options(config)


def test_nothing_said_is_the_documents_load() -> None:
    assert options() == LoadOptions("", "", None, 1, "", "", "", "reports/baselines")


def test_everything_said_is_kept() -> None:
    said = options(
        "--load=users=100",
        "--load-for=10m",
        "--load-workers=4",
        "--load-master=0.0.0.0:5557",
        "--baseline=main",
        "--baselines=/kept",
    )
    assert said == LoadOptions("users=100", "", 600.0, 4, "0.0.0.0:5557", "", "main", "/kept")


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("--load=500", "rate=500/s or users=100"),
        ("--load=users=0", "rate=500/s or users=100"),
        ("--load-for=10", "60s or 10m"),
        ("--load-workers=0", "a number of processes"),
        ("--load-master=5557", "HOST:PORT"),
        ("--load-profile=sawtooth", "invalid choice"),
    ],
)
def test_what_cannot_be_read_is_said(wrong: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options(wrong)
    assert expected in capsys.readouterr().err


def test_the_workers_manifest_names_files_that_are_there() -> None:
    documents = list(yaml.safe_load_all((ROOT / "deploy" / "locust-workers.yaml").read_text()))
    (deployment,) = [one for one in documents if one["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    named = container["args"][0].removeprefix("--locustfile=").split(",")
    assert all((ROOT / one).is_file() for one in named)
    assert container["resources"]["requests"]["cpu"] == "1"
