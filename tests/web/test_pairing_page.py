"""The customer's page in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from gateway.fleet.render import session_id
from sessions.status import Reason
from tests.web.audit import audit
from tests.web.conftest import Served, Visit

pytestmark = pytest.mark.browser

PHONE = "+15550100001"


async def test_the_page_shows_a_code_and_says_connected_when_a_phone_has_scanned_it(
    served: Served, visit: Visit
) -> None:
    session = await served.fleet.create()
    page = visit.page

    await page.goto(await served.new_link(session))
    await expect(page.locator("qr-pairing")).to_have_attribute("data-phase", "showing")
    path = await page.locator(".qr-code path").get_attribute("d")
    state = await served.fleet.desk.qr(session)
    drawing = await served.fleet.artist.draw(str(state.qr))
    served.fleet.engine.scan(str(state.qr), PHONE)
    await expect(page.locator("qr-pairing")).to_have_attribute("data-phase", "connected")

    assert path == drawing.svg_path(), "what is shown is the code on offer"
    await expect(page.get_by_role("heading", name="Your phone is linked", exact=True)).to_be_visible()
    await expect(page.locator(".linked-phone")).to_have_text("+15 ••• 001")
    await expect(page.get_by_role("status")).to_have_text("Connected.")
    assert visit.complaints == []


async def test_the_code_renews_itself_and_counts_down(served: Served, visit: Visit) -> None:
    session = await served.fleet.create()
    page = visit.page
    await page.goto(await served.new_link(session))
    await expect(page.locator(".qr-countdown")).to_have_text(re.compile(r"A new code follows in \d+ s"))
    first = await page.locator(".qr-code path").get_attribute("d")

    served.fleet.engine.run_out(session_id(session))

    await expect(page.locator(".qr-code path")).not_to_have_attribute("d", str(first))
    await expect(page.locator("qr-pairing")).to_have_attribute("data-phase", "showing")


async def test_a_reload_takes_up_where_the_page_was(served: Served, visit: Visit) -> None:
    session = await served.fleet.create()
    page = visit.page
    await page.goto(await served.new_link(session))
    await expect(page.locator("qr-pairing")).to_have_attribute("data-phase", "showing")
    before = await page.locator(".qr-code path").get_attribute("d")

    await page.reload()
    await expect(page.locator(".qr-code path")).to_have_attribute("d", str(before))
    state = await served.fleet.desk.qr(session)
    served.fleet.engine.scan(str(state.qr), PHONE)
    await expect(page.locator("qr-pairing")).to_have_attribute("data-phase", "connected")
    await page.reload()

    await expect(page.get_by_text("can be used from here on")).to_be_visible()


async def test_a_code_to_type_is_given_for_a_number(served: Served, visit: Visit) -> None:
    session = await served.fleet.create()
    page = visit.page
    await page.goto(await served.new_link(session))

    await page.get_by_text("Use a code instead").click()
    await page.get_by_label("Number of the phone").fill("call me")
    await page.get_by_role("button", name="Get a code").click()
    await expect(page.locator("#code-problem")).to_contain_text("not a phone number")
    await page.get_by_label("Number of the phone").fill(PHONE)
    await page.get_by_role("button", name="Get a code").click()
    shown = page.get_by_label("Your code")
    await expect(shown).to_have_text(re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}"))
    served.fleet.engine.scan(str(await shown.text_content()), PHONE)

    await expect(page.locator("qr-pairing")).to_have_attribute("data-phase", "connected")


async def test_what_went_wrong_is_said_in_words_and_can_be_tried_again(served: Served, visit: Visit) -> None:
    session = await served.fleet.create(expected_phone="+15550100002")
    page = visit.page
    await page.goto(await served.new_link(session))
    await expect(page.locator("qr-pairing")).to_have_attribute("data-phase", "showing")

    state = await served.fleet.desk.qr(session)
    served.fleet.engine.scan(str(state.qr), PHONE)
    await expect(page.get_by_role("heading", name="That was another phone")).to_be_visible()
    await page.get_by_role("button", name="Show a new code").click()

    await expect(page.locator("qr-pairing")).to_have_attribute("data-phase", "showing")
    assert visit.complaints == []


async def test_a_passkey_is_explained(served: Served, visit: Visit) -> None:
    session = await served.fleet.create()
    page = visit.page
    await page.goto(await served.new_link(session))
    await expect(page.locator("qr-pairing")).to_have_attribute("data-phase", "showing")

    served.fleet.engine.end_pairing(session_id(session), Reason.PASSKEY_DEMANDED)

    await expect(page.get_by_role("heading", name="asks for a passkey")).to_be_visible()
    await expect(page.locator(".ended-advice", has_text="Settings, Account, Passkeys")).to_be_visible()


async def test_a_link_that_is_withdrawn_while_the_page_is_open_ends_it(served: Served, visit: Visit) -> None:
    session = await served.fleet.create()
    page = visit.page
    await page.goto(await served.new_link(session))
    await expect(page.locator("qr-pairing")).to_have_attribute("data-phase", "showing")

    await served.parts.database.write(lambda tx: served.fleet.links.void(tx, session))
    served.fleet.engine.run_out(session_id(session))

    await expect(page.get_by_role("heading", name="This link has been withdrawn.")).to_be_visible()
    await page.get_by_role("button", name="Show a new code").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("This link no longer works")


async def test_an_expired_link_says_so(served: Served, visit: Visit, clock: Any) -> None:
    session = await served.fleet.create()
    address = await served.new_link(session, valid_seconds=60)

    clock.advance(61)
    answer = await visit.page.goto(address)

    assert answer is not None
    assert answer.status == 410
    await expect(visit.page.get_by_text("This link has expired.")).to_be_visible()
    assert await audit(visit.page) == []


async def test_without_scripts_the_page_shows_the_code_and_gives_codes_to_type(served: Served, chromium: Any) -> None:
    session = await served.fleet.create()
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()

    await page.goto(await served.new_link(session))
    await expect(page.locator("noscript img")).to_be_visible()
    width = await page.locator("noscript img").bounding_box()
    await page.get_by_text("Use a code instead").click()
    await page.get_by_label("Number of the phone").fill(PHONE)
    await page.get_by_role("button", name="Get a code").click()

    await expect(page.get_by_label("Your code")).to_have_text(re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}"))
    assert width is not None
    assert width["width"] > 200
    await context.close()


@pytest.mark.parametrize(("width", "height"), [(360, 640), (390, 844), (1440, 900), (3840, 2160)])
async def test_the_page_fits_and_can_be_used_by_everybody(
    served: Served, visit: Visit, width: int, height: int
) -> None:
    session = await served.fleet.create("a-rather-long-name-for-a-session-that-somebody-typed-once-0001")
    await visit.page.set_viewport_size({"width": width, "height": height})
    await visit.page.goto(await served.new_link(session))
    await expect(visit.page.locator("qr-pairing")).to_have_attribute("data-phase", "showing")
    await visit.page.get_by_text("Use a code instead").click()

    assert await visit.overflow() <= 0
    assert await audit(visit.page) == []


async def test_nothing_of_a_pairing_page_is_kept_or_told_elsewhere(served: Served) -> None:
    session = await served.fleet.create()
    address = await served.new_link(session)

    answer = await served.client.session.get(address)

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
