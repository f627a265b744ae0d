"""Messages of every kind, both ways, between a customer's program and phones."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web

from tests.journeys.house import House, Line, Phone, Receiver, poll
from tests.media.samples import MP4, PDF, jpeg, needs_ffmpeg, ogg_opus, png, wav

_ORDER = ("queued", "sent", "delivered", "read", "played")


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture
async def anna(house: House) -> Phone:
    return await house.phone("Anna")


async def states_told(house: House, message_id: str) -> list[str]:
    """The states of a message in the order in which the event log tells them."""
    events = await house.api.all("/events?types=message.queued,message.status")
    return [event["data"]["state"] for event in events if event["subject"]["id"] == message_id]


async def on_phone(house: House, phone: Phone, count: int) -> list[dict[str, Any]]:
    """Everything that reached a phone, once it is this much; a double makes it fail."""

    async def look() -> list[dict[str, Any]] | None:
        found = await house.phones.messages(phone.number)
        return found if len(found) >= count else None

    found = await poll(look)
    assert len(found) == count, found
    return list(found)


def in_order(message: dict[str, Any]) -> bool:
    """Nothing happens to a message before what must come first."""
    names = ("created_at", "sent_at", "delivered_at", "read_at", "played_at")
    times = [message[name] for name in names if message[name] is not None]
    return all(first <= then for first, then in pairwise(times))


async def test_a_text_goes_through_its_states_once_each_and_forward_only(house: House, line: Line, anna: Phone) -> None:
    queued = await line.queue(anna, "Good morning", client_ref="order-7")
    await line.follow(queued["id"], "delivered")
    await house.phones.read(anna.number)
    read = await line.follow(queued["id"], "read")

    assert queued["state"] == "queued"
    assert await states_told(house, queued["id"]) == ["queued", "sent", "delivered", "read"]
    assert in_order(read), read
    assert (read["client_ref"], read["attempts"], read["error"]) == ("order-7", 1, None)
    events = await house.api.get(f"/messages/{queued['id']}/events")
    assert [receipt["kind"] for receipt in events["receipts"]] == ["delivered", "read"]
    [shown] = await on_phone(house, anna, 1)
    assert (shown["id"], shown["from"], shown["text"]) == (read["wa_id"], line.phone.number, {"body": "Good morning"})


@pytest.mark.parametrize(
    "body",
    [
        "x" * 60_000,
        "👩‍👩‍👧‍👦 🇧🇷 ünïcödé ﷽ 𝄞",
        "שלום עולם \u200fمرحبا بالعالم",
        " \n leading, trailing and\r\n\ttabs \n ",
        "*bold* <b>not markup</b> {{name}} %s \\n 'quotes\" -- ; DROP",
    ],
    ids=["60k", "emoji", "rtl", "blanks", "punctuation"],
)
async def test_a_text_arrives_letter_for_letter_both_ways(house: House, shop: Line, body: str) -> None:
    anna = await house.phone("Anna")
    sent = await shop.send(anna, body)
    await house.phones.send_text(anna.number, shop.phone.number, body)
    [shown] = await on_phone(house, anna, 1)
    answers = await house.api.until(f"/messages?chat={sent['chat']}&direction=in", lambda page: len(page["items"]) == 1)

    assert shown["text"]["body"] == body
    assert sent["text"]["body"] == body
    assert answers["items"][0]["text"]["body"] == body


@needs_ffmpeg
async def test_every_kind_of_file_reaches_the_phone_unharmed(house: House, line: Line, anna: Phone, tmp_path) -> None:
    note, film, picture = ogg_opus(tmp_path, 2), MP4, jpeg(640, 480)
    media = await house.api.upload(picture, "image/jpeg", "view.jpg")

    await line.send(anna, type="image", image={"media_id": media["id"], "caption": "The view"})
    await line.send(anna, type="video", video={"base64": encoded(film), "caption": "Look"})
    await line.send(anna, type="audio", audio={"base64": encoded(wav(1)), "mimetype": "audio/wav"})
    await line.send(anna, type="voice", voice={"base64": f"data:audio/ogg;base64,{encoded(note)}"})
    await line.send(anna, type="document", document={"base64": encoded(PDF), "filename": "Rechnung März.pdf"})
    await line.send(anna, type="location", location={"latitude": -23.55, "longitude": -46.63, "name": "Sé"})

    shown = await on_phone(house, anna, 6)
    assert [message["type"] for message in shown] == ["image", "video", "audio", "voice", "document", "location"]
    for message, content in zip(shown[:5], (picture, film, wav(1), note, PDF), strict=True):
        kind = message["type"]
        assert await house.phones.file(message[kind]["url"]) == content
        assert message[kind]["sha256"] == hashlib.sha256(content).hexdigest()
    assert (shown[0]["image"]["caption"], shown[0]["image"]["width"]) == ("The view", 640)
    assert shown[1]["video"]["caption"] == "Look"
    assert shown[3]["voice"]["seconds"] == 2
    assert shown[4]["document"]["filename"] == "Rechnung März.pdf"
    assert shown[5]["location"] == {"latitude": -23.55, "longitude": -46.63, "name": "Sé"}


async def test_a_file_is_fetched_from_a_url(house: House, line: Line, anna: Phone) -> None:
    picture = png(300, 200)

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=picture, content_type="image/png")

    app = web.Application()
    app.router.add_get("/shots/last.png", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/shots/last.png"

    sent = await line.send(anna, type="image", image={"url": url})
    await runner.cleanup()

    [shown] = await on_phone(house, anna, 1)
    assert await house.phones.file(shown["image"]["url"]) == picture
    assert (sent["image"]["filename"], sent["image"]["width"]) == ("last.png", 300)
    async with house.api.http.get(
        f"{house.api.url}{sent['image']['url']}", headers={"X-API-Key": house.api.key}
    ) as answer:
        assert await answer.read() == picture


@needs_ffmpeg
async def test_files_that_arrive_are_fetched_byte_for_byte(house: House, line: Line, anna: Phone, tmp_path) -> None:
    files = {
        "image": ({"mimetype": "image/jpeg", "caption": "see"}, jpeg(320, 200)),
        "video": ({"mimetype": "video/mp4", "seconds": 1}, MP4),
        "audio": ({"mimetype": "audio/mpeg"}, b"ID3\x03\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x00" * 200),
        "voice": ({"mimetype": "audio/ogg; codecs=opus", "seconds": 1}, ogg_opus(tmp_path, 1)),
        "document": ({"mimetype": "application/pdf", "filename": "../bill.pdf"}, PDF),
    }
    for kind, (more, content) in files.items():
        part = {"base64": encoded(content), **more}
        await house.phones.send(anna.number, line.phone.number, kind, **{kind: part})

    arrived = await line.received(5)
    for message, (kind, (_, content)) in zip(arrived, files.items(), strict=True):
        name = "audio" if kind == "voice" else kind

        def is_here(found: dict[str, Any], name: str = name) -> bool:
            return found[name]["media_state"] == "available"

        found = await house.api.until(f"/messages/{message['id']}", is_here)
        media = await house.api.get(f"/media/{found[name]['media_id']}")
        answer = await house.api.ask("GET", f"/media/{found[name]['media_id']}/content", headers={"Accept": "*/*"})
        assert (answer.status, answer.body) == (200, content)
        assert "attachment" in answer.headers["Content-Disposition"]
        assert (media["sha256"], media["size"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert arrived[0]["image"]["caption"] == "see"
    assert [arrived[2]["audio"]["voice"], arrived[3]["audio"]["voice"]] == [False, True]
    assert arrived[4]["document"]["filename"] == "bill.pdf"


async def test_a_place_arrives(house: House, line: Line, anna: Phone) -> None:
    place = {"latitude": 35.36, "longitude": 138.73, "name": "Fuji", "address": "Honshu"}

    await house.phones.send(anna.number, line.phone.number, "location", location=place)

    [arrived] = await line.received()
    assert (arrived["type"], arrived["location"]) == ("location", place)


async def test_answers_quote_what_they_answer_both_ways(house: House, line: Line, anna: Phone) -> None:
    question = await line.send(anna, "Tea or coffee?")
    await house.phones.send(anna.number, line.phone.number, text={"body": "Tea"}, reply_to=question["wa_id"])
    [answer] = await line.received()
    await line.send(anna, "Coming", reply_to=answer["id"])

    assert answer["reply_to"] == {"id": question["id"], "wa_id": question["wa_id"]}
    assert (await on_phone(house, anna, 2))[1]["reply_to"] == answer["wa_id"]


async def test_mentions_reach_the_phone_as_addresses(house: House, line: Line, anna: Phone) -> None:
    ben = await house.phone("Ben")

    sent = await line.send(anna, f"Ask @{ben.number}", mentions=[ben.e164])

    assert sent["mentions"] == [f"{ben.number}@s.whatsapp.net"]
    [shown] = await on_phone(house, anna, 1)
    assert shown["mentions"] == [f"{ben.number}@s.whatsapp.net"]


@needs_ffmpeg
async def test_a_voice_note_that_is_listened_to_is_played(house: House, line: Line, anna: Phone, tmp_path) -> None:
    sent = await line.send(anna, type="voice", voice={"base64": encoded(ogg_opus(tmp_path, 1))})

    await house.phones.played(anna.number)

    played = await line.follow(sent["id"], "played")
    assert in_order(played), played
    assert played["read_at"] is not None
    told = await states_told(house, sent["id"])
    assert told == sorted(told, key=_ORDER.index)


async def test_a_receipt_that_comes_late_moves_nothing_back(house: House, line: Line, anna: Phone) -> None:
    sent = await line.send(anna, "hello")
    await house.phones.read(anna.number)
    read = await line.follow(sent["id"], "read")
    late = {"id": read["wa_id"], "from": f"{anna.number}@s.whatsapp.net", "type": "", "t": "1700000000"}
    attrs = {name: value for name, value in late.items() if value}

    await house.phones.inject("stanza", number=line.phone.number, stanza={"tag": "receipt", "attrs": attrs})
    await line.send(anna, "something after it")

    assert await house.api.get(f"/messages/{sent['id']}") == read
    assert await states_told(house, sent["id"]) == ["queued", "sent", "delivered", "read"]


async def test_a_person_is_one_contact_and_one_chat_under_number_and_hidden_address(
    house: House, line: Line, anna: Phone
) -> None:
    lid = f"{(await house.phones.phone(anna.number))['lid']}@lid"
    await house.phones.send_text(anna.number, line.phone.number, "first word")
    [arrived] = await line.received()
    by_number = await line.send(anna, "by number")
    by_jid = await line.send(f"{anna.number}@s.whatsapp.net", "by address")
    by_lid = await line.send(lid, "by hidden address")
    by_contact = await line.send(arrived["contact"], "by contact")

    messages = (arrived, by_number, by_jid, by_lid, by_contact)
    assert len({message["contact"] for message in messages}) == 1
    assert len({message["chat"] for message in messages}) == 1
    contact = await house.api.get(f"/contacts/{arrived['contact']}")
    assert (contact["phone"], contact["lid"], contact["push_name"]) == (anna.e164, lid, "Anna")
    chats = await house.api.all(f"/chats?session={line.id}")
    assert [chat["contact"] for chat in chats] == [contact["id"]]
    found = await house.api.all(f"/contacts?search={anna.number}")
    assert [one["id"] for one in found] == [contact["id"]]
    assert len(await on_phone(house, anna, 4)) == 4


async def test_what_the_owner_writes_on_the_phone_is_filed_as_sent(house: House, line: Line, anna: Phone) -> None:
    wa_id = await house.phones.send_text(line.phone.number, anna.number, "typed on the phone")
    page = await house.api.until(f"/messages?session={line.id}&direction=out", lambda page: page["items"])
    [own] = page["items"]
    await line.follow(own["id"], "delivered")
    await house.phones.read(anna.number)
    read = await line.follow(own["id"], "read")

    assert (own["origin"], own["wa_id"], own["text"]) == ("phone", wa_id, {"body": "typed on the phone"})
    assert own["to"]["phone"] == anna.e164
    assert read["delivered_at"] is not None
    events = await house.api.all("/events?types=message.sent")
    assert [event["subject"]["id"] for event in events].count(own["id"]) == 1


async def test_a_chat_marked_as_read_is_read_on_the_senders_phone_too(house: House, line: Line, anna: Phone) -> None:
    wa_ids = [await house.phones.send_text(anna.number, line.phone.number, f"message {index}") for index in range(3)]
    arrived = await line.received(3)
    chat = f"/chats/{arrived[0]['chat']}"
    unread = (await house.api.get(chat))["unread"]

    await house.api.put(f"{chat}/read")

    assert unread == 3
    assert (await house.api.get(chat))["unread"] == 0

    async def all_read() -> bool:
        sent = [one for one in await house.phones.messages(anna.number, sent=True) if one["id"] in wa_ids]
        return [one["status"] for one in sent] == ["read"] * 3

    await poll(all_read)


async def test_typing_shows_on_the_phone(house: House, line: Line, anna: Phone) -> None:
    sent = await line.send(anna, "hello")
    told: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def listen() -> None:
        async for kind, data in house.phones.events():
            await told.put((kind, data))

    listening = asyncio.create_task(listen())
    async with asyncio.timeout(10):
        assert (await told.get())[0] == "ready"
        await house.api.ask("POST", f"/chats/{sent['chat']}/typing", {"state": "recording"})
        while (news := await told.get())[0] != "typing":
            continue
    listening.cancel()

    assert f'"number": "{anna.number}"' in news[1]
    assert '"state": "recording"' in news[1]


async def test_a_reaction_goes_both_ways(house: House, line: Line, anna: Phone) -> None:
    sent = await line.send(anna, "We have moved")
    await house.phones.send(
        anna.number, line.phone.number, "reaction", reaction={"message_id": sent["wa_id"], "emoji": "🎉"}
    )
    reacted = await house.api.until(f"/messages/{sent['id']}/events", lambda found: found["reactions"])
    await house.phones.send_text(anna.number, line.phone.number, "thanks")
    [thanks] = await line.received()
    await line.send(anna, type="reaction", reaction={"message": thanks["id"], "emoji": "❤️"})

    assert [(one["emoji"], one["by"]) for one in reacted["reactions"]] == [("🎉", sent["contact"])]
    shown = (await on_phone(house, anna, 2))[1]
    assert shown["reaction"] == {"message_id": thanks["wa_id"], "emoji": "❤️"}


async def test_what_the_sender_edits_and_deletes_changes_here_too(house: House, line: Line, anna: Phone) -> None:
    async def change(kind: str, **what: str) -> None:
        await house.phones.send(anna.number, line.phone.number, kind, **{kind: {"message_id": wa_id, **what}})

    wa_id = await house.phones.send_text(anna.number, line.phone.number, "tow coffees")
    await change("edit", body="two coffees")
    await change("edit", body="two teas")
    [arrived] = await line.received()
    path = f"/messages/{arrived['id']}"
    edited = await house.api.until(path, lambda found: found["text"]["body"] == "two teas")
    await change("revoke")
    revoked = await house.api.until(path, lambda found: found["state"] == "revoked")

    assert edited["created_at"] <= edited["edited_at"] <= revoked["revoked_at"]
    versions = (await house.api.get(f"{path}/events"))["versions"]
    assert [version["body"] for version in versions] == ["tow coffees", "two coffees"]


async def test_the_order_of_sending_is_the_order_of_arrival(house: House, line: Line, anna: Phone) -> None:
    queued = await asyncio.gather(*(line.queue(anna, f"message {index}") for index in range(20)))
    accepted = [message["text"]["body"] for message in sorted(queued, key=lambda message: message["id"])]

    shown = await on_phone(house, anna, 20)

    assert [message["text"]["body"] for message in shown] == accepted


async def test_a_scheduled_message_waits_and_can_be_called_back(house: House, line: Line, anna: Phone) -> None:
    later = await line.queue(anna, "much later", send_at="2031-01-01T09:00:00+02:00")
    cancelled = await house.api.delete(f"/messages/{later['id']}")
    await line.send(anna, "now")

    assert (later["state"], later["due_at"]) == ("scheduled", "2031-01-01T07:00:00.000Z")
    assert cancelled["state"] == "cancelled"
    assert [message["text"]["body"] for message in await on_phone(house, anna, 1)] == ["now"]


async def test_lists_are_walked_page_by_page_without_a_gap(house: House, line: Line, anna: Phone) -> None:
    sent = [(await line.queue(anna, f"message {index}"))["id"] for index in range(7)]
    seen: list[str] = []
    following: str | None = None
    while True:
        glue = f"&after={following}" if following else ""
        page = await house.api.get(f"/messages?session={line.name}&limit=3{glue}")
        seen += [message["id"] for message in page["items"]]
        following = page["next"]
        if following is None:
            break

    assert seen == list(reversed(sent))
    assert page["items"], "the last page of a list is not empty"


async def test_webhooks_stream_and_log_tell_the_same_as_documented(
    house: House, line: Line, anna: Phone, receiver: Receiver
) -> None:
    webhook = await house.api.post("/webhooks", {"url": receiver.url, "sessions": [line.id]})
    streamed: list[dict[str, Any]] = []
    began = asyncio.Event()
    listening = asyncio.create_task(_listen(house, line, streamed, began))
    await began.wait()

    sent = await line.send(anna, "news")
    await house.phones.send(
        anna.number, line.phone.number, "reaction", reaction={"message_id": sent["wa_id"], "emoji": "👍"}
    )
    picture = {"base64": encoded(jpeg(16, 16)), "mimetype": "image/jpeg"}
    await house.phones.send(anna.number, line.phone.number, "image", image=picture)
    await receiver.saw(lambda event: event["type"] == "media.available")
    await house.api.post(f"/sessions/{line.id}/stop")
    await receiver.saw(lambda event: event["data"].get("status") == "stopped")

    def told() -> list[dict[str, Any]]:
        """What the webhook was told; what the phone shares of its past may come before the stream has begun."""
        return [call.event for call in receiver.calls if call.event["type"] != "history.progress"]

    async def all_told() -> bool:
        return {event["id"] for event in told()} == {
            event["id"] for event in streamed if event["type"] != "history.progress"
        }

    await poll(all_told)
    listening.cancel()
    logged = await house.api.get(f"/events?session={line.id}&limit=500")
    by_id = {event["id"]: event for event in logged["items"]}
    assert {event["type"] for event in told()} == {
        "message.queued",
        "message.status",
        "message.reaction",
        "message.received",
        "media.available",
        "session.status",
    }
    for event in [*streamed, *(call.event for call in receiver.calls)]:
        assert event == by_id[event["id"]]
        house.api.documented.check_event(event)
    receiver.verify(webhook["secret"])
    assert [event["id"] for event in streamed] == sorted(event["id"] for event in streamed)
    await house.api.delete(f"/webhooks/{webhook['id']}")


async def _listen(house: House, line: Line, seen: list[dict[str, Any]], began: asyncio.Event) -> None:
    """Follow the live stream of one session."""
    headers = {"Authorization": f"Bearer {house.api.key}", "Accept": "text/event-stream"}
    url = f"{house.api.url}/api/v1/events?session={line.id}"
    async with house.api.http.get(url, headers=headers) as answer:
        began.set()
        async for raw in answer.content:
            name, _, value = raw.decode().rstrip("\r\n").partition(": ")
            if name == "data":
                seen.append(json.loads(value))
