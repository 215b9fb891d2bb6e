"""What people do with records: submit them, find them, have reports written, see who did what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fixtures.target.pages import (
    BrowserAudit,
    BrowserDashboard,
    BrowserPortal,
    BrowserReport,
    BrowserSubmission,
    Form,
    Page,
)
from scenarios.journeys import application
from scenarios.journeys.browser.registry import walks
from scenarios.journeys.browser.stroll import Stroll, sign_in
from scenarios.journeys.browser.visit import Visit
from scenarios.journeys.marks import day, marked
from scenarios.journeys.walk import Unmet


@walks(BrowserDashboard)
def dashboard(stroll: Stroll, check: BrowserDashboard) -> None:
    page, record = stroll.page(check.dashboard), stroll.page(check.record)
    _, mark = new_record(stroll)
    visit = stroll.visit(page.as_)
    with stroll.step("it shows its data"):
        visit.open(page)
    with stroll.step("a new record stands among the rows"):
        row = visit.on(page, "rows").filter(has_text=mark)
        row.first.wait_for()
    with stroll.step("the row leads to the record"):
        row.locator("a").first.click()
        shows(visit, record, mark)


@walks(BrowserSubmission)
def submission(stroll: Stroll, check: BrowserSubmission) -> None:
    page, record = stroll.page(check.form), stroll.page(check.record)
    form = page.form
    assert form is not None, "the profile was read without looking at it as a whole"
    mark = marked()
    stroll.expected = (422,)
    visit = stroll.visit(page.as_)
    with stroll.step("the form opens"):
        visit.open(page)
    with stroll.step("the page itself refuses what is incomplete"):
        fill(visit, filled(stroll, form.fields, mark))
        fill(visit, filled(stroll, form.incomplete, mark))
        before = visit.watch.answers
        visit.on(page, "submit").click()
        for field in form.incomplete:
            complained(visit, form, field)
        if visit.watch.answers > before:
            raise Unmet("an incomplete form was sent to the server")
    with stroll.step("the server refuses what is wrong, and the page says so"):
        fill(visit, filled(stroll, {**form.fields, **form.refused}, mark))
        visit.on(page, "submit").click()
        for field in form.refused:
            complained(visit, form, field)
    with stroll.step("what is right is taken, and its page shows it"):
        fill(visit, filled(stroll, form.fields, mark))
        visit.on(page, "submit").click()
        shows(visit, record, mark)


@walks(BrowserReport)
def report(stroll: Stroll, check: BrowserReport) -> None:
    page, written = stroll.page(check.record), stroll.page(check.report)
    record, mark = new_record(stroll)
    visit = stroll.visit(page.as_)
    with stroll.step("the record opens"):
        visit.open(page, {"record": record})
    with stroll.step("a report is asked for"):
        visit.on(page, "generate").click()
        visit.arrive(written)
    with stroll.step("it gets written", "report-generator"):
        link = visit.on(written, "link")
        link.wait_for(state="visible")
    with stroll.step("it opens, and is about the record"):
        link.click()
        visit.tab.get_by_text(mark).first.wait_for()


@walks(BrowserAudit)
def audit(stroll: Stroll, check: BrowserAudit) -> None:
    page, record = stroll.page(check.audit), stroll.page(check.record)
    of, _ = new_record(stroll)
    visit = stroll.visit(page.as_)
    with stroll.step("the record is opened"):
        visit.open(record, {"record": of})
    with stroll.step("the audit trail opens"):
        visit.open(page)
    with stroll.step("who made the record and who opened it is on it"):
        visit.on(page, "record").fill(str(of))
        visit.on(page, "record").press("Enter")
        who = stroll.around.credential("user")
        for operation in check.operations:
            row = (
                visit.on(page, "rows")
                .filter(has_text=operation)
                .filter(has_text=who)
                .filter(has_text=str(of))
            )
            row.first.wait_for()


@walks(BrowserPortal)
def portal(stroll: Stroll, check: BrowserPortal) -> None:
    page, record, office = (stroll.page(name) for name in (check.portal, check.record, check.office))
    _, mark = new_record(stroll)
    visit = stroll.visit()
    with stroll.step("a customer logs in and is in the portal"):
        sign_in(visit, stroll.page(check.login), page.as_)
        visit.arrive(page)
    with stroll.step("a new record of theirs stands among the rows"):
        row = visit.on(page, "rows").filter(has_text=mark)
        row.first.wait_for()
    with stroll.step("the row leads to the record"):
        row.locator("a").first.click()
        shows(visit, record, mark)
    with stroll.step("the office is closed to them"):
        visit.tab.goto(office.path)
        visit.arrive(page)


# ----------------------------------------------------------------------------------------------------------------------
def new_record(stroll: Stroll) -> tuple[Any, str]:
    """One made for the occasion, and the mark it bears."""
    with stroll.before("submit a record"):
        return application(stroll.around).leave_mark()


def shows(visit: Visit, page: Page, mark: str) -> None:
    """The page has come up, and bears the mark."""
    visit.arrive(page)
    visit.tab.get_by_text(mark).first.wait_for()


def filled(stroll: Stroll, fields: Mapping[str, str], mark: str) -> dict[str, str]:
    """With what stands for the placeholders."""

    def value(text: str) -> str:
        name = text[1:-1] if text.startswith("{") and text.endswith("}") else ""
        known = {"": text, "mark": mark, "yesterday": day(-1)}
        return known[name] if name in known else stroll.around.credential(name)

    return {field: value(text) for field, text in fields.items()}


def fill(visit: Visit, values: Mapping[str, str]) -> None:
    for field, value in values.items():
        into = visit.tab.locator(f'[name="{field}"]')
        if into.evaluate("field => field.tagName") == "SELECT":
            into.select_option(value)
        else:
            into.fill(value)


def complained(visit: Visit, form: Form, field: str) -> None:
    """The page says something of the field."""
    place = visit.tab.locator(form.error.replace("{field}", field))
    place.filter(has_text=re.compile(r"\S")).wait_for()
