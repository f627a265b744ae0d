"""Everything that customers and operators get wrong: each gets its own clear problem, and nothing is lost."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sqlite3
import struct
import sys
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.journeys.house import House, Line, Phone, Receiver, poll
from tests.media.samples import MP4, PDF, jpeg

pytestmark = pytest.mark.long

MEBIBYTE = 1024 * 1024


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def paths_of(problem: dict[str, Any]) -> list[str]:
    return [field["path"] for field in problem["fields"]]


def text_to(line: Line, to: str = "+12025550101", **more: Any) -> dict[str, Any]:
    return {"session": line.id, "to": to, "text": {"body": "hello"}, **more}


@pytest.fixture
async def anna(house: House) -> Phone:
    return await house.phone("Anna")


# recipients and sessions


@pytest.mark.parametrize(
    "to",
    [
        "12",
        "0151 23456789",
        "+49",
        "hello",
        "+1 202 555 01O1",
        "+999 1234567",
        "+1202555010199999",
        "5@broadcast",
        "offers@newsletter",
        "somebody@s.whatsapp.net",
        "@lid",
        "12025550101@example.com",
        "con_nonsense",
        "١٢٠٢٥٥٥٠١٠١",
    ],
)
async def test_a_wrong_number_is_refused_by_name(house: House, shop: Line, to: str) -> None:
    problem = await house.api.refused(422, "recipient_invalid", "POST", "/messages", text_to(shop, to))

    assert paths_of(problem) == ["to"]


async def test_a_wrong_mention_is_refused_by_its_place(house: House, shop: Line) -> None:
    body = text_to(shop, mentions=["+12025550102", "nobody"])

    problem = await house.api.refused(422, "recipient_invalid", "POST", "/messages", body)

    assert paths_of(problem) == ["mentions.1"]


async def test_a_number_that_is_not_on_whatsapp_fails_with_a_code(house: House, shop: Line) -> None:
    failed = await shop.send("+12025559999", "anybody there?", state="failed")

    assert failed["error"]["code"] == "recipient_unknown"
    assert failed["sent_at"] is None
    assert "9999" not in failed["error"]["detail"]
    retried = await house.api.post(f"/messages/{failed['id']}/retry")
    assert (retried["state"], retried["error"]) == ("queued", None)
    await shop.follow(failed["id"], "failed")


async def test_a_group_that_does_not_exist_fails_its_message_alone(house: House, line: Line, anna: Phone) -> None:
    lost = await line.queue("120363000000000000@g.us", "anybody there?")
    await line.send(anna, "right behind it")

    failed = await line.follow(lost["id"], "failed")

    assert failed["error"]["code"] == "recipient_unknown"


async def test_sessions_that_are_unknown_or_unpaired_say_so(house: House, anna: Phone) -> None:
    name = f"unpaired-{anna.number}"
    session = await house.api.post("/sessions", {"name": name})
    message = {"to": anna.e164, "text": {"body": "hello"}}

    for unknown in ("nobody", "ses_0000000000000", "ses_", session["id"].replace("ses_", "msg_"), "../admin"):
        await house.api.refused(404, "session_not_found", "POST", "/messages", {"session": unknown, **message})
    for known in (session["id"], name):
        await house.api.refused(409, "session_not_paired", "POST", "/messages", {"session": known, **message})
    for action in ("start", "restart", "logout"):
        await house.api.refused(409, "session_not_paired", "POST", f"/sessions/{name}/{action}")
    await house.api.refused(409, "session_name_taken", "POST", "/sessions", {"name": name})

    assert await house.api.all(f"/messages?session={name}") == []
    await house.api.delete(f"/sessions/{name}")
    await house.api.refused(404, "session_not_found", "GET", f"/sessions/{name}")


async def test_a_linked_session_cannot_be_linked_again(house: House, shop: Line) -> None:
    for method, path, body in (
        ("GET", "qr", None),
        ("POST", "pair-code", {"phone": "+12025550109"}),
        ("POST", "pairing-links", {}),
    ):
        await house.api.refused(409, "session_already_paired", method, f"/sessions/{shop.id}/{path}", body)


# files


async def test_files_that_are_too_large_are_refused_and_leave_nothing_behind(house: House, shop: Line) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(101):
            yield bytes(MEBIBYTE)

    upload = {"headers": {"Content-Type": "application/octet-stream"}, "data": endless()}
    await house.api.refused(413, "media_too_large", "POST", "/media", **upload)
    image = {"type": "image", "text": None, "image": {"base64": "A" * (33 * MEBIBYTE)}}
    await house.api.refused(413, "too_large", "POST", "/messages", text_to(shop, **image))

    assert list((Path(house.sandbox.rig.data) / "gateway" / "spool").iterdir()) == []
    assert (await house.api.get("/sessions"))["items"]


def bomb() -> bytes:
    """A small file that says of itself that it is a huge picture."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (head, b"IDAT" + zlib.compress(bytes(100)), b"IEND")
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


