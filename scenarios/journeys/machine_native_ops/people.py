"""How Machine Native Ops is used: memories are kept and found, settings changed, reports made, components verified."""

from __future__ import annotations

import hashlib
from typing import Any

from fixtures.probes.http import said
from scenarios.journeys.api import Api, Headers, field
from scenarios.journeys.marks import marked
from scenarios.journeys.walk import Unmet, Walk

FALSE_PASSWORD = "not-the-password"
MEMORY, CONFIGURATION, REPORTING, SUPPLY_CHAIN = (
    f"{name}-service" for name in ("memory", "configuration", "reporting", "supply-chain")
)


class MachineNativeOps(Api):
    """What it leaves it takes back, but for reports, which nobody can delete."""

    # --- journeys ----------------------------------------------------------------------------------------------------
    def journey_login(self, walk: Walk) -> None:
        username, _ = self.credentials("user")
        with walk.step("a wrong password is refused", CONFIGURATION):
            refused = self.log_in(username, FALSE_PASSWORD)
            if refused.status_code != 401:
                raise Unmet(f"a wrong password was answered by {said(refused)}")
        with walk.step("the right one lets in", CONFIGURATION):
            headers = self.sign_in("user")
        with walk.step("the system knows who it is", CONFIGURATION):
            me = self.expect(200, "GET", "/api/v1/me", headers=headers)
            if field(me, "username") != username:
                raise Unmet(f"{username} logged in, and is taken for {me['username']}")

    def journey_memory(self, walk: Walk) -> None:
        with walk.before("sign in"):
            headers = self.sign_in("user")
        text = marked()
        with walk.step("a memory is kept", MEMORY):
            memory = self.keep(headers, text)
        with walk.step("it comes back as it was", MEMORY):
            self._comes_back(headers, memory, text)
        with walk.step("and once more, from wherever", MEMORY):
            self._comes_back(headers, memory, text)
        with walk.step("it is found by what it says", MEMORY):
            found = self.listed("memories", "/api/v1/memories", headers, q=text)
            if [one.get("id") for one in found] != [memory]:
                raise Unmet(f"{text!r} was looked for, and {len(found)} memories were found, not one")
        with walk.step("the same request again keeps nothing more", MEMORY):
            again = self.ask("POST", "/api/v1/memories", json={"key": text, "text": text}, headers=headers)
            if again.status_code != 200 or field(again.json(), "id") != memory:
                raise Unmet(f"kept again by its own key: {said(again)}")
        with walk.step("it is forgotten, by the cache too", MEMORY):
            self.expect(204, "DELETE", f"/api/v1/memories/{memory}", headers=headers)
            gone = self.ask("GET", f"/api/v1/memories/{memory}", headers=headers)
            if gone.status_code != 404:
                raise Unmet(f"a forgotten memory was answered by {said(gone)}, where 404 was expected")

    def journey_settings(self, walk: Walk) -> None:
        with walk.before("sign in"):
            operator, admin = self.sign_in("user"), self.sign_in("admin")
        name = marked().lower().replace(" ", "-")
        path = f"/api/v1/settings/{name}"
        with walk.step("an operator may not change a setting", CONFIGURATION):
            refused = self.ask("PUT", path, json={"value": "1"}, headers=operator)
            if refused.status_code != 403:
                raise Unmet(f"an operator's change was answered by {said(refused)}, where 403 was expected")
        with walk.step("an administrator may", CONFIGURATION):
            self.expect(200, "PUT", path, json={"value": "1"}, headers=admin)
        with walk.step("everybody reads it", CONFIGURATION):
            self._has(operator, path, "1", 1)
        with walk.step("who has not read the newest version changes nothing", CONFIGURATION):
            self.expect(200, "PUT", path, json={"value": "2", "version": 1}, headers=admin)
            late = self.ask("PUT", path, json={"value": "3", "version": 1}, headers=admin)
            if late.status_code != 409:
                raise Unmet(
                    f"a change over somebody else's was answered by {said(late)}, where 409 was expected"
                )
        with walk.step("what was read before is not read again", CONFIGURATION):
            self._has(operator, path, "2", 2)
        with walk.step("it is taken back", CONFIGURATION):
            self.expect(204, "DELETE", path, headers=admin)

    def journey_report(self, walk: Walk) -> None:
        with walk.before("keep a memory"):
            headers = self.sign_in("user")
            memory = self.keep(headers, marked())
        title = marked()
        with walk.step("a report is made", REPORTING):
            made = self.expect(201, "POST", "/api/v1/reports", json={"title": title}, headers=headers)
            if field(field(made, "body"), "memories") < 1:
                raise Unmet(f"a memory was kept, and the report counts {made['body']}")
        with walk.step("it is kept as it was made", REPORTING):
            kept = self.expect(200, "GET", f"/api/v1/reports/{field(made, 'id')}", headers=headers)
            if (kept.get("title"), kept.get("body")) != (title, made["body"]):
                raise Unmet(f"report {made['id']} came back as {kept}")
        with walk.before("take the memory back"):
            self.expect(204, "DELETE", f"/api/v1/memories/{memory}", headers=headers)

    def journey_supply_chain(self, walk: Walk) -> None:
        with walk.before("sign in"):
            headers = self.sign_in("user")
        name = marked()
        built, other = _digest(name), _digest(f"{name}, but not quite")
        form = {"name": name, "version": "1.0.0", "digest": built}
        with walk.step("what was built is registered", SUPPLY_CHAIN):
            one = field(self.expect(201, "POST", "/api/v1/components", json=form, headers=headers), "id")
        with walk.step("the same version is not registered as something else", SUPPLY_CHAIN):
            again = self.ask("POST", "/api/v1/components", json={**form, "digest": other}, headers=headers)
            if again.status_code != 409:
                raise Unmet(
                    f"a second digest for a version was answered by {said(again)}, where 409 was expected"
                )
        with walk.step("its digest is trusted, and no other", SUPPLY_CHAIN):
            for digest, trusted in ((built, True), (other, False)):
                path = f"/api/v1/components/{one}/verify"
                told = self.expect(200, "POST", path, json={"digest": digest}, headers=headers)
                if told.get("trusted") is not trusted:
                    what = "what was built" if trusted else "something else"
                    raise Unmet(f"{what} is {'not ' if trusted else ''}trusted as {name}")
        with walk.step("it is taken back", SUPPLY_CHAIN):
            self.expect(204, "DELETE", f"/api/v1/components/{one}", headers=headers)

    # --- memories and settings ---------------------------------------------------------------------------------------
    def keep(self, headers: Headers, text: str) -> Any:
        """The id of the memory, which says that and has it as its key."""
        form = {"key": text, "text": text}
        return field(self.expect(201, "POST", "/api/v1/memories", json=form, headers=headers), "id")

    def _comes_back(self, headers: Headers, memory: Any, text: str) -> None:
        kept = self.expect(200, "GET", f"/api/v1/memories/{memory}", headers=headers)
        if kept.get("text") != text:
            raise Unmet(f"memory {memory} came back as {kept}")

    def _has(self, headers: Headers, path: str, value: str, version: int) -> None:
        found = self.expect(200, "GET", path, headers=headers)
        if (found.get("value"), found.get("version")) != (value, version):
            raise Unmet(f"{path} is {found}, where {value!r} in version {version} was set")

    # --- what checks need that know nothing of it --------------------------------------------------------------------
    def example(self, what: str) -> Any:
        if what in self.around.environment.credentials:
            return self.around.credential(what)
        if what == "memory":
            return self.leave_mark()[0]
        raise Unmet(f"nobody knows how to make a {what} in Machine Native Ops")

    def leave_mark(self) -> tuple[Any, str]:
        mark = marked()
        return self.keep(self.sign_in("user"), mark), mark

    def sees_mark(self, of: object, mark: str) -> bool:
        response = self.ask("GET", f"/api/v1/memories/{of}", headers=self.sign_in("user"))
        if response.status_code not in (200, 404):
            raise Unmet(f"GET /api/v1/memories/{of} answered {said(response)}")
        return response.status_code == 200 and response.json().get("text") == mark


def _digest(of: str) -> str:
    return f"sha256:{hashlib.sha256(of.encode()).hexdigest()}"


PEOPLE = MachineNativeOps
