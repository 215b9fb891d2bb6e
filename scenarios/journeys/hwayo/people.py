"""How people use Hwayo: inspectors submit records and have reports written, customers look at theirs."""

from __future__ import annotations

import time
from typing import Any

from fixtures.probes.http import said
from scenarios.journeys.api import field
from scenarios.journeys.hwayo.api import Api
from scenarios.journeys.marks import day, marked
from scenarios.journeys.walk import Unmet, Walk

FALSE_PASSWORD = "not-the-password"
CLOCKS_DIFFER_S = 2.0


class Hwayo(Api):
    """The journeys of §9.3."""

    def journey_login(self, walk: Walk) -> None:
        username, _ = self.credentials("user")
        with walk.step("the login page opens", "web-app"):
            self.page("/login", {})
        with walk.step("a wrong password is refused", "auth-service"):
            refused = self.log_in(username, FALSE_PASSWORD)
            if refused.status_code != 401:
                raise Unmet(f"a wrong password was answered by {said(refused)}")
        with walk.step("the right one lets in", "auth-service"):
            headers = self.sign_in("user")
        with walk.step("the system knows who it is", "auth-service"):
            me = self.expect(200, "GET", "/api/v1/me", headers=headers)
            if field(me, "username") != username:
                raise Unmet(f"{username} logged in, and is taken for {me['username']}")
        with walk.step("logging out ends the session", "auth-service"):
            self.expect(204, "POST", "/api/v1/auth/logout", headers=headers)
            walk.until(lambda: self.is_out(headers), lambda: "the session is still good after logging out")

    def journey_submission(self, walk: Walk) -> None:
        project = marked()
        with walk.before("sign in"):
            headers = self.sign_in("user")
        with walk.step("a form with a mistake is refused", "workflow-engine"):
            wrong = {**self.form(project), "inspected_on": day(+3)}
            refused = self.ask("POST", "/api/v1/data-records", json=wrong, headers=headers)
            if refused.status_code != 422:
                raise Unmet(f"an inspection of the day after tomorrow was answered by {said(refused)}")
        with walk.step("a record is submitted", "workflow-engine"):
            record = self.submit(headers, project)
        with walk.step("it is kept as it was submitted", "workflow-engine"):
            kept = self.expect(200, "GET", f"/api/v1/data-records/{record}", headers=headers)
            differing = [name for name, value in self.form(project).items() if kept.get(name) != value]
            if differing:
                raise Unmet(f"record {record} came back with another {', '.join(differing)}")
        with walk.step("it is in the list", "workflow-engine"):
            newest = self.listed("records", "/api/v1/data-records", headers, limit=100)
            if record not in [one.get("id") for one in newest]:
                raise Unmet(f"record {record} is not among the newest {len(newest)}")

    def journey_report(self, walk: Walk) -> None:
        project = marked()
        with walk.before("submit a record"):
            headers = self.sign_in("user")
            record = self.submit(headers, project)
        with walk.step("a report is asked for and written", "report-generator"):
            report = self.generate(headers, record)
            seen: dict[str, Any] = {}

            def over() -> bool:
                seen.update(self.expect(200, "GET", f"/api/v1/reports/{report}", headers=headers))
                return seen.get("status") in ("done", "failed")

            walk.until(over, lambda: f"report {report} is still {seen.get('status')} after {walk.within}")
            if seen["status"] != "done":
                raise Unmet(f"report {report} {seen['status']}: {seen.get('error')}")
        with walk.step("the report is about the record", "report-generator"):
            content = self.ask("GET", str(field(seen, "url")), headers=headers)
            if content.status_code != 200 or project not in content.text:
                raise Unmet(f"the report does not name {project}: {said(content)}")

    def journey_notification(self, walk: Walk) -> None:
        project, since = marked(), time.time() - CLOCKS_DIFFER_S
        customer, _ = self.credentials("customer")
        with walk.before("submit a record"):
            headers, theirs = self.sign_in("user"), self.sign_in("customer")
            record = self.submit(headers, project)
        with walk.step("its customer finds a notification of it", "notification-service"):
            found: list[dict[str, Any]] = []

            def told() -> bool:
                newest = self.listed("notifications", "/api/v1/notifications", theirs)
                found[:] = [one for one in newest if project in str(one.get("body"))]
                return any(one.get("status") in ("delivered", "failed") for one in found)

            def words() -> str:
                states = ", ".join(str(one.get("status")) for one in found) or "not there"
                return f"the notification of record {record} is {states} after {walk.within}"

            walk.until(told, words)
            if found[0].get("status") != "delivered":
                raise Unmet(f"the notification of record {record} {found[0].get('status')}")
        with walk.step("it has reached them", "notification-service"):

            def arrived() -> bool:
                messages = self.around.sink.messages(since)
                return any(
                    one.to == customer and project in one.text for one in messages if one.channel == "app"
                )

            walk.until(
                arrived, lambda: f"the notification of record {record} is called delivered, and never arrived"
            )

    def journey_portal(self, walk: Walk) -> None:
        customer, _ = self.credentials("customer")
        with walk.before("submit a record"):
            record = self.submit(self.sign_in("user"), marked())
        with walk.before("sign in as customer"):
            headers = self.sign_in("customer")
        with walk.step("the portal's page opens", "web-app"):
            self.page("/portal", headers)
        with walk.step("the customer finds the new record", "workflow-engine"):
            own = self.listed("records", "/api/v1/portal/records", headers)
            if record not in [one.get("id") for one in own]:
                raise Unmet(f"record {record} is not among the {len(own)} that the portal shows {customer}")
        with walk.step("and nobody else's", "workflow-engine"):
            strangers = sorted({str(one.get("customer")) for one in own} - {customer})
            if strangers:
                raise Unmet(f"the portal shows {customer} records of {', '.join(strangers)}")
        with walk.step("the office's list is closed to them", "workflow-engine"):
            answered = self.ask("GET", "/api/v1/data-records", headers=headers)
            if answered.status_code != 403:
                raise Unmet(f"a customer who asks for everybody's records is answered by {said(answered)}")

    def journey_audit(self, walk: Walk) -> None:
        username, _ = self.credentials("user")
        with walk.before("submit and open a record"):
            headers = self.sign_in("user")
            record = self.submit(headers, marked())
            self.expect(200, "GET", f"/api/v1/data-records/{record}", headers=headers)
        with walk.step("who wrote and who opened it is on the trail", "workflow-engine"):
            wanted = {"record.create", "record.view"}
            trail: list[dict[str, Any]] = []

            def complete() -> bool:
                trail[:] = self.listed("entries", "/api/v1/audit", headers, record=record)
                return wanted <= {one.get("operation") for one in trail if one.get("actor") == username}

            def words() -> str:
                there = (
                    ", ".join(f"{one.get('operation')} by {one.get('actor')}" for one in trail) or "nothing"
                )
                return f"the trail of record {record} has {there}, where {' and '.join(sorted(wanted))} were done"

            walk.until(complete, words)
        with walk.step("so is the login", "auth-service"):
            done = {
                str(one.get("operation"))
                for one in self.listed("entries", "/api/v1/audit", headers, actor=username)
            }
            if "login" not in done:
                raise Unmet(
                    f"the trail of {username} has no login, only {', '.join(sorted(done)) or 'nothing'}"
                )


PEOPLE = Hwayo