async def test_files_of_the_wrong_type_are_refused(house: House, shop: Line, anna: Phone) -> None:
    wrong = {
        "text as a picture": ("image", {"base64": encoded(b"just words"), "mimetype": "image/png"}),
        "a document as a picture": ("image", {"base64": encoded(PDF)}),
        "a picture as a film": ("video", {"base64": encoded(jpeg(8, 8))}),
        "a film as a document of another type": ("document", {"base64": encoded(MP4), "mimetype": "application/pdf"}),
        "half a picture": ("image", {"base64": encoded(jpeg(64, 64)[:300])}),
        "a picture of 900 megapixels": ("image", {"base64": encoded(bomb())}),
        "a page as a voice note": ("voice", {"base64": encoded(b"<html></html>"), "mimetype": "audio/ogg"}),
    }
    for name, (kind, part) in wrong.items():
        body = text_to(shop, anna.e164, type=kind, text=None, **{kind: part})
        problem = await house.api.refused(415, "media_type_refused", "POST", "/messages", body)
        assert paths_of(problem) == [f"{kind}.base64"], name

    assert await house.phones.messages(anna.number) == []


async def test_files_that_are_not_there_are_refused(house: House, shop: Line) -> None:
    async def refused(status: int, code: str, part: dict[str, Any]) -> None:
        body = text_to(shop, type="image", text=None, image=part)
        await house.api.refused(status, code, "POST", "/messages", body)

    await refused(422, "media_not_base64", {"base64": "not base64!"})
    await refused(422, "media_empty", {"base64": ""})
    await refused(404, "media_not_found", {"media_id": "med_0000000000001"})
    await refused(422, "invalid", {"media_id": "nonsense"})
    await refused(422, "invalid", {})
    await refused(422, "invalid", {"base64": "AA==", "url": "http://127.0.0.1/"})
    await refused(422, "media_url_failed", {"url": "http://127.0.0.1:1/nobody.jpg"})
    await refused(422, "media_url_failed", {"url": house.api.url + "/nowhere"})
    await refused(422, "address_refused", {"url": "http://169.254.169.254/latest/meta-data"})
    await refused(422, "address_refused", {"url": "file:///etc/passwd"})


# requests that cannot be read


