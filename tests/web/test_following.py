"""Following events from a real browser: our own pages by their sign-in, other people's pages by a ticket."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.events.speaking import say
from tests.serving import EMAIL, PASSWORD
from tests.web.conftest import Served, Visit

pytestmark = pytest.mark.browser

#: Opens a socket in the page; what it says ends up in ``heard``, the code of its end in ``ended``.
FOLLOW = """address => new Promise(resolve => {
    window.heard = [];
    const socket = new WebSocket(address);
    socket.onmessage = message => {
        const said = JSON.parse(message.data);
        heard.push(said);
        if (said.type === "subscribed") resolve("subscribed");
    };
    socket.onclose = end => { window.ended = end.code; resolve(`closed ${end.code}`); };
})"""


async def sign_in(served: Served, visit: Visit) -> None:
    await served.new_owner()
    await visit.page.goto(f"{served.address}/sign-in")
    await visit.page.get_by_label("E-mail").fill(EMAIL)
    await visit.page.get_by_label("Password").fill(PASSWORD)
    await visit.page.get_by_role("button", name="Sign in").click()
    await visit.page.wait_for_url("**/sessions")


def socket_address(served: Served, query: str) -> str:
    return f"{served.address.replace('http', 'ws', 1)}/api/v1/ws{query}"


async def foreign_page(aiohttp_server: Any) -> str:
    """The address of somebody else's page."""
    app = web.Application()

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Shop</title>", content_type="text/html")

    app.router.add_get("/", page)
    server: TestServer = await aiohttp_server(app)
    return str(server.make_url("/"))


async def test_a_signed_in_page_follows_over_a_socket(served: Served, visit: Visit) -> None:
    await sign_in(served, visit)

    assert await visit.page.evaluate(FOLLOW, socket_address(served, "?types=webhook.*")) == "subscribed"
    [event_id] = await say(served.parts, 1)
    await visit.page.wait_for_function("heard.length === 3")

    told = await visit.page.evaluate("heard.at(-1)")
    assert (told["id"], told["type"], told["data"]) == (event_id, "webhook.test", {"number": 1})
    assert visit.complaints == []


async def test_another_site_gets_in_with_a_ticket_and_not_with_our_cookie(
    served: Served, visit: Visit, aiohttp_server: Any
) -> None:
    await sign_in(served, visit)
    key = {"X-API-Key": await served.parts.make_key()}
    ticket = (await (await served.client.post("/api/v1/events/tickets", headers=key)).json())["ticket"]
    await visit.page.goto(await foreign_page(aiohttp_server))

    refused = await visit.page.evaluate(FOLLOW, socket_address(served, "?types=webhook.*"))
    let_in = await visit.page.evaluate(FOLLOW, socket_address(served, f"?types=webhook.*&ticket={ticket}"))
    again = await visit.page.evaluate(FOLLOW, socket_address(served, f"?types=webhook.*&ticket={ticket}"))

    assert (refused, let_in, again) == ("closed 1006", "subscribed", "closed 4401")
