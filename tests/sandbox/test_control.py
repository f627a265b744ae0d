"""The control API over real sockets."""

from __future__ import annotations

import asyncio
import base64
import json

import aiohttp
import pytest

from sessions.sandbox.control.client import ControlError

ANNA, BEN = "15550000001", "15550000002"


@pytest.fixture
async def http(control):
    async with aiohttp.ClientSession(base_url=f"{control.url}/sandbox/v1/") as http:
        yield http


async def refusal(answer: aiohttp.ClientResponse) -> tuple[int, str]:
    problem = await answer.json()
    assert answer.content_type == "application/problem+json"
    assert problem["type"] == f"urn:wagate:problem:{problem['code']}"
    assert {"title", "detail"} <= problem.keys()
    assert problem["status"] == answer.status
    return answer.status, problem["code"]


async def test_phones_are_listed_and_added(client):
    assert [phone["name"] for phone in await client.phones()] == ["Anna", "Ben", "Cara"]

    added = await client.add_phone("+49 1520 0000001", "Dora")

    assert (added["number"], added["name"], added["linked"]) == ("4915200000001", "Dora", [])
    assert await client.phone("+4915200000001") == added
    assert await client.send_text("4915200000001", ANNA, "hello from a new phone")


async def test_a_message_and_its_answer(client, eventually):
    sent = await client.send(ANNA, f"+{BEN}", text={"body": "hello"})
    assert sent["from"] == ANNA

    async def arrived():
        return await client.messages(BEN)

    (received,) = await eventually(arrived)
    assert {name: received[name] for name in ("id", "from", "to", "type", "text")} == {
        "id": sent["id"],
        "from": ANNA,
        "to": BEN,
        "type": "text",
        "text": {"body": "hello"},
    }
    assert await client.read(BEN) == [sent["id"]]
    assert (await client.messages(BEN))[0]["read"] is True
    assert await client.messages(ANNA) == []

    async def read():
        return (await client.messages(ANNA, sent=True))[0]["status"] == "read"

    await eventually(read)


async def test_only_the_newest_are_given_in_order_of_arrival(client, eventually):
    for number in range(5):
        await client.send_text(ANNA, BEN, str(number))

    async def arrived():
        return len(await client.messages(BEN)) == 5

    await eventually(arrived)
    assert [one["text"]["body"] for one in await client.messages(BEN, limit=2)] == ["3", "4"]
    assert [one["text"]["body"] for one in await client.messages(BEN, after=3)] == ["3", "4"]


async def test_a_picture_is_given_back_as_it_was_sent(client, eventually, http):
    data = b"\x89PNG\r\n\x1a\n not really a picture"
    content = {"base64": base64.b64encode(data).decode(), "mimetype": "image/png"}

    await client.send(ANNA, BEN, "image", image=content)

    async def arrived():
        return await client.messages(BEN)

    (received,) = await eventually(arrived)
    assert received["image"]["size"] == len(data)
    assert await client.file(received["image"]["url"]) == data