@pytest.mark.parametrize(
    ("raw", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b'{"name": "\xff"}', "application/json", 400, "malformed_json"),
        (b'{"name": "a"} trailing', "application/json", 400, "malformed_json"),
        (b"[" * 100_000, "application/json", 400, "malformed_json"),
        (b"", "application/json", 400, "malformed_json"),
        (b"[]", "application/json", 422, "invalid"),
        (b"null", "application/json", 422, "invalid"),
        (b'{"name": 7}', "application/json", 422, "invalid"),
        (b'{"name": "a", "colour": "red"}', "application/json", 422, "invalid"),
        (b'{"name": "with a blank"}', "application/json", 422, "invalid"),
        (b'{"name": "ses_0000000000001"}', "application/json", 422, "invalid"),
        (b"name=a", "application/x-www-form-urlencoded", 415, "content_type_refused"),
        (b'{"name": "a"}', "text/plain", 415, "content_type_refused"),
        (b'{"name": "' + b"a" * 3 * MEBIBYTE + b'"}', "application/json", 413, "too_large"),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_a_body_that_cannot_be_read_is_refused(
    house: House, raw: bytes, kind: str, status: int, code: str
) -> None:
    before = await house.api.all("/sessions")

    await house.api.refused(status, code, "POST", "/sessions", data=raw, headers={"Content-Type": kind})

    assert await house.api.all("/sessions") == before


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"txt": {"body": "hello"}}, "txt"),
        ({"text": {"body": "hello", "bold": True}}, "text.bold"),
        ({"text": {"body": ""}}, "text.body"),
        ({"text": {"body": "x" * 65_537}}, "text.body"),
        ({"type": "fax"}, "type"),
        ({"type": "image"}, "body"),
        ({"priority": "urgent"}, "priority"),
        ({"send_at": "tomorrow"}, "send_at"),
        ({"send_at": "2031-01-01T09:00:00"}, "send_at"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"reply_to": "msg_nonsense"}, "reply_to"),
        ({"type": "location", "text": None, "location": {"latitude": 91, "longitude": 0}}, "location.latitude"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_wrong_field_is_named(house: House, shop: Line, more: dict[str, Any], path: str) -> None:
    problem = await house.api.refused(422, "invalid", "POST", "/messages", text_to(shop, **more))

    assert paths_of(problem) == [path]
    assert "hello" not in json.dumps(problem)


@pytest.mark.parametrize(
    ("query", "code", "path"),
    [
        ("limit=0", "invalid", "limit"),
        ("limit=1000", "invalid", "limit"),
        ("limit=ten", "invalid", "limit"),
        ("limit=1&limit=2", "invalid", "limit"),
        ("after=nonsense", "cursor_invalid", "after"),
        ("colour=red", "invalid", "colour"),
        ("state=happy", "invalid", "state"),
        ("chat=con_0000000000001", "invalid", "chat"),
        ("since=yesterday", "invalid", "since"),
    ],
)
async def test_a_wrong_query_is_named(house: House, query: str, code: str, path: str) -> None:
    problem = await house.api.refused(422, code, "GET", f"/messages?{query}")

    assert paths_of(problem) == [path]


async def test_addresses_that_are_not_there_are_problems_too(house: House) -> None:
    rows = ("sessions", "messages", "contacts", "chats", "webhooks", "media")
    names = ("session", "message", "contact", "chat", "webhook", "media")
    prefixes = ("ses", "msg", "con", "cht", "whk", "med")
    for row, name, prefix in zip(rows, names, prefixes, strict=True):
        for ref in (f"{prefix}_0000000000001", f"{prefix}_zzzzzzzzzzzzz", "1", "x" * 3000, "..%2f..", "'--"):
            await house.api.refused(404, f"{name}_not_found", "GET", f"/{row}/{ref}")

    for path in ("/", "/nothing", "/sessions/a/b/c", "/messages/"):
        await house.api.refused(404, "route_not_found", "GET", path)


async def test_a_null_character_is_refused_wherever_it_stands(house: House, shop: Line) -> None:
    body = text_to(shop, text={"body": "a\u0000b"})

    await house.api.refused(400, "malformed_request", "POST", "/messages", body)
    await house.api.refused(400, "malformed_request", "GET", "/sessions/%00")
    await house.api.refused(400, "malformed_request", "GET", "/messages?after=%00")


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/messages"), ("DELETE", "/messages"), ("PATCH", "/events"), ("TRACE", "/sessions")]
)
async def test_a_wrong_method_is_told_the_right_ones(house: House, method: str, path: str) -> None:
    answer = await house.api.ask(method, path)

    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


async def test_a_qr_code_comes_in_no_other_form(house: House) -> None:
    session = await house.api.post("/sessions", {"name": "formless"})

    answer = await house.api.ask("GET", f"/sessions/{session['id']}/qr", headers={"Accept": "application/pdf"})

    assert (answer.status, answer.code) == (406, "not_acceptable")
    await house.api.delete(f"/sessions/{session['id']}")


