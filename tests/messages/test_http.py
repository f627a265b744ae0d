"""The HTTP face of messages, media, chats and contacts, over real sockets."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from aiohttp import FormData

from gateway.chats.routes import ChatRoutes
from gateway.contacts.routes import ContactRoutes
from gateway.fleet.models import Session
from gateway.kit.ids import IdGenerator, parse_id, render_id
from gateway.media.content_routes import MediaContentRoutes
from gateway.media.links import MediaLinks
from gateway.media.routes import MediaRoutes
from gateway.messages.change_routes import MessageChangeRoutes
from gateway.messages.chat_list_routes import ChatListRoutes
from gateway.messages.chat_routes import ChatMessageRoutes
from gateway.messages.media_routes import MessageMediaRoutes
from gateway.messages.number_routes import NumberRoutes
from gateway.messages.queue_routes import QueueRoutes
from gateway.messages.routes import MessageRoutes
from gateway.messages.schemas import MessageOut
from sessions.commands.messages import MarkRead
from sessions.commands.presence import SetTyping
from sessions.content import Audio, Contacts, Document, Image, Location, OutgoingFile, Reaction, Text
from tests.media.samples import PDF, jpeg, needs_ffmpeg, wav
from tests.messages.world import ANNA, BEN, PRINCIPAL, World, name_of, poll
from tests.serving import ClientFactory, Parts, build_parts


@pytest.fixture
def parts(world: World, clock: Any, ids: IdGenerator) -> Parts:
    return build_parts(database=world.database, clock=clock, ids=ids)


@pytest.fixture
async def api(world: World, shop: Session, parts: Parts, aiohttp_client: ClientFactory) -> Any:
    """A client with a key for everything, and the dispatcher at work."""
    await world.start()
    client = await parts.serve(aiohttp_client, tables=tables_of(world))
    client.session.headers["Authorization"] = f"Bearer {await parts.make_key(scopes=['*'])}"
    return client


def tables_of(world: World) -> list[object]:
    database, engine = world.database, world.engine
    contacts, chats, sessions = world.contacts, world.chats, world.sessions
    return [
        NumberRoutes(database=database, engine=engine, sessions=sessions),
        MediaRoutes(database=database, library=world.library, keeper=world.keeper),
        MediaContentRoutes(
            database=database,
            library=world.library,
            links=MediaLinks(key=bytes(32), clock=world.clock),
            clock=world.clock,
            public_url=None,
        ),
        MessageMediaRoutes(database=database, messages=world.messages, files=world.files, library=world.library),
        ContactRoutes(database=database, contacts=contacts),
        ChatListRoutes(database=database, sessions=sessions, contacts=contacts),
        ChatRoutes(database=database, engine=engine, contacts=contacts, chats=chats),
        ChatMessageRoutes(
            database=database, engine=engine, clock=world.clock, contacts=contacts, chats=chats, waiting=world.waiting
        ),
        MessageRoutes(
            database=database,
            messages=world.messages,
            sessions=sessions,
            composer=world.composer,
            waiting=world.waiting,
        ),
        MessageChangeRoutes(database=database, messages=world.messages, editor=world.editor),
        QueueRoutes(database=database, sessions=sessions, control=world.control),
    ]


async def send(api: Any, status: int = 202, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    body = {"session": "shop", "to": ANNA} | fields
    response = await api.post("/api/v1/messages", json=body, headers=headers)
    answer = await response.json()
    assert response.status == status, answer
    return answer


async def get(api: Any, path: str, status: int = 200, **query: str) -> Any:
    response = await api.get(path, params=query)
    answer = await response.json()
    assert response.status == status, answer
    return answer


async def settled(world: World, message: dict[str, Any]) -> Any:
    """The message once it was delivered."""
    return await world.when(parse_id("msg", message["id"]), "delivered")


async def test_a_text_is_accepted_sent_and_read_back(api: Any, world: World, shop: Session) -> None:
    accepted = await send(api, type="text", text={"body": "Good morning"}, client_ref="order-7")

    await settled(world, accepted)
    found = await get(api, f"/api/v1/messages/{accepted['id']}")
    assert accepted["state"] == "queued"
    assert accepted["session"] == name_of(shop)
    assert accepted["to"] == {"phone": ANNA, "lid": None, "jid": f"{ANNA[1:]}@s.whatsapp.net", "name": None}
    assert found["state"] == "delivered"
    assert found["text"] == {"body": "Good morning"}
    assert found["client_ref"] == "order-7"
    assert found["wa_id"]
    assert found["error"] is None
    MessageOut.model_validate(found)


async def test_the_same_idempotency_key_sends_once(api: Any, world: World, shop: Session) -> None:
    headers = {"Idempotency-Key": "abc-123"}
    first = await send(api, type="text", text={"body": "once"}, headers=headers)
    second = await send(api, type="text", text={"body": "once"}, headers=headers)

    await settled(world, first)
    assert first["id"] == second["id"]
    assert len(world.engine.sent(name_of(shop))) == 1


@pytest.mark.parametrize("to", ["hello", "12", "+49 0", "0151 1234567", "5@broadcast", "a@s.whatsapp.net", "con_1"])
async def test_a_recipient_that_cannot_be_is_refused_by_its_field(api: Any, to: str) -> None:
    problem = await send(api, 422, to=to, type="text", text={"body": "x"})

    assert problem["code"] == "recipient_invalid"
    assert problem["fields"][0]["path"] == "to"


@pytest.mark.parametrize(
    "to", ["+49 1511 000-0002", "004915110000002", "4915110000002", "4915110000002@s.whatsapp.net"]
)
async def test_one_person_written_in_many_ways_is_one_contact(api: Any, world: World, to: str) -> None:
    first = await send(api, type="text", text={"body": "x"})
    second = await send(api, to=to, type="text", text={"body": "y"})
    third = await send(api, to=first["contact"], type="text", text={"body": "z"})

    assert first["contact"] == second["contact"] == third["contact"]
    assert first["chat"] == second["chat"] == third["chat"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"type": "text"}, "body"),
        ({"type": "text", "text": {"body": ""}}, "text.body"),
        ({"type": "text", "text": {"body": "x"}, "image": {"media_id": "med_0000000000001"}}, "body"),
        ({"type": "text", "text": {"body": "x"}, "colour": "red"}, "colour"),
        ({"type": "image", "image": {}}, "image"),
        ({"type": "location", "location": {"latitude": 91, "longitude": 0}}, "location.latitude"),
        ({"type": "text", "text": {"body": "x"}, "send_at": "tomorrow"}, "send_at"),
        ({"type": "text", "text": {"body": "x"}, "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"type": "image", "image": {"base64": "not base64!"}}, "image.base64"),
        ({"type": "audio", "audio": {"base64": "AAAA", "view_once": True}}, "body"),
        ({"type": "text", "text": {"body": "x"}, "mentions": ["nobody"]}, "mentions.0"),
    ],
)
async def test_what_is_wrong_is_named(api: Any, fields: dict[str, Any], path: str) -> None:
    problem = await send(api, 422, **fields)

    assert path in [field["path"] for field in problem["fields"]]


async def test_an_unknown_and_an_unpaired_session_are_told_apart(api: Any, world: World) -> None:
    await world.database.write(lambda tx: world.sessions.create(tx, PRINCIPAL, name="bare"))

    unknown = await send(api, 404, session="nobody", type="text", text={"body": "x"})
    unpaired = await send(api, 409, session="bare", type="text", text={"body": "x"})

    assert (unknown["code"], unpaired["code"]) == ("session_not_found", "session_not_paired")


async def test_an_uploaded_picture_is_sent_with_its_caption(api: Any, world: World, shop: Session) -> None:
    picture = jpeg(64, 48)
    response = await api.post("/api/v1/media?filename=cat.jpg", data=picture, headers={"Content-Type": "image/jpeg"})
    media = await response.json()
    assert response.status == 201

    sent = await send(api, type="image", image={"media_id": media["id"], "caption": "a cat"})

    await settled(world, sent)
    [(envelope, _)] = world.engine.sent(name_of(shop))
    assert isinstance(envelope.content, Image)
    file = envelope.content.file
    assert isinstance(file, OutgoingFile)
    assert (envelope.content.caption, file.mimetype, file.width, file.height) == ("a cat", "image/jpeg", 64, 48)
    assert file.thumbnail
    with open(file.path, "rb") as kept:  # noqa: PTH123, ASYNC230
        assert kept.read() == picture
    assert sent["image"]["media_id"] == media["id"]
    assert sent["image"]["caption"] == "a cat"


async def test_files_come_back_as_attachments_that_no_browser_runs(api: Any) -> None:
    form = FormData()
    form.add_field("file", PDF, filename='we"ird; name.pdf', content_type="application/pdf")
    media = await (await api.post("/api/v1/media", data=form)).json()

    response = await api.get(media["url"])

    assert await response.read() == PDF
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"].startswith("sandbox")
    assert (await get(api, f"/api/v1/media/{media['id']}"))["sha256"] == media["sha256"]


async def test_files_that_are_too_large_or_wrong_are_refused(api: Any) -> None:
    large = await api.post("/api/v1/media", data=io.BytesIO(b"x" * 2_000_001), headers={"Content-Type": "text/plain"})
    wrong = await api.post("/api/v1/media", data=PDF, headers={"Content-Type": "image/png"})
    encoded = base64.b64encode(PDF).decode()
    as_image = await send(api, 415, type="image", image={"base64": encoded})
    body: dict[str, Any] = {"session": "shop", "to": ANNA, "type": "document"}
    body["document"] = {"base64": base64.b64encode(b"x" * 2_000_001).decode()}
    response = await api.post(
        "/api/v1/messages", data=io.BytesIO(json.dumps(body).encode()), headers={"Content-Type": "application/json"}
    )
    too_large = await response.json()

    assert (large.status, (await large.json())["code"]) == (413, "media_too_large")
    assert (wrong.status, (await wrong.json())["code"]) == (415, "media_type_refused")
    assert (as_image["code"], as_image["fields"][0]["path"]) == ("media_type_refused", "image.base64")
    assert too_large["code"] == "media_too_large"


async def test_a_document_in_base64_keeps_its_name(api: Any, world: World, shop: Session) -> None:
    url = "data:application/pdf;base64," + base64.b64encode(PDF).decode()

    await settled(world, await send(api, type="document", document={"base64": url, "filename": "bill.pdf"}))

    [(envelope, _)] = world.engine.sent(name_of(shop))
    assert isinstance(envelope.content, Document)
    assert envelope.content.file.filename == "bill.pdf"


@needs_ffmpeg
@pytest.mark.parametrize(
    "fields",
    [
        {"type": "voice", "voice": {"view_once": True}},
        {"type": "voice", "audio": {}},
        {"type": "audio", "audio": {"voice": True}},
    ],
)
async def test_a_voice_note_is_converted(api: Any, world: World, shop: Session, fields: dict[str, Any]) -> None:
    part = next(name for name in ("voice", "audio") if name in fields)
    fields = fields | {part: fields[part] | {"base64": base64.b64encode(wav()).decode()}}

    accepted = await send(api, **fields)

    await settled(world, accepted)
    [(envelope, _)] = world.engine.sent(name_of(shop))
    assert isinstance(envelope.content, Audio)
    assert envelope.content.voice
    assert envelope.content.view_once is accepted["audio"]["view_once"] is ("view_once" in fields[part])
    assert envelope.content.file.mimetype == "audio/ogg; codecs=opus"
    assert accepted["type"] == "audio"
    assert accepted["audio"]["voice"] is True


async def test_places_cards_and_reactions_are_sent(api: Any, world: World, shop: Session) -> None:
    world.engine.incoming(name_of(shop), ANNA, Text(body="thanks"))
    [received] = await world.incoming()

    place = await send(api, type="location", location={"latitude": 52.5, "longitude": 13.4, "name": "Shop"})
    card = await send(api, type="contacts", contacts={"cards": [{"name": "Ben", "vcard": "BEGIN:VCARD\nEND:VCARD"}]})
    heart = await send(api, type="reaction", reaction={"message": render_id("msg", received.message.id), "emoji": "❤"})

    for message in (place, card, heart):
        await settled(world, message)
    contents = [envelope.content for envelope, _ in world.engine.sent(name_of(shop))]
    assert [type(content) for content in contents] == [Location, Contacts, Reaction]
    assert contents[2].target.wa_id == received.message.wa_id
    assert place["location"]["latitude"] == 52.5
    happened = await get(api, f"/api/v1/messages/{render_id('msg', received.message.id)}/events")
    assert [(reaction["by"], reaction["emoji"]) for reaction in happened["reactions"]] == [(None, "❤")]


async def test_lists_are_paged_and_filtered(api: Any, world: World) -> None:
    for number in range(5):
        await send(api, type="text", text={"body": str(number)}, to=ANNA if number % 2 else BEN)

    first = await get(api, "/api/v1/messages", limit="3")
    second = await get(api, "/api/v1/messages", limit="3", after=first["next"])
    to_anna = await get(api, "/api/v1/messages", contact=first["items"][1]["contact"])
    none = await get(api, "/api/v1/messages", direction="in", state="received,sent")
    wrong = await get(api, "/api/v1/messages", 422, state="flying")
    chat = await get(api, f"/api/v1/chats/{first['items'][1]['chat']}/messages")

    assert [item["text"]["body"] for item in first["items"] + second["items"]] == ["4", "3", "2", "1", "0"]
    assert second["next"] is None
    assert [item["text"]["body"] for item in to_anna["items"]] == ["3", "1"]
    assert none["items"] == []
    assert wrong["fields"][0]["path"] == "state"
    assert [item["text"]["body"] for item in chat["items"]] == ["3", "1"]


async def test_a_scheduled_message_can_be_cancelled_once(api: Any) -> None:
    message = await send(api, type="text", text={"body": "later"}, send_at="2030-01-01T09:00:00+01:00")
    assert (message["state"], message["due_at"]) == ("scheduled", "2030-01-01T08:00:00.000Z")

    cancelled = await api.delete(f"/api/v1/messages/{message['id']}")
    again = await api.delete(f"/api/v1/messages/{message['id']}")

    assert (cancelled.status, (await cancelled.json())["state"]) == (200, "cancelled")
    assert (again.status, (await again.json())["code"]) == (409, "message_not_cancellable")


async def test_receipts_of_a_message_are_listed_by_participant(api: Any, world: World) -> None:
    message = await send(api, type="text", text={"body": "hi"})
    await settled(world, message)

    happened = await get(api, f"/api/v1/messages/{message['id']}/events")

    [receipt] = happened["receipts"]
    assert receipt["kind"] == "delivered"
    assert receipt["participant"] == receipt["lid"] == str(world.engine.phone(ANNA).address.lid)
    assert (receipt["phone"], receipt["contact"]) == (ANNA, message["contact"])


async def test_reading_a_chat_tells_whatsapp(api: Any, world: World, shop: Session) -> None:
    wa_ids = tuple(world.engine.incoming(name_of(shop), ANNA, Text(body=str(number))) for number in range(2))
    [entry, _] = await world.incoming(2)
    chat = render_id("cht", entry.chat.id)
    assert (await get(api, "/api/v1/chats"))["items"][0]["unread"] == 2

    response = await api.put(f"/api/v1/chats/{chat}/read")

    assert response.status == 204
    [command] = [one for one in world.engine.asked(name_of(shop)) if isinstance(one, MarkRead)]
    assert command.wa_ids == wa_ids
    assert (await get(api, f"/api/v1/chats/{chat}"))["unread"] == 0


async def test_typing_is_shown_to_the_other_side(api: Any, world: World, shop: Session) -> None:
    message = await send(api, type="text", text={"body": "hi"})
    await settled(world, message)

    response = await api.post(f"/api/v1/chats/{message['chat']}/typing", json={"state": "recording"})

    assert response.status == 204
    assert [one.state for one in world.engine.asked(name_of(shop)) if isinstance(one, SetTyping)] == ["recording"]


async def test_a_contact_can_be_found_and_named(api: Any, world: World) -> None:
    contact = (await send(api, type="text", text={"body": "hi"}))["contact"]

    response = await api.patch(f"/api/v1/contacts/{contact}", json={"name": "Anna Schmidt"})

    assert (await response.json())["name"] == "Anna Schmidt"
    found = await get(api, "/api/v1/contacts", search="schmidt")
    assert [item["id"] for item in found["items"]] == [contact]
    assert (await get(api, f"/api/v1/contacts/{contact}"))["phone"] == ANNA
    assert [event.type for event in await poll(lambda: world.told("contact.updated"))] == ["contact.updated"]


async def test_numbers_are_checked_as_they_were_written(api: Any, world: World) -> None:
    asked = {"session": "shop", "phones": ["0049 1511 0000002", "+49 1511 9999999", ANNA]}

    answer = await (await api.post("/api/v1/contacts/check", json=asked)).json()
    wrong = await (await api.post("/api/v1/contacts/check", json=asked | {"phones": [ANNA, "x"]})).json()

    anna = world.engine.phone(ANNA).address
    assert [(item["given"], item["on_whatsapp"]) for item in answer["items"]] == [
        ("0049 1511 0000002", True),
        ("+49 1511 9999999", False),
        (ANNA, True),
    ]
    assert answer["items"][0]["lid"] == str(anna.lid)
    assert wrong["fields"][0]["path"] == "phones.1"


async def test_what_is_not_there_is_not_found(api: Any) -> None:
    paths = {
        "/api/v1/messages/msg_0000000000001": "message_not_found",
        "/api/v1/messages/nonsense": "message_not_found",
        "/api/v1/chats/cht_0000000000001": "chat_not_found",
        "/api/v1/contacts/con_0000000000001": "contact_not_found",
        "/api/v1/media/med_0000000000001": "media_not_found",
        "/api/v1/media/med_0000000000001/content": "media_not_found",
    }
    for path, code in paths.items():
        assert (await get(api, path, 404))["code"] == code


async def test_a_key_for_one_session_sees_nothing_of_another(
    api: Any, world: World, shop: Session, parts: Parts
) -> None:
    other = await world.link("other", "+4915110000009")
    message = await send(api, type="text", text={"body": "secret"})
    key = await parts.make_key(scopes=["*"], session_ids=[other.id])
    api.session.headers["Authorization"] = f"Bearer {key}"

    assert (await get(api, "/api/v1/messages"))["items"] == []
    assert (await get(api, "/api/v1/chats"))["items"] == []
    assert (await get(api, f"/api/v1/messages/{message['id']}", 404))["code"] == "message_not_found"
    assert (await get(api, f"/api/v1/chats/{message['chat']}", 404))["code"] == "chat_not_found"
    assert (await send(api, 404, type="text", text={"body": "x"}))["code"] == "session_not_found"
