"""The checks that speak to the application, over a transport that answers as it should, and then not quite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx
import pytest

from fixtures.evidence import Unreachable
from fixtures.platforms.abilities import Pod, Reply
from fixtures.target import Credential, Sides
from reports.verdicts import Measurement
from scenarios.checks import measure
from tests.suites.by_hand import Handler, KeptSink, Stage, details, says
from tests.suites.recorded import Recorded, hwayo, the_check


@pytest.fixture
def stage() -> Stage:
    return Stage()


SMOKE = [
    *(
        "health-in-pod",
        "health-through-mesh",
        "database-from-application",
        "cache-from-application",
        "side-proven",
    ),
    *(
        "auth-refused",
        "api-login",
        "api-me",
        "api-records",
        "api-submit",
        "api-record",
        "api-generate",
        "api-report",
    ),
    *(
        "journey-login",
        "journey-submission",
        "journey-report",
        "journey-notification",
        "journey-portal",
        "journey-audit",
    ),
]


@pytest.mark.parametrize("name", SMOKE)
def test_an_application_in_order_breaks_nothing(stage: Stage, name: str) -> None:
    found = stage.seen(name)
    assert found.value == 0, found.why
    assert found.samples > 0


# --- health ----------------------------------------------------------------------------------------------------------
def test_a_pod_that_does_not_answer_or_is_not_well_is_named_with_its_log(stage: Stage) -> None:
    del stage.platform.replies["auth-service"]
    stage.platform.replies["web-app-2"] = Reply(503, {}, '{"status": "failing"}', 0.01)
    stage.platform.replies["report-generator-1"] = Reply(200, {}, "{}", 2.5)
    found = stage.seen("health-in-pod")
    assert (found.value, found.samples) == (4, 12)
    assert "auth-service-1: pod auth-service-1 does not answer on port 3000" in found.why
    assert 'web-app-2: /health answers 503: {"status": "failing"}' in found.why
    assert "report-generator-1: /report/health took 2.50 s, where 2s is promised" in found.why
    assert any("last words of web-app-2" in one.text for one in found.evidence)


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (says(502, {"error": "cannot be reached"}), "answers 502"),
        (says(200, {"status": "ok"}, x_served_side="blue"), "was served by blue, not by green"),
        (says(200, {"side": "blue"}), "was served by blue behind green's gateway"),
    ],
)
def test_health_through_the_mesh_must_be_well_and_of_our_side(
    stage: Stage, handler: Handler, words: str
) -> None:
    stage.green.wrong["/auth/health"] = handler
    found = stage.seen("health-through-mesh")
    assert found.value == 1
    assert f"auth-service: /auth/health {words}" in found.why


def test_a_front_door_that_hangs_up_is_no_health(stage: Stage) -> None:
    def hang_up(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("timed out", request=request)

    stage.green.wrong["/auth/health"] = hang_up
    assert "auth-service: /auth/health does not answer: timed out" in stage.seen("health-through-mesh").why


def test_a_store_that_the_application_lost_is_found_although_it_answers_200(stage: Stage) -> None:
    stage.platform.replies["workflow-engine"] = details("hwayo_green", ok=False)
    found = stage.seen("database-from-application")
    assert (found.value, found.samples) == (2, 10)
    assert "workflow-engine-1: its database: connection refused" in found.why


def test_health_without_details_is_no_evidence_about_stores(stage: Stage) -> None:
    stage.platform.replies["workflow-engine"] = Reply(200, {}, "OK", 0.01)
    assert stage.seen("database-from-application").value is None


# --- the side --------------------------------------------------------------------------------------------------------
def test_answers_of_the_other_side_of_strangers_or_of_another_version_are_found_out(stage: Stage) -> None:
    stage.green.pod = "api-gateway-of-blue"
    assert "which is none of hwayo-production-green's" in stage.seen("side-proven").why
    stage.green.pod, stage.green.version = "api-gateway-1", "1041-8c1f0aa"
    assert (
        "says that it is version 1041-8c1f0aa, and its image is 1042-3f9c2ab" in stage.seen("side-proven").why
    )
    stage.green.side = "blue"
    assert "blue answered, not green" in stage.seen("side-proven").why


class Away(Recorded):
    def pods(self, namespace: str, selector: Mapping[str, str] | None = None) -> Sequence[Pod]:
        raise Unreachable("the cluster's API does not answer")


def test_who_answers_is_no_stranger_where_nobody_can_list_our_pods(stage: Stage) -> None:
    stage.platform = Away(**vars(stage.platform))
    found = stage.seen("side-proven")
    assert found.value is None
    assert (
        "whether api-gateway-1 is one of ours cannot be told: the cluster's API does not answer" in found.why
    )


class Growing(Recorded):
    """Has one pod more when all were listed once."""

    def pods(self, namespace: str, selector: Mapping[str, str] | None = None) -> Sequence[Pod]:
        self.asked = getattr(self, "asked", 0) + 1
        found = super().pods(namespace, selector)
        return [pod for pod in found if pod.name != "api-gateway-1" or self.asked > len(hwayo().services)]


def test_a_pod_that_was_made_meanwhile_is_one_of_ours(stage: Stage) -> None:
    stage.platform = Growing(**vars(stage.platform))
    found = stage.seen("side-proven")
    assert found.value == 0, found.why


def test_a_service_with_the_other_sides_database_is_named(stage: Stage) -> None:
    stage.platform.replies["workflow-engine"] = details("hwayo")
    found = stage.seen("side-proven")
    assert found.bad == 2
    assert (
        "database of workflow-engine-1: reads hwayo, which is blue's, where hwayo_green is green's"
        in found.why
    )


def test_a_service_with_the_other_sides_cache_is_named(stage: Stage) -> None:
    def seen(blue: str, green: str) -> Measurement:
        made = stage.surroundings()
        caches = Sides[Credential].model_construct(
            blue=Credential.of_lab(f"redis://{blue}"), green=Credential.of_lab(f"redis://{green}")
        )
        stores = made.environment.stores.model_copy(update={"cache": caches})
        made.environment = made.environment.model_copy(update={"stores": stores})
        return measure(the_check("side-proven"), made)

    assert seen("cache/0", "cache/1").value == 0
    stage.platform.replies["auth-service"] = details("hwayo_green", cache="0")
    found = seen("cache", "cache/1")
    assert found.bad == 2
    assert "cache of auth-service-2: reads 0, which is blue's, where 1 is green's" in found.why


def test_what_is_stored_on_green_must_not_be_found_on_blue(stage: Stage) -> None:
    stage.blue.records = stage.green.records
    assert "data: what was stored on green is found on blue" in stage.seen("side-proven").why


def test_another_record_of_the_same_number_on_blue_is_another_record(stage: Stage) -> None:
    stage.blue.records = {1: {"id": 1, "project": "blue's own", "customer": "customer"}}
    assert stage.seen("side-proven").value == 0


# --- endpoints -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (says(500, {"error": "oops"}), "GET /api/v1/me: answered 500"),
        (says(200, {}, x_served_side="blue"), "was served by blue, not by green"),
    ],
)
def test_an_endpoint_that_answers_otherwise_is_named_with_its_answer(
    stage: Stage, handler: Handler, words: str
) -> None:
    stage.green.wrong["/api/v1/me"] = handler
    found = stage.seen("api-me")
    assert found.value == 1
    assert words in found.why
    assert any("last words of api-gateway-1" in one.text for one in found.evidence) or "served by" in words


def test_an_endpoint_that_is_late_breaks_its_time(stage: Stage) -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        stage.clock.sleep(1.2)
        return httpx.Response(200, json={"records": []})

    stage.green.wrong["GET /api/v1/data-records"] = slow
    assert "took 1200 ms, where 1s is promised" in stage.seen("api-records").why


def test_without_a_session_nothing_is_known_of_an_endpoint(stage: Stage) -> None:
    stage.green.wrong["/api/v1/auth/login"] = says(503, {"error": "a store is unreachable"})
    found = stage.seen("api-me")
    assert found.value is None
    assert "cannot prepare GET /api/v1/me" in found.why


def test_a_missing_credential_is_no_evidence(stage: Stage) -> None:
    made = stage.surroundings()
    made.environment = made.environment.model_copy(
        update={"credentials": {"user": Credential("env:NOBODY_SET_THIS")}}
    )
    found = measure(the_check("api-me"), made)
    assert found.value is None
    assert "NOBODY_SET_THIS" in found.why


def test_a_door_that_lets_in_without_a_token_is_named(stage: Stage) -> None:
    stage.green.wrong["/api/v1/audit"] = says(200, {"entries": []})
    found = stage.seen("auth-refused")
    assert (found.value, found.samples) == (2, 10)
    assert "GET /api/v1/audit without a token: answered 200" in found.why
    assert "GET /api/v1/audit with a false token: answered 200" in found.why


# --- journeys --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("journey", "where", "handler", "words"),
    [
        ("login", "/login", says(302), "the login page opens: GET /login answered 302"),
        ("login", "/api/v1/auth/login", says(200, {"token": "t"}), "a wrong password was answered by 200"),
        ("login", "/api/v1/auth/login", says(401), "the right one lets in: POST /api/v1/auth/login as inspector"),
        ("login", "/api/v1/me", says(200, {"username": "admin"}), "inspector logged in, and is taken for admin"),
        ("login", "/api/v1/auth/logout", says(204), "the session is still good after logging out"),
        ("submission", "POST /api/v1/data-records", says(201, {"id": 1}), "a form with a mistake is refused"),
        ("submission", "GET /api/v1/data-records", says(200, {"records": []}), "is not among the newest 0"),
        ("submission", "/api/v1/data-records/1", says(200, {"project": "other"}), "came back with another project"),
        ("report", "/api/v1/reports/1", says(200, {"status": "queued"}), "report 1 is still queued after 30s"),
        ("report", "/api/v1/reports/1", says(200, {"status": "failed", "error": "E"}), "report 1 failed: E"),
        ("report", "/api/v1/content/1", says(200, "of something else"), "the report does not name Verdigris"),
        ("report", "/api/v1/reports/generate", says(202, {}), "an answer without 'id'"),
        ("notification", "/api/v1/notifications", says(200, {"notifications": []}), "is not there after 10s"),
        ("portal", "/api/v1/portal/records", says(200, {"records": []}), "is not among the 0 that the portal shows"),
        ("portal", "GET /api/v1/data-records", says(200, {"records": []}), "everybody's records is answered by 200"),
        ("audit", "/api/v1/audit", says(200, {"entries": []}), "has nothing, where record.create and record.view"),
    ],
)  # fmt: skip
def test_a_step_that_fails_ends_the_journey_and_says_why(
    stage: Stage, journey: str, where: str, handler: Handler, words: str
) -> None:
    stage.green.wrong[where] = handler
    found = stage.seen(f"journey-{journey}")
    assert found.value == 1, found
    assert words in found.why


def test_a_notification_that_is_called_delivered_must_have_arrived(stage: Stage) -> None:
    made = stage.surroundings()
    made.sink = KeptSink([])
    found = measure(the_check("journey-notification"), made)
    assert found.value == 1
    assert "is called delivered, and never arrived" in found.why


def test_the_portal_shows_nobody_elses_records(stage: Stage) -> None:
    mixed = [{"id": 1, "customer": "customer"}, {"id": 7, "customer": "somebody"}]
    stage.green.wrong["/api/v1/portal/records"] = says(200, {"records": mixed})
    assert "the portal shows customer records of somebody" in stage.seen("journey-portal").why


@pytest.mark.parametrize("journey", ["submission", "report", "notification", "portal", "audit"])
def test_a_journey_that_cannot_begin_is_no_evidence(stage: Stage, journey: str) -> None:
    stage.green.wrong["/api/v1/auth/login"] = says(503)
    found = stage.seen(f"journey-{journey}")
    assert found.value is None
    assert "cannot" in found.why


def test_a_step_behind_the_gateway_on_the_other_side_is_found_out(stage: Stage) -> None:
    stage.green.wrong["/api/v1/me"] = says(200, {"username": "inspector"}, x_upstream_side="blue")
    assert "was answered by blue (x-upstream-side), not by green" in stage.seen("journey-login").why


def test_a_slow_step_breaks_its_time_and_the_journey_goes_on(stage: Stage) -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        stage.clock.sleep(2.4)
        return httpx.Response(200, json={"username": "inspector"})

    stage.green.wrong["/api/v1/me"] = slow
    found = stage.seen("journey-login")
    assert "the system knows who it is: took 2.40 s, where 2s is promised" in found.why


def test_a_system_that_nobody_wrote_down_is_no_evidence(stage: Stage) -> None:
    made = stage.surroundings()
    made.target = made.target.model_copy(update={"system": "other"})
    found = measure(the_check("journey-login"), made)
    assert found.value is None
    assert "nobody has written down how people use other" in found.why
