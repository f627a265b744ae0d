"""What the pages answer to plain HTTP: who gets in, what other sites may not do, what browsers may keep."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.serving import EMAIL, FROM_OUR_PAGE, PASSWORD
from tests.web.conftest import Served
from web.visitor import safe_target

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def owner_cookie(served: Served) -> dict[str, str]:
    await served.new_owner()
    signed_in = await served.parts.accounts.sign_in(email=EMAIL, password=PASSWORD, address="127.0.0.1")
    return {"Cookie": f"{served.parts.cookie.name}={signed_in.token}"}


@pytest.mark.parametrize("path", ["/sessions", "/keys", "/sessions/shop"])
async def test_pages_for_owners_lead_others_to_the_sign_in(served: Served, path: str) -> None:
    answer = await served.client.get(path, allow_redirects=False)

    assert answer.status == 303
    assert answer.headers["Location"] == f"/sign-in?next={path}"


@pytest.mark.parametrize(
    "path", ["/sessions", "/sessions/shop/delete", "/sessions/shop/logout", "/keys", "/sign-out", "/sign-in"]
)
async def test_another_site_cannot_change_anything_in_the_owners_name(served: Served, path: str) -> None:
    headers = await owner_cookie(served) | {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    await served.fleet.create("shop")

    answer = await served.client.post(path, headers=headers | FORM, data="name=x", allow_redirects=False)

    assert answer.status == 403
    assert (await served.client.get("/api/v1/sessions/shop", headers=headers)).status == 200


async def test_a_page_that_needs_a_right_works_with_our_own_form(served: Served) -> None:
    headers = await owner_cookie(served) | FROM_OUR_PAGE | FORM

    answer = await served.client.post("/sessions", headers=headers, data="name=shop", allow_redirects=False)

    assert answer.status == 303
    assert re.fullmatch(r"/sessions/ses_[0-9a-z]{13}", answer.headers["Location"])


@pytest.mark.parametrize(
    ("given", "led_to"),
    [
        ("/keys", "/keys"),
        ("/sessions?status=failed", "/sessions?status=failed"),
        ("https://evil.example/", "/sessions"),
        ("//evil.example/", "/sessions"),
        ("/\\evil.example/", "/sessions"),
        ("javascript:alert(1)", "/sessions"),
        ("/x\nSet-Cookie: a=b", "/sessions"),
        ("/\t/evil.example", "/sessions"),
    ],
)
def test_signing_in_never_leads_to_another_site(given: str, led_to: str) -> None:
    assert safe_target(given) == led_to


async def test_errors_are_pages_for_people_and_documents_for_programs(served: Served) -> None:
    page = await served.client.get("/nothing", headers={"Accept": "text/html"})
    document = await served.client.get("/nothing")

    assert page.status == document.status == 404
    assert "There is nothing here" in await page.text()
    assert page.headers["X-Request-Id"] in await page.text()
    assert document.content_type == "application/problem+json"


async def test_static_files_may_be_kept_for_ever_under_their_present_address_only(served: Served) -> None:
    html = await (await served.client.get("/")).text()
    address = re.findall(r'href="(/static/[0-9a-f]{12}/base\.css)"', html)[0]

    current = await served.client.get(address)
    other = await served.client.get("/static/000000000000/base.css")
    missing = await served.client.get(address.replace("base.css", "..%2Fpages.py"))

    assert "immutable" in current.headers["Cache-Control"]
    assert current.content_type == "text/css"
    assert other.headers["Cache-Control"] == "no-cache"
    assert missing.status == 404


async def test_pages_run_no_inline_code(served: Served) -> None:
    html = await (await served.client.get("/")).text()

    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"\s(style|on[a-z]+)=", html)


async def test_a_pairing_token_that_is_wrong_opens_nothing(served: Served) -> None:
    for path in ("/pair/x", "/pair/x/events", "/pair/x/qr.svg"):
        assert (await served.client.get(path)).status == 404


async def test_another_site_cannot_ask_for_phone_codes_in_a_visitors_name(served: Served) -> None:
    session = await served.fleet.create()
    address = await served.new_link(session)
    headers = FORM | {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}

    answer = await served.client.session.post(f"{address}/code", headers=headers, data="phone=%2B15550100001")

    assert answer.status == 403


async def test_open_streams_end_when_the_daemon_stops(served: Served, eventually: Any) -> None:
    session = await served.fleet.create()
    address = await served.new_link(session)
    stream = await served.client.session.get(f"{address}/events")
    first = await stream.content.readuntil(b"\n\n")

    served.parts.streams.close()
    rest = await stream.content.read()

    assert stream.content_type == "text/event-stream"
    assert first
    assert rest is not None