async def test_a_file_that_could_run_as_a_page_is_only_given_to_be_saved(client, eventually, http):
    page = {"base64": base64.b64encode(b"<script>1</script>").decode(), "mimetype": "text/html", "filename": "a.html"}
    sent = await client.send(ANNA, BEN, "document", document=page)

    async with http.get(sent["document"]["url"]) as answer:
        assert answer.content_type == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == "attachment"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "phones/15559999999", None, (404, "account_unknown")),
        ("GET", "phones/nobody/messages", None, (404, "account_unknown")),
        ("GET", f"phones/{ANNA}/messages?limit=0", None, (422, "invalid")),
        ("GET", f"phones/{ANNA}/media/7", None, (404, "message_unknown")),
        ("POST", "phones", {"number": "abc"}, (422, "invalid")),
        ("POST", "phones", {"number": f"+{ANNA}"}, (409, "phone_exists")),
        ("POST", f"phones/{ANNA}/scan", {"qr": "hello"}, (422, "qr_unknown")),
        ("POST", f"phones/{ANNA}/scan", {}, (422, "invalid")),
        ("POST", f"phones/{ANNA}/link", {"code": "ABCD-1234"}, (422, "code_unknown")),
        ("POST", f"phones/{ANNA}/unlink", {"index": 3}, (404, "device_unknown")),
        ("POST", f"phones/{ANNA}/messages", {"to": BEN}, (422, "invalid")),
        ("POST", f"phones/{ANNA}/messages", {"to": BEN, "type": "poem"}, (422, "invalid")),
        ("POST", f"phones/{ANNA}/messages", {"to": BEN, "text": {"body": ""}}, (422, "invalid")),
        ("POST", f"phones/{ANNA}/messages", {"to": "999999999", "text": {"body": "x"}}, (422, "recipient_unknown")),
        ("POST", f"phones/{ANNA}/messages", [1], (422, "invalid")),
        ("POST", f"phones/{ANNA}/typing", {}, (422, "invalid")),
        ("POST", f"phones/{ANNA}/typing", {"to": "999999999"}, (422, "recipient_unknown")),
        ("POST", "faults", {"kind": "earthquake"}, (422, "invalid")),
        ("GET", "weather", None, (404, "route_not_found")),
        ("PATCH", "phones", None, (405, "method_not_allowed")),
    ],
)
async def test_each_refusal_has_its_code(http, method, path, body, expected):
    async with http.request(method, path, json=body) as answer:
        assert await refusal(answer) == expected


@pytest.mark.parametrize("path", ["faults", f"phones/{ANNA}/messages"])
async def test_a_body_that_is_no_json_is_malformed(http, path):
    async with http.post(path, data=b"{", headers={"Content-Type": "application/json"}) as answer:
        assert await refusal(answer) == (400, "malformed")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_other_web_pages_cannot_use_it(http, headers):
    for method, path in (("GET", "phones"), ("POST", f"phones/{ANNA}/unlink")):
        async with http.request(method, path, headers=headers) as answer:
            assert await refusal(answer) == (403, "foreign_origin")


async def test_a_form_of_a_page_is_not_taken_for_json(http, control):
    headers = {"Origin": control.url, "Content-Type": "text/plain"}
    async with http.post(f"phones/{ANNA}/read", data=b"{}", headers=headers) as answer:
        assert await refusal(answer) == (415, "wrong_media_type")


async def test_the_page_is_locked_to_its_own_files(control):
    async with aiohttp.ClientSession() as http, http.get(control.url) as answer:
        assert answer.status == 200
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'")
        assert "unsafe" not in policy


async def test_faults_are_injected_listed_and_cleared(client, http):
    await client.inject("refuse", code=463, number=f"+{ANNA}", count=2)
    async with http.get("faults") as answer:
        (listed,) = (await answer.json())["items"]
    assert {name: listed[name] for name in ("kind", "code", "number", "count", "left")} == {
        "kind": "refuse",
        "code": 463,
        "number": ANNA,
        "count": 2,
        "left": 2,
    }

    assert await client.clear_faults() == 1
    assert (await client.state())["faults"] == []


async def test_news_are_told_as_they_happen(client):
    async with asyncio.timeout(10):
        news = client.events()
        assert await anext(news) == ("ready", "{}")
        await client.send_text(ANNA, BEN, "hello")
        while True:
            kind, details = await anext(news)
            if json.loads(details)["number"] == BEN:
                break
        await news.aclose()

    assert kind == "message"
    assert json.loads(details)["chat"] == ANNA


async def test_the_client_tells_refusals_by_code(client):
    with pytest.raises(ControlError) as refused:
        await client.scan(ANNA, "not a code")

    assert (refused.value.status, refused.value.code) == (422, "qr_unknown")


async def test_the_state_says_where_clients_find_this_whatsapp(client, whatsapp):
    state = await client.state()

    assert state["proxy"] == whatsapp.proxy_url
    assert len(bytes.fromhex(state["root_key"])) == 32
    assert (state["unknown"], state["failures"]) == (0, 0)
    assert await client.unknown() == []
