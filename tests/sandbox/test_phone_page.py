"""The page of the virtual phones in a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.sandbox.engine_seat import Seat

ANNA, BEN = "15550000001", "15550000002"
CHROMIUM = shutil.which("chromium")

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"), pytest.mark.long]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture(params=[(1440, 900), (390, 844)], ids=["desk", "phone"])
async def page(request, browser, control) -> AsyncIterator[Page]:
    """The page, which may neither fail nor break its own security policy."""
    width, height = request.param
    context = await browser.new_context(viewport={"width": width, "height": height})
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    await page.goto(control.url)
    yield page
    await context.close()
    assert [one for one in problems if "Failed to load resource" not in one] == []


async def open_chat(page: Page, phone: str, chat: str) -> None:
    await page.get_by_role("navigation").get_by_role("link", name=phone).click()
    await page.locator("#chat-list").get_by_role("link", name=chat).click()


async def test_a_chat_shows_what_comes_and_what_becomes_of_what_was_sent(page, client):
    await open_chat(page, "Anna", "Ben")
    await page.get_by_role("textbox", name="Message").fill("good morning")
    await page.keyboard.press("Enter")
    mine = page.locator(".bubble", has_text="good morning")
    await expect(mine.get_by_label("delivered")).to_be_visible()

    await client.read(BEN)
    await expect(mine.get_by_label("read")).to_be_visible()

    await client.typing(BEN, ANNA)
    await expect(page.locator("#peer-state")).to_have_text("typing…")
    await client.send_text(BEN, ANNA, "<b>good</b> morning")
    await expect(page.locator(".bubble", has_text="<b>good</b> morning")).to_be_visible()
    await expect(page.locator("#peer-state")).not_to_have_text("typing…")

    await page.get_by_role("button", name="Mark as read").click()
    await expect(page.get_by_role("button", name="Mark as read")).to_be_hidden()
    assert [one["read"] for one in await client.messages(ANNA)] == [True]


async def test_a_picture_is_sent_and_shown(page, client, eventually):
    picture = b"\x89PNG\r\n\x1a\n"
    await open_chat(page, "Anna", "Ben")

    await page.get_by_label("Send a picture or a file").set_input_files(
        {"name": "cat.png", "mimeType": "image/png", "buffer": picture}
    )

    await expect(page.locator(".bubble img")).to_have_count(1)

    async def arrived():
        return await client.messages(BEN)

    (received,) = await eventually(arrived)
    assert await client.file(received["image"]["url"]) == picture


async def test_what_goes_wrong_is_said_in_words(page, client):
    await page.get_by_role("navigation").get_by_role("link", name="Anna").click()
    await page.get_by_role("button", name="Link a device").click()
    await page.get_by_label("Text of the QR code").fill("not a code")
    await page.get_by_role("button", name="Scan").click()

    await expect(page.locator("#link-outcome")).to_have_text("this is not a WhatsApp linking code")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()


async def test_a_phone_is_added_and_opened(page):
    await page.get_by_text("Add a phone").click()
    await page.get_by_label("Number").fill("12")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_role("alert").first).to_contain_text("not a phone number")

    await page.get_by_label("Number").fill("+49 1520 0000009")
    await page.get_by_label("Name").fill("Dora")
    await page.get_by_role("button", name="Add", exact=True).click()

    await expect(page.get_by_role("heading", name="Dora")).to_be_visible()


async def test_nothing_is_wider_than_the_screen(page):
    for address in ("#/", f"#/{ANNA}", f"#/{ANNA}/{BEN}"):
        await page.evaluate("address => { location.hash = address }", address)
        await expect(page.locator(f'.frame[data-depth="{address.count("/") - (address == "#/")}"]')).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_device_is_linked_and_unlinked_with_the_real_engine(page, whatsapp, tmp_path):
    seat = Seat(whatsapp=whatsapp, folder=tmp_path / "session")
    try:
        qr = await seat.show_qr()
        await page.get_by_role("navigation").get_by_role("link", name="Anna").click()
        await page.get_by_role("button", name="Link a device").click()
        await page.get_by_label("Text of the QR code").fill(qr)
        await page.get_by_role("button", name="Scan").click()
        await expect(page.locator("#link-outcome")).to_contain_text("Linked")
        await seat.connected()
        await page.get_by_role("button", name="Close").click()
        await expect(page.locator("#devices")).to_contain_text("online")

        await page.get_by_role("button", name="Unlink").click()
        await expect(page.locator("#devices")).to_contain_text("None yet")
    finally:
        await seat.supervisor.stop()


async def test_each_chat_keeps_its_draft(page):
    await open_chat(page, "Anna", "Ben")
    await page.get_by_role("textbox", name="Message").fill("for Ben")
    await page.evaluate("location.hash = '#/15550000001/15550000003'")
    await expect(page.get_by_role("textbox", name="Message")).to_have_value("")

    await page.go_back()

    await expect(page.get_by_role("textbox", name="Message")).to_have_value("for Ben")


async def test_what_has_not_changed_stays_in_its_place(page, client):
    await client.send_text(BEN, ANNA, "first")
    await open_chat(page, "Anna", "Ben")
    first = await page.locator(".bubble", has_text="first").element_handle()

    await client.send_text(BEN, ANNA, "second")

    await expect(page.locator(".bubble")).to_have_text([re.compile("first"), re.compile("second")])
    assert await first.evaluate("element => element.isConnected")
