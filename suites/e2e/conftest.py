"""The browser that these suites look with. The ladder is pytest-playwright's: playwright, browser, context, page; what
is overridden here is how the browser is started and where it is led."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, BrowserType

from fixtures.browser import context_options, launch_options, pin_of, started, without_secrets
from fixtures.plugin import gate_of, target_of
from fixtures.redact import Redactor
from fixtures.session.judge import Judge
from fixtures.session.options import wants_suites
from fixtures.target import Objective
from fixtures.target.pages import InBrowser, Page
from scenarios.journeys.browser import Browsing, People, Traces, walk
from scenarios.journeys.browser.everywhere import made_of
from scenarios.journeys.browser.loads import Sample, Sampler, planned
from scenarios.surroundings import Surroundings

Prove = Callable[[InBrowser], None]
PATIENCE_S = 10.0  # to sign in


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes a page's `objective` is run for each of the target's."""
    if "objective" in metafunc.fixturenames:
        found = [one for one in target_of(metafunc.config).objectives.values() if one.over.kind == "page"]
        metafunc.parametrize("objective", found, ids=[one.name for one in found])


def pytest_configure(config: pytest.Config) -> None:
    """What pytest-playwright keeps goes into the run's folder, unless another place was asked for."""
    if wants_suites(config) and config.option.output == "test-results":
        config.option.output = str(gate_of(config).options.folder / "browser" / "kept")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Traces that --tracing keeps were written by pytest-playwright, which knows of no secrets."""
    if wants_suites(session.config):
        redact = gate_of(session.config).redactor
        for trace in Path(session.config.option.output).rglob("*.zip"):
            without_secrets(trace, redact)


# --- pytest-playwright's ladder ---------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def base_url(surroundings: Surroundings) -> str:
    return surroundings.entry


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], browser_name: str, surroundings: Surroundings
) -> dict[str, Any]:
    """The system's own Chromium where there is one, which trusts the environment's front door."""
    secure = surroundings.entry.startswith("https:") and surroundings.environment.ca
    return launch_options(browser_name, pin_of(surroundings.door) if secure else "", browser_type_launch_args)


@pytest.fixture(scope="session")
def browser(launch_browser: Callable[[], Browser], browser_type: BrowserType) -> Iterator[Browser]:
    with started(launch_browser, browser_type.name) as found:
        yield found


@pytest.fixture(scope="session")
def browser_context_args(
    browser_context_args: dict[str, Any], browser_name: str, surroundings: Surroundings
) -> dict[str, Any]:
    """Led to the side that is being proven."""
    led = context_options(surroundings.environment, surroundings.side, browser_name)
    return {**led, **browser_context_args}


# --- journeys ---------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def people() -> People:
    """Who is signed in already, for those journeys that are not about that."""
    return People()


@pytest.fixture(scope="session")
def traces(pytestconfig: pytest.Config, redactor: Redactor) -> Traces:
    own = pytestconfig.option.tracing == "off"
    return Traces(gate_of(pytestconfig).options.folder, redactor, own)


@pytest.fixture
def prove(
    judge: Judge, request: pytest.FixtureRequest, people: People, traces: Traces, browser_name: str
) -> Prove:
    """Make a journey and judge it."""

    def proven(check: InBrowser) -> None:
        __tracebackhide__ = True
        judge.here(check)
        new_context = request.getfixturevalue("new_context")
        browsing = Browsing(request.getfixturevalue("surroundings"), new_context, traces)
        judge(check, walk(check, browsing, people), several(request.config, browser_name))

    return proven


def several(config: pytest.Config, name: str) -> str:
    """Where several browsers look, each finding says which it was."""
    return name if len(config.option.browser) > 1 else ""


# --- page loads -------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def page_loads(
    request: pytest.FixtureRequest,
    browser: Browser,
    browser_context_args: dict[str, Any],
    surroundings: Surroundings,
    people: People,
    traces: Traces,
) -> tuple[Sampler, Sample]:
    """Every load that the promises of this run need, made when the first of them is looked at."""
    plan = planned(surroundings.target, asked_objectives(request.session))

    unfilmed = {key: one for key, one in browser_context_args.items() if not key.startswith("record_")}

    def plain(**more: Any) -> BrowserContext:
        return browser.new_context(**unfilmed, **more)

    browsing = Browsing(surroundings, plain, traces)

    def new_context(page: Page) -> BrowserContext:
        return plain(storage_state=people.session(browsing, page.as_, PATIENCE_S))

    made = made_of(surroundings, (one.page for one in plan))
    sampler = Sampler(plan, new_context, made)
    return sampler, sampler.run()


def asked_objectives(session: pytest.Session) -> list[Objective]:
    """The promises that this run's own tests are about."""
    params = [getattr(item, "callspec", None) for item in session.items]
    found = [typing.cast(Any, one).params.get("objective") for one in params if one is not None]
    return list({one.name: one for one in found if isinstance(one, Objective)}.values())
