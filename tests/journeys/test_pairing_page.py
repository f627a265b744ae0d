"""The pairing page with everything real behind it: the daemon, its worker processes and the loopback WhatsApp."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from playwright.async_api import async_playwright, expect

from gateway.sandbox.rig import Sandbox
from sessions.sandbox.control.client import SandboxClient
from tests.conftest import missing

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.long]


@pytest.fixture(scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    started = Sandbox(data=tmp_path_factory.mktemp("pairing") / "sandbox")
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
async def page() -> AsyncIterator[Any]:
    path = shutil.which("chromium")
    if path is None:
        missing("chromium", "Chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        shown = await browser.new_page(viewport={"width": 390, "height": 844})
        shown.set_default_timeout(20_000)
        yield shown
        await browser.close()


class Caller:
    """An API client of the sandbox's gateway."""

    def __init__(self, sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
        self._base = f"{sandbox.rig.gateway}/api/v1"
        self._http = http
        self._headers = {"Authorization": f"Bearer {sandbox.rig.api_key}", "Accept": "application/json"}

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with self._http.request(method, self._base + path, json=body, headers=self._headers) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()


async def test_a_phone_scans_the_page_and_the_page_says_connected(sandbox: Sandbox, page: Any) -> None:
    number = sandbox.rig.phones[0].number
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    async with aiohttp.ClientSession() as http, SandboxClient(url=sandbox.rig.control) as phones:
        caller = Caller(sandbox, http)
        await caller.ask("POST", "/sessions", {"name": "scanned"})
        link = await caller.ask("POST", "/sessions/scanned/pairing-links", {})

        await page.goto(link["url"])
        attempt = page.locator("qr-pairing")
        await expect(attempt).to_have_attribute("data-phase", "showing", timeout=20_000)
        await page.get_by_text("The code as text").click()
        await phones.scan(number, await page.get_by_label("The code as text").input_value())
        await expect(attempt).to_have_attribute("data-phase", "connected", timeout=20_000)

        linked = await caller.ask("GET", "/sessions/scanned")
        assert linked["status"] == "connected"
        assert linked["phone"] == f"+{number.lstrip('+')}"
        assert linked["live"]
        assert complaints == []
        await page.reload()
        await expect(page.get_by_role("heading", name="Your phone is linked", exact=True)).to_be_visible()


async def test_two_pages_alone_lead_from_the_qr_code_to_a_chat(sandbox: Sandbox, page: Any) -> None:
    owner = sandbox.rig.phones[3]
    friend = sandbox.rig.phones[4]
    async with aiohttp.ClientSession() as http:
        caller = Caller(sandbox, http)
        await caller.ask("POST", "/sessions", {"name": "pages"})
        link = await caller.ask("POST", "/sessions/pages/pairing-links", {})
        phone = await page.context.browser.new_page(viewport={"width": 1280, "height": 800})

        await page.goto(link["url"])
        await page.get_by_text("The code as text").click()
        shown = page.get_by_label("The code as text")
        await expect(shown).to_have_value(re.compile("^https://wa.me/"), timeout=20_000)
        await phone.goto(sandbox.rig.control)
        await phone.get_by_role("navigation").get_by_role("link", name=owner.name).click()
        await phone.get_by_role("button", name="Link a device").click()
        await phone.get_by_label("Text of the QR code").fill(await shown.input_value())
        await phone.get_by_role("button", name="Scan").click()
        await expect(page.get_by_text("Connected", exact=True)).to_be_visible(timeout=20_000)

        text = {"session": "pages", "to": f"+{friend.number}", "type": "text", "text": {"body": "Shall we meet?"}}
        await caller.ask("POST", "/messages", text)
        await phone.goto(sandbox.rig.control)
        await phone.get_by_role("navigation").get_by_role("link", name=friend.name).click()
        await phone.locator("#chat-list").get_by_role("link", name=owner.name).click()
        await expect(phone.locator(".bubble", has_text="Shall we meet?")).to_be_visible(timeout=10_000)
        await phone.get_by_role("textbox", name="Message").fill("At eight")
        await phone.keyboard.press("Enter")

        await expect_answer(caller, "pages", "At eight")


async def test_a_code_typed_on_the_phone_links_it_and_unlinking_there_is_noticed(sandbox: Sandbox, page: Any) -> None:
    number = sandbox.rig.phones[1].number
    async with aiohttp.ClientSession() as http, SandboxClient(url=sandbox.rig.control) as phones:
        caller = Caller(sandbox, http)
        await caller.ask("POST", "/sessions", {"name": "typed"})
        link = await caller.ask("POST", "/sessions/typed/pairing-links", {})

        await page.goto(link["url"])
        await page.get_by_text("Use a code instead").click()
        await page.get_by_label("Number of the phone").fill(f"+{number.lstrip('+')}")
        await page.get_by_role("button", name="Get a code").click()
        code = page.get_by_label("Your code")
        await expect(code).not_to_be_empty(timeout=20_000)
        await phones.link(number, str(await code.text_content()))
        await expect(page.locator("qr-pairing")).to_have_attribute("data-phase", "connected", timeout=20_000)
        await phones.unlink(number)

        await expect_status(caller, "typed", "logged_out")
        unlinked = await caller.ask("GET", "/sessions/typed")
        assert unlinked["reason"]["code"] == "unlinked_from_phone"
        assert not unlinked["paired"]


async def test_the_same_phone_cannot_be_linked_twice(sandbox: Sandbox, page: Any) -> None:
    number = sandbox.rig.phones[2].number
    async with aiohttp.ClientSession() as http, SandboxClient(url=sandbox.rig.control) as phones:
        caller = Caller(sandbox, http)
        for name in ("first", "second"):
            await caller.ask("POST", "/sessions", {"name": name})
        shown = await caller.ask("GET", "/sessions/first/qr")
        await phones.scan(number, shown["code"])
        await expect_status(caller, "first", "connected")
        link = await caller.ask("POST", "/sessions/second/pairing-links", {})

        await page.goto(link["url"])
        await expect(page.locator("qr-pairing")).to_have_attribute("data-phase", "showing", timeout=20_000)
        await phones.scan(number, (await caller.ask("GET", "/sessions/second/qr"))["code"])

        await expect(page.get_by_role("heading", name="This phone is already linked here")).to_be_visible(
            timeout=20_000
        )
        await poll(lambda: has_one_device(phones, number))
        assert (await caller.ask("GET", "/sessions/first"))["status"] == "connected"


async def expect_answer(caller: Caller, session: str, body: str) -> None:
    async with asyncio.timeout(20):
        while True:
            page = await caller.ask("GET", f"/messages?session={session}&direction=in")
            if any(item["text"]["body"] == body for item in page["items"]):
                return
            await asyncio.sleep(0.05)


async def expect_status(caller: Caller, name: str, status: str) -> None:
    async def has_it() -> bool:
        return bool((await caller.ask("GET", f"/sessions/{name}"))["status"] == status)

    await poll(has_it)


async def has_one_device(phones: SandboxClient, number: str) -> bool:
    """The phone has dropped the device that was turned away."""
    return len((await phones.phone(number))["linked"]) == 1


async def poll(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.05)