async def test_who_has_no_key_gets_nothing(house: House) -> None:
    for headers in (
        {"Authorization": ""},
        {"Authorization": "Bearer wag_wrong"},
        {"Authorization": "Basic Zm9vOmJhcg=="},
        {"Authorization": "Bearer " + "x" * 5000},
        {"Authorization": "", "X-API-Key": "nothing"},
    ):
        answer = await house.api.ask("GET", "/sessions", headers=headers)
        assert (answer.status, answer.code) in ((401, "unauthorized"), (401, "key_refused"))
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    await house.api.refused(
        401, "unauthorized", "GET", f"/sessions?api_key={house.api.key}", headers={"Authorization": ""}
    )


# doing it twice


async def test_a_repeated_request_happens_once_and_another_one_under_its_key_is_refused(
    house: House, shop: Line, anna: Phone
) -> None:
    key = {"Idempotency-Key": f"order-{anna.number}"}
    body = text_to(shop, anna.e164)

    answers = await asyncio.gather(*(house.api.ask("POST", "/messages", body, headers=key) for _ in range(5)))
    again = await house.api.ask("POST", "/messages", body, headers=key)
    await house.api.refused(
        422, "idempotency_key_reused", "POST", "/messages", {**body, "client_ref": "other"}, headers=key
    )
    await house.api.refused(
        422, "idempotency_key_invalid", "POST", "/messages", body, headers={"Idempotency-Key": "k" * 300}
    )
    await shop.follow(again.body["id"], "delivered")

    assert {answer.status for answer in answers} <= {202, 409}
    assert all(answer.code == "idempotency_in_progress" for answer in answers if answer.status == 409)
    assert all("Retry-After" in answer.headers for answer in answers if answer.status == 409)
    assert {answer.body["id"] for answer in answers if answer.status == 202} == {again.body["id"]}
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await house.phones.messages(anna.number)) == 1


async def test_a_refused_request_frees_its_key(house: House, shop: Line, anna: Phone) -> None:
    key = {"Idempotency-Key": f"typo-{anna.number}"}
    await house.api.refused(422, "recipient_invalid", "POST", "/messages", text_to(shop, "12"), headers=key)

    sent = await house.api.post("/messages", text_to(shop, anna.e164), headers=key)

    await shop.follow(sent["id"], "delivered")


async def test_what_has_gone_out_can_neither_be_called_back_nor_sent_again(
    house: House, shop: Line, anna: Phone
) -> None:
    sent = await shop.send(anna, "hello")

    await house.api.refused(409, "message_not_cancellable", "DELETE", f"/messages/{sent['id']}")
    await house.api.refused(409, "message_not_retryable", "POST", f"/messages/{sent['id']}/retry")
    other = await house.phone("Other")
    elsewhere = text_to(shop, other.e164, reply_to=sent["id"])
    problem = await house.api.refused(422, "invalid", "POST", "/messages", elsewhere)
    assert paths_of(problem) == ["reply_to"]


# webhooks that refuse


async def test_a_webhook_that_refuses_is_recorded_and_tried_again_and_holds_nobody_up(
    house: House, line: Line, anna: Phone, receiver: Receiver
) -> None:
    refusing = Receiver()
    await refusing.start()
    refusing.answers = [500]
    selection = {"events": ["message.received"], "sessions": [line.id]}
    bad = await house.api.post("/webhooks", {"url": refusing.url, **selection})
    good = await house.api.post("/webhooks", {"url": receiver.url, **selection})

    await house.phones.send_text(anna.number, line.phone.number, "are you open?")
    await receiver.saw(lambda event: event["data"]["text"]["body"] == "are you open?", timeout_seconds=3)
    path = f"/webhooks/{bad['id']}/deliveries"
    page = await house.api.until(path, lambda page: page["items"] and page["items"][0]["attempts"])
    [failed] = page["items"]
    refused = await house.api.get(f"/webhooks/{bad['id']}")
    await house.phones.send_text(anna.number, line.phone.number, "hello?")
    await receiver.saw(lambda event: event["data"]["text"]["body"] == "hello?", timeout_seconds=3)
    done = await house.api.until(f"{path}/{failed['id']}", lambda one: one["state"] == "delivered")

    assert (failed["attempts"][0]["status"], bool(failed["attempts"][0]["error"])) == (500, True)
    assert failed["due_at"] is not None
    assert refused["failures"] >= 1
    assert [attempt["status"] for attempt in done["attempts"]] == [500, 204]
    first, *_ = [call for call in refusing.calls if call.event["id"] == failed["event"]]
    assert [call.headers["webhook-id"] for call in refusing.calls].count(first.headers["webhook-id"]) == 2
    refusing.verify(bad["secret"])
    receiver.verify(good["secret"])
    await refusing.stop()
    for webhook in (bad, good):
        await house.api.delete(f"/webhooks/{webhook['id']}")


