"""Getting in, and being out again."""

from __future__ import annotations

from fixtures.target.pages import BrowserLogin, BrowserSession
from scenarios.journeys.browser.registry import walks
from scenarios.journeys.browser.stroll import Stroll, refused_in_words, sign_in, submit
from scenarios.journeys.browser.visit import Visit
from scenarios.journeys.walk import Unmet

FALSE_PASSWORD = "not-the-password"


@walks(BrowserLogin)
def login(stroll: Stroll, check: BrowserLogin) -> None:
    login, home = stroll.page(check.login), stroll.page(check.home)
    username = stroll.around.credential("user")
    stroll.expected = (401,)
    visit = stroll.visit()
    with stroll.step("a protected page leads to the login"):
        visit.tab.goto(home.path)
        visit.arrive(login)
    with stroll.step("a wrong password is refused in words"):
        submit(visit, login, username, FALSE_PASSWORD)
        refused_in_words(visit, login)
    with stroll.step("the right one leads to where one wanted to go"):
        sign_in(visit, login, "user", opened=True)
        visit.land(home)
    with stroll.step("the page knows who it is"):
        visit.on(home, "who").filter(has_text=username).wait_for()


@walks(BrowserSession)
def session(stroll: Stroll, check: BrowserSession) -> None:
    login, home = stroll.page(check.login), stroll.page(check.home)
    expired = stroll.around.credential(check.expired)
    stroll.expected = (401,)
    visit = stroll.visit()
    with stroll.before("sign in"):
        sign_in(visit, login, "user")
    cookies = [one for one in visit.context.cookies() if one.get("httpOnly")]
    with stroll.step("logging out leads to the login"):
        visit.tab.goto(home.path)
        visit.on(home, "logout").click()
        visit.arrive(login)
    with stroll.step("then a protected page leads to the login"):
        leads_to_login(visit, home.path, login.path)
    with stroll.step("and so does going back"):
        visit.tab.go_back(wait_until="commit")
        visit.arrive(login)
    with stroll.step("the cookie of the session that was logged out of is worth nothing"):
        kept = stroll.visit()
        kept.context.add_cookies(cookies)  # type: ignore[arg-type]  # as they were read, so as they may be set
        stroll.until(lambda: is_led_to(kept, home.path, login.path), lambda: f"it still opens {home.path}")
    with stroll.step("a session that ran out leads to the login"):
        late = stroll.visit()
        late.context.add_cookies([{**one, "value": expired} for one in cookies])  # type: ignore[typeddict-item]
        leads_to_login(late, home.path, login.path)


def leads_to_login(visit: Visit, where: str, login: str) -> None:
    if not is_led_to(visit, where, login):
        raise Unmet(f"{where} opens {visit.path} without a session, and not {login}")


def is_led_to(visit: Visit, where: str, login: str) -> bool:
    visit.tab.goto(where)
    return visit.path == login
