"""The owner's pages in a real browser: set-up, signing in, sessions and keys."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from gateway.fleet.render import session_id
from tests.serving import EMAIL, PASSWORD
from tests.web.audit import audit
from tests.web.conftest import Served, Visit

pytestmark = pytest.mark.browser

PHONE = "+15550100001"


async def sign_in(served: Served, visit: Visit) -> None:
    await served.new_owner()
    await visit.page.goto(f"{served.address}/sign-in")
    await visit.page.get_by_label("E-mail address").fill(EMAIL)
    await visit.page.get_by_label("Password").fill(PASSWORD)
    await visit.page.get_by_role("button", name="Sign in").click()
    await visit.page.wait_for_url("**/sessions")


async def test_the_set_up_link_makes_the_owner_once(served: Served, visit: Visit) -> None:
    token = await served.parts.accounts.make_setup_link(org_id=1)
    page = visit.page

    await page.goto(f"{served.address}/setup?token={token}")
    await page.get_by_label("Your name").fill("Olga")
    await page.get_by_label("E-mail address").fill(EMAIL)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Become the owner").click()
    await page.wait_for_url("**/sessions")
    await expect(page.get_by_role("heading", name="Link your first phone")).to_be_visible()
    complaints = list(visit.complaints)
    answer = await page.goto(f"{served.address}/setup?token={token}")

    assert complaints == []
    assert answer is not None
    assert answer.status == 410


async def test_a_password_that_is_too_short_is_told_and_what_was_typed_stays(served: Served, visit: Visit) -> None:
    token = await served.parts.accounts.make_setup_link(org_id=1)
    page = visit.page
    await page.goto(f"{served.address}/setup?token={token}")
    await page.evaluate("document.querySelector('form.panel').noValidate = true")

    await page.get_by_label("Your name").fill("Olga")
    await page.get_by_label("E-mail address").fill(EMAIL)
    await page.get_by_label("Password").fill("short")
    await page.get_by_role("button", name="Become the owner").click()

    await expect(page.locator("#password-problem")).not_to_be_empty()
    await expect(page.get_by_label("Your name")).to_have_value("Olga")
    await expect(page.get_by_label("Password")).to_have_value("")


async def test_a_wrong_password_is_told_without_saying_which_was_wrong(served: Served, visit: Visit) -> None:
    await served.new_owner()
    page = visit.page
    await page.goto(f"{served.address}/sign-in")

    await page.get_by_label("E-mail address").fill(EMAIL)
    await page.get_by_label("Password").fill("something else")
    await page.get_by_role("button", name="Sign in").click()

    await expect(page.get_by_role("alert")).to_contain_text("The e-mail address or the password is wrong")
    assert await audit(page) == []


async def test_signing_in_leads_to_where_one_wanted_to_go(served: Served, visit: Visit) -> None:
    await served.new_owner()
    page = visit.page

    await page.goto(f"{served.address}/keys")
    await page.get_by_label("E-mail address").fill(EMAIL)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/keys")
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in")
    await page.goto(f"{served.address}/sessions")

    assert "/sign-in" in page.url


async def test_a_session_is_created_and_its_phone_linked_from_the_pages(served: Served, visit: Visit) -> None:
    await sign_in(served, visit)
    page = visit.page

    await page.get_by_label("Name of a new session").fill("shop")
    await page.get_by_role("button", name="Create").click()
    await page.wait_for_url("**/sessions/ses_*")
    await page.get_by_role("button", name="Link a phone").click()
    await expect(page.locator("qr-pairing")).to_have_attribute("data-phase", "showing")
    session = (await served.parts.database.read(lambda tx: served.fleet.all(tx)))[0]
    state = await served.fleet.desk.qr(session)
    served.fleet.engine.scan(str(state.qr), PHONE)
    await page.get_by_role("link", name="Back to sessions").last.click()

    await expect(page.locator(".card .badge")).to_have_text("Connected")
    await expect(page.locator(".card")).to_contain_text("+1 555-010-0001")
    assert visit.complaints == []


async def test_the_list_follows_what_happens_without_a_reload(served: Served, visit: Visit, eventually: Any) -> None:
    await sign_in(served, visit)
    page = visit.page
    await page.evaluate("window.stayed = true")

    session = await served.fleet.create("shop")
    await expect(page.locator(".card h2")).to_have_text("shop")
    await served.fleet.link(session, PHONE, eventually)
    await expect(page.locator(".card .badge")).to_have_text("Connected")
    served.fleet.engine.unlink(session_id(session))
    await expect(page.locator(".card .badge")).to_have_text("Unlinked")

    await expect(page.locator(".card-reason")).to_contain_text("The phone unlinked this session")
    assert await page.evaluate("window.stayed") is True
    assert visit.complaints == []


async def test_a_session_is_stopped_started_and_deleted_by_keyboard(
    served: Served, visit: Visit, eventually: Any
) -> None:
    await sign_in(served, visit)
    page = visit.page
    session = await served.fleet.create("shop")
    await served.fleet.link(session, PHONE, eventually)
    await page.goto(f"{served.address}/sessions/shop")

    await page.get_by_role("button", name="Stop").press("Enter")
    await expect(page.locator(".badge")).to_have_text("Stopped")
    await page.get_by_role("button", name="Start", exact=True).press("Enter")
    await expect(page.locator(".badge")).to_have_text("Connected")
    await page.get_by_text("Delete this session").press("Enter")
    await page.get_by_role("button", name="Delete for good").press("Enter")

    await page.wait_for_url("**/sessions")
    await expect(page.get_by_role("heading", name="Link your first phone")).to_be_visible()


async def test_a_link_for_a_customer_is_shown_once(served: Served, visit: Visit) -> None:
    await sign_in(served, visit)
    page = visit.page
    await served.fleet.create("shop")
    await page.goto(f"{served.address}/sessions/shop")

    await page.get_by_role("button", name="Make a link to send").click()
    link = await page.locator(".secret").text_content()
    await page.goto(f"{served.address}/sessions/shop")
    shown_again = await page.locator(".secret").count()
    answer = await page.goto(str(link))

    assert shown_again == 0
    assert answer is not None
    assert answer.status == 200


async def test_a_name_that_is_taken_is_told_beside_the_field(served: Served, visit: Visit) -> None:
    await sign_in(served, visit)
    await served.fleet.create("shop")
    page = visit.page

    await page.get_by_label("Name of a new session").fill("shop")
    await page.get_by_role("button", name="Create").click()

    await expect(page.locator("#name-problem")).to_have_text("Another session has this name already.")
    await expect(page.get_by_label("Name of a new session")).to_have_value("shop")


async def test_a_key_is_shown_once_works_and_is_revoked(served: Served, visit: Visit) -> None:
    await sign_in(served, visit)
    page = visit.page
    await page.goto(f"{served.address}/keys")

    await page.get_by_label(re.compile("^Name")).fill("Web shop")
    await page.get_by_label("It may").select_option("read")
    await page.get_by_role("button", name="Make the key").click()
    key = str(await page.locator(".secret").text_content())
    headers = {"Authorization": f"Bearer {key}"}
    works = await served.client.get("/api/v1/sessions", headers=headers)
    may_not = await served.client.post("/api/v1/sessions", headers=headers, json={"name": "x"})
    await page.get_by_role("button", name="Revoke Web shop").click()
    await expect(page.get_by_text("None yet.")).to_be_visible()
    refused = await served.client.get("/api/v1/sessions", headers=headers)

    assert (works.status, may_not.status, refused.status) == (200, 403, 401)
    assert await page.locator(".secret").count() == 0


@pytest.mark.parametrize("width", [360, 390, 1440])
async def test_every_page_fits_and_can_be_used_by_everybody(
    served: Served, visit: Visit, eventually: Any, width: int
) -> None:
    token = await served.parts.accounts.make_setup_link(org_id=1)
    page = visit.page
    await page.set_viewport_size({"width": width, "height": 800})
    found: dict[str, list[str]] = {}

    async def look(path: str) -> None:
        await page.goto(served.address + path)
        overflow = await visit.overflow()
        found[path] = await audit(page) + ([f"{overflow} pixels too wide"] if overflow > 0 else [])

    for path in ("/", "/sign-in", f"/setup?token={token}", "/nothing-here", "/pair/nothing"):
        await look(path)
    await sign_in(served, visit)
    await look("/sessions")
    session = await served.fleet.create("a-rather-long-name-for-a-session-that-somebody-typed-once-0001")
    await served.fleet.link(session, PHONE, eventually)
    for path in ("/", "/sessions", f"/sessions/{session.name}", "/keys"):
        await look(path)

    assert {path: problems for path, problems in found.items() if problems} == {}


async def test_the_whole_sign_in_can_be_done_by_keyboard(served: Served, visit: Visit) -> None:
    await served.new_owner()
    page = visit.page
    await page.goto(f"{served.address}/sign-in")

    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type(EMAIL)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")

    await page.wait_for_url("**/sessions")
