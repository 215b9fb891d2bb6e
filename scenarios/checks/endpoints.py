"""Every endpoint answers as it should, in time and from the right side; and nobody gets in without a token."""

from __future__ import annotations

import re
from typing import Any

import httpx

from fixtures.probes.http import said
from fixtures.target.checks import AuthRefused, Endpoint
from fixtures.target.quantities import Duration
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.journeys import application
from scenarios.journeys.application import NOBODY, Application
from scenarios.journeys.walk import needed
from scenarios.pods import served_testimony
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

PLACE = re.compile(r"\{([a-z_]+)\}")
FALSE_TOKEN = {"Authorization": "Bearer verdigris.false.token"}


@measures(Endpoint)
def endpoint(check: Endpoint, around: Surroundings) -> Measurement:
    """What must be there first (a session, a record) is another check's subject: without it, nothing is known."""
    headers: dict[str, str] = {}
    path, body = check.path, check.body
    if check.as_ != NOBODY or PLACE.search(f"{path} {body}"):
        app, made = application(around), dict[str, object]()
        with needed(f"prepare {check.method} {check.path}"):
            headers = {} if check.as_ == NOBODY else dict(app.sign_in(check.as_))
            path, body = filled(path, app, made), filled(body, app, made)
    request = around.http.build_request(
        check.method, path, json=body, headers=headers, timeout=_patience(check.within)
    )
    tally = Tally("requests")
    _judge(tally, around, request, check.expect, check.within)
    return tally.measurement()


@measures(AuthRefused)
def auth_refused(check: AuthRefused, around: Surroundings) -> Measurement:
    tally = Tally("requests")
    for path in check.paths:
        for headers in ({}, FALSE_TOKEN):
            request = around.http.build_request("GET", path, headers=headers, timeout=_patience(check.within))
            token = "with a false token" if headers else "without a token"
            _judge(tally, around, request, 401, check.within, token)
    return tally.measurement()


def _judge(
    tally: Tally, around: Surroundings, request: httpx.Request, expect: int, within: Duration, how: str = ""
) -> None:
    """Send it, and count what is wrong with the answer."""
    name = f"{request.method} {request.url.raw_path.decode()} {how}".strip()
    header = around.environment.served.side
    begun = around.clock.now()
    try:
        response = around.http.send(request)
    except httpx.HTTPError as error:
        tally.breaks(name, f"no answer: {error or type(error).__name__}")
        return
    took_s = around.clock.now() - begun
    tally.took(name, took_s)
    tally.note(Evidence(f"{name}: {response.status_code} after {took_s * 1000:.0f} ms", said(response)))
    if response.status_code != expect:
        evidence = served_testimony(around, response)
        tally.breaks(name, f"answered {said(response)}, where {expect} was expected", *evidence)
    elif response.headers.get(header) != around.side:
        tally.breaks(
            name, f"was served by {response.headers.get(header, 'nobody knows whom')}, not by {around.side}"
        )
    elif took_s > within.amount:
        tally.breaks(name, f"took {took_s * 1000:.0f} ms, where {within} is promised")


def filled(template: Any, app: Application, made: dict[str, object]) -> Any:
    """With `{name}` replaced by what the application gives for it; a text that is nothing else keeps its type."""
    if isinstance(template, dict):
        return {key: filled(value, app, made) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, app, made) for value in template]
    if not isinstance(template, str):
        return template
    for name in PLACE.findall(template):
        made.setdefault(name, app.example(name))
    if whole := PLACE.fullmatch(template):
        return made[whole[1]]
    return PLACE.sub(lambda found: str(made[found[1]]), template)


def _patience(within: Duration) -> float:
    """Beyond the bound, so that an answer that comes late is told from none."""
    return within.amount + 3