async def test_a_webhook_that_cannot_work_is_refused_at_once(house: House) -> None:
    async def refused(status: int, code: str, body: dict[str, Any]) -> dict[str, Any]:
        return await house.api.refused(status, code, "POST", "/webhooks", body)

    before = await house.api.all("/webhooks")
    await refused(422, "address_refused", {"url": "http://10.0.0.1/hook"})
    await refused(422, "address_refused", {"url": "ftp://example.com/hook"})
    await refused(422, "invalid", {"url": "http://127.0.0.1/hook", "events": ["message.sneezed"]})
    await refused(422, "invalid", {"url": "http://127.0.0.1/hook", "headers": {"Host": "elsewhere"}})
    await refused(404, "session_not_found", {"url": "http://127.0.0.1/hook", "sessions": ["nobody"]})
    assert [webhook["id"] for webhook in await house.api.all("/webhooks")] == [webhook["id"] for webhook in before]


# pairing pages


async def test_a_pairing_page_that_is_used_expired_withdrawn_or_made_up_says_which(house: House) -> None:
    session = await house.api.post("/sessions", {"name": "by-link"})
    links = f"/sessions/{session['id']}/pairing-links"
    expired = (await house.api.post(links, {"valid_seconds": 60}))["url"]
    with sqlite3.connect(Path(house.sandbox.rig.data) / "gateway" / "wagate.db", timeout=10) as store:
        store.execute("UPDATE pairing_links SET expires_at = '2026-01-01 00:00:00.000000'")
    answers = {"expired": await _look_at(house, expired)}
    withdrawn = (await house.api.post(links, {}))["url"]
    await house.api.delete(links)
    answers["withdrawn"] = await _look_at(house, withdrawn)
    answers["made up"] = await _look_at(house, f"{house.api.url}/pair/nonsense")
    used = (await house.api.post(links, {}))["url"]
    phone = await house.phone("Shop")
    await house.phones.scan(phone.number, (await house.api.get(f"/sessions/{session['id']}/qr"))["code"])
    await house.api.until(f"/sessions/{session['id']}", lambda found: found["status"] == "connected")
    answers["used"] = await _look_at(house, used)
    own = {"Sec-Fetch-Site": "same-origin"}
    async with house.api.http.post(f"{used}/code", data={"phone": phone.e164}, headers=own) as answer:
        posted = answer.status, (await answer.json(content_type=None))["code"]

    assert {name: status for name, (status, _) in answers.items()} == {
        "expired": 410,
        "withdrawn": 410,
        "made up": 404,
        "used": 200,
    }
    assert "expired" in answers["expired"][1]
    assert "withdrawn" in answers["withdrawn"][1]
    assert "data:image" not in answers["used"][1]
    assert posted == (409, "session_already_paired")
    await house.api.delete(f"/sessions/{session['id']}")


async def _look_at(house: House, url: str) -> tuple[int, str]:
    async with house.api.http.get(url, headers={"Accept": "text/html"}) as answer:
        return answer.status, await answer.text()


# what operators get wrong


