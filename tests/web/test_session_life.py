"""What the page of a session says of its life and its restrictions, and that it keeps up with them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.async_api import expect

from gateway.fleet.models import Session
from gateway.fleet.render import session_id
from sessions.events import Ended, KeepAlive
from sessions.protocol import Pulse
from sessions.status import Reason
from tests.web.audit import audit
from tests.web.conftest import Served, Visit
from tests.web.test_pages import sign_in

PHONE = "+15550100001"


async def shown(served: Served, visit: Visit, eventually: Any) -> Session:
    """The page of a connected session."""
    await sign_in(served, visit)
    session = await served.fleet.create("shop")
    linked = await served.fleet.link(session, PHONE, eventually)
    proof = Pulse(session_id=session_id(session), last_frame_at=time.time(), last_proof_at=time.time(), probe_ms=41.6)
    served.fleet.engine.pulse(proof)
    await visit.page.goto(f"{served.address}/sessions/shop")
    return linked


@pytest.mark.parametrize("width", [390, 1440])
async def test_the_page_shows_whether_a_session_is_alive_and_follows_it(
    served: Served, visit: Visit, eventually: Any, width: int
) -> None:
    page = visit.page
    await page.set_viewport_size({"width": width, "height": 900})
    session = await shown(served, visit, eventually)

    await expect(page.locator("#life")).to_have_text("Alive")
    await expect(page.locator(".facts")).to_contain_text("answers in 42 ms")
    served.fleet.engine.report(session_id(session), KeepAlive(failures=1))
    await expect(page.locator("#life")).to_have_text("WhatsApp does not answer")
    await expect(page.locator(".badge").first).to_have_text("Connected, but silent")
    assert await audit(page) == []
    assert await visit.overflow() <= 0
    served.fleet.engine.report(session_id(session), KeepAlive(failures=0))
    await expect(page.locator("#life")).to_have_text("Alive")

    await expect(page.locator(".happenings").first).to_contain_text("Alive again")
    assert visit.complaints == []


@pytest.mark.parametrize("width", [390, 1440])
async def test_the_page_of_a_banned_session_says_why_and_until_when_and_offers_no_start(
    served: Served, visit: Visit, eventually: Any, width: int
) -> None:
    page = visit.page
    await page.set_viewport_size({"width": width, "height": 900})
    session = await shown(served, visit, eventually)
    until = served.fleet.clock.now().timestamp() + 7200

    served.fleet.engine.report(session_id(session), Ended(reason=Reason.TEMPORARY_BAN, until=until, code=104))

    await expect(page.locator("#restriction")).to_contain_text("The same message went to too many people.")
    await expect(page.locator("#restriction time")).to_be_visible()
    await expect(page.get_by_role("button", name="Start", exact=True)).to_have_count(0)
    await expect(page.locator("#life")).to_have_count(0)
    assert await audit(page) == []
    assert await visit.overflow() <= 0


async def test_a_time_lock_is_told_beside_a_session_that_goes_on(served: Served, visit: Visit, eventually: Any) -> None:
    session = await shown(served, visit, eventually)
    at = served.fleet.clock.now()

    await served.fleet.change(session, lambda tx, row: served.fleet.sessions.note_timelock(tx, row, at))

    await expect(visit.page.locator("#restriction")).to_contain_text("does not let this number start new chats")
    await expect(visit.page.locator(".badge").first).to_have_text("Connected")
    assert visit.complaints == []
