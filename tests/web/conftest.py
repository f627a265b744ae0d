"""The pages as the daemon serves them, over an engine in memory, and a browser to look at them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from gateway.api.credentials import Doorkeeper
from gateway.fleet.pairing_routes import PairingRoutes
from gateway.fleet.routes import SessionRoutes
from gateway.kit.ids import IdGenerator
from tests.conftest import missing
from tests.fleet.rig import FleetRig, build_rig
from tests.serving import EMAIL, PASSWORD, ClientFactory, Parts, build_parts
from web.home import HomePages
from web.keys import KeyPages
from web.mistakes import ErrorPages
from web.pages import Renderer
from web.pairing import PairingPages
from web.sessions import SessionPages
from web.sign_in import SignInPages
from web.site import Site
from web.statics import Statics
from web.visitor import Visitors

LINK_SECONDS = 3600


@dataclass(kw_only=True)
class Served:
    """The site, what is behind it, and a plain HTTP client of it."""

    parts: Parts
    fleet: FleetRig
    client: Any

    @property
    def address(self) -> str:
        return str(self.client.make_url("/")).rstrip("/")

    async def new_owner(self) -> None:
        token = await self.parts.accounts.make_setup_link(org_id=1)
        await self.parts.accounts.set_up(token=str(token), name="Olga", email=EMAIL, password=PASSWORD)

    async def new_link(self, session: Any, *, valid_seconds: int = LINK_SECONDS) -> str:
        """The address of a fresh pairing page."""
        _, token = await self.parts.database.write(
            lambda tx: self.fleet.links.create(tx, session, valid_seconds=valid_seconds)
        )
        return f"{self.address}/pair/{token}"


def build_site(parts: Parts, fleet: FleetRig) -> tuple[Site, ErrorPages]:
    statics = Statics()
    renderer = Renderer(statics=statics, version="test")
    doorkeeper = Doorkeeper(authenticator=parts.authenticator, cookie=parts.cookie)
    visitors = Visitors(doorkeeper=doorkeeper)
    tables = [
        HomePages(renderer=renderer, visitors=visitors, public_url=None),
        SignInPages(
            accounts=parts.accounts,
            cookie=parts.cookie,
            renderer=renderer,
            visitors=visitors,
            address_of=doorkeeper.address_of,
        ),
        SessionPages(
            database=parts.database,
            sessions=fleet.sessions,
            links=fleet.links,
            lifecycle=fleet.lifecycle,
            engine=fleet.engine,
            events=parts.events,
            renderer=renderer,
            visitors=visitors,
            public_url=None,
            link_seconds=LINK_SECONDS,
        ),
        KeyPages(database=parts.database, access=parts.access, renderer=renderer, visitors=visitors),
        PairingPages(
            database=parts.database,
            links=fleet.links,
            desk=fleet.desk,
            artist=fleet.artist,
            renderer=renderer,
            visitors=visitors,
            streams=parts.streams,
            clock=parts.clock,
        ),
    ]
    return Site(statics=statics, tables=tables), ErrorPages(renderer=renderer)


@pytest.fixture
async def served(
    database: Any, org: Any, clock: Any, ids: IdGenerator, tmp_path: Path, aiohttp_client: ClientFactory
) -> AsyncIterator[Served]:
    parts = build_parts(database=database, clock=clock, ids=ids)
    fleet = build_rig(database=database, clock=clock, ids=ids, folder=tmp_path, events=parts.events)
    site, mistakes = build_site(parts, fleet)
    await fleet.reconciler.start()
    await parts.hub.start()
    tables = [
        SessionRoutes(
            database=database,
            sessions=fleet.sessions,
            lifecycle=fleet.lifecycle,
            engine=fleet.engine,
            specs=fleet.specs,
            seals=fleet.seals,
            proxies=fleet.proxies,
        ),
        PairingRoutes(
            database=database,
            sessions=fleet.sessions,
            desk=fleet.desk,
            links=fleet.links,
            artist=fleet.artist,
            public_url=None,
            link_seconds=LINK_SECONDS,
        ),
    ]
    client = await parts.serve(aiohttp_client, tables=tables, install_pages=site.install, error_page=mistakes)
    yield Served(parts=parts, fleet=fleet, client=client)
    parts.streams.close()
    await parts.hub.stop()
    await fleet.desk.stop()
    await fleet.reconciler.stop()
    await fleet.engine.stop()


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing("chromium", "Chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


class Visit:
    """A browser window that remembers what its console complained about."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.complaints: list[str] = []
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(await self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.fixture
async def visit(chromium: Browser) -> AsyncIterator[Visit]:
    context = await chromium.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    context.set_default_timeout(10_000)
    page = await context.new_page()
    yield Visit(context, page)
    await context.close()