async def wagate(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run the command; its exit code and what it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        *arguments,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, complaint.decode()


async def test_a_wrong_setting_is_named_with_what_was_meant(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[http]\nprot = 3005\n\n[log]\nlevel = "loud"\n')

    code, complaint = await wagate("serve", "--config", str(file))

    assert code == 2
    assert "http.prot" in complaint
    assert "did you mean port?" in complaint
    assert "log.level = 'loud'" in complaint
    assert "Traceback" not in complaint


async def test_a_second_daemon_finds_folder_and_port_taken_and_disturbs_nobody(
    house: House, shop: Line, anna: Phone, tmp_path: Path
) -> None:
    rig = house.sandbox.rig
    loopback = ("--loopback-file", str(Path(rig.data) / "loopback.json"))
    port = house.api.url.rpartition(":")[2]

    same_folder = await wagate("serve", *loopback, WAGATE_STORE__DATA_FOLDER=f"{rig.data}/gateway")
    same_port = await wagate(
        "serve", *loopback, WAGATE_STORE__DATA_FOLDER=str(tmp_path / "own"), WAGATE_HTTP__PORT=port
    )
    production = await wagate("serve", WAGATE_STORE__DATA_FOLDER=f"{rig.data}/gateway")

    assert same_folder[0] == 3
    assert f"in use by another wagate (process {rig.pids['gateway']})" in same_folder[1]
    assert same_port[0] == 3
    assert f"port {port}" in same_port[1]
    assert production[0] == 3
    assert "belongs to a sandbox gateway" in production[1]
    for _, complaint in (same_folder, same_port, production):
        assert complaint.count("\n") == 1, complaint
    await shop.send(anna, "still here")


# an unreadable key store


async def test_a_broken_key_store_fails_its_session_alone_and_linking_anew_loses_nothing(
    house: House, line: Line, shop: Line, anna: Phone
) -> None:
    keys = Path(house.sandbox.rig.data) / "gateway" / "sessions" / line.id / "keys.db"
    await line.send(anna, "before")
    await house.api.post(f"/sessions/{line.id}/stop")
    await line.becomes("stopped")
    for file in keys.parent.glob("keys.db*"):
        file.write_bytes(b"this is no key store" * 1000)

    await house.api.post(f"/sessions/{line.id}/start")
    failed = await line.becomes("failed")
    waiting = await line.queue(anna, "while broken")
    await shop.send(anna, "others go on")
    await house.api.refused(409, "session_not_connected", "POST", f"/sessions/{line.id}/logout")
    await house.api.post(f"/sessions/{line.id}/logout", {"force": True})
    assert (await house.api.get(f"/messages/{waiting['id']}"))["state"] == "queued"
    await line.scan()

    assert failed["reason"]["code"] == "store_unreadable"
    assert failed["reason"]["sentence"]
    assert failed["live"] is False
    await line.follow(waiting["id"], "delivered")

    async def arrived() -> bool:
        bodies = [message["text"]["body"] for message in await house.phones.messages(anna.number)]
        return bodies == ["before", "others go on", "while broken"]

    await poll(arrived)


async def test_events_refuse_what_they_cannot_give(house: House) -> None:
    await house.api.refused(422, "invalid", "GET", "/events?after=msg_0000000000001")
    await house.api.refused(422, "invalid", "GET", "/events?types=nothing.such")
    await house.api.refused(404, "session_not_found", "GET", "/events?session=nobody")


async def test_a_client_that_goes_away_in_the_middle_of_its_request_harms_nobody(house: House, shop: Line) -> None:
    host, port = "127.0.0.1", int(house.api.url.rpartition(":")[2])
    for said in (
        b"POST /api/v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{",
        b"GARBAGE\r\n\r\n",
        b"GET /api/v1/sessions HTTP/1.1\r\n" + b"X-Long: " + b"a" * 20_000 + b"\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(said)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        del reader

    assert (await house.api.get(f"/sessions/{shop.id}"))["status"] == "connected"
    async with aiohttp.ClientSession() as http, http.get(f"{house.api.url}/healthz") as answer:
        assert answer.status == 200
