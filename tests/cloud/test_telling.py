"""What arrives, and what becomes of what was sent, is told as the Cloud API tells it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.cloud.telling import CloudTelling
from gateway.events.models import Event
from gateway.fleet.models import Session
from gateway.kit.ids import parse_id, render_id
from sessions.address import Address, Jid
from sessions.content import (
    Audio,
    ContactCard,
    Contacts,
    Content,
    Document,
    Image,
    Location,
    MessageKey,
    Poll,
    Reaction,
    Text,
)
from tests.cloud.conftest import Api
from tests.media.samples import PDF, jpeg
from tests.messages.world import ANNA, SHOP, World, name_of, poll

PICTURE = jpeg(64, 48)


class Teller:
    """The dialect under test, asked about the events of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dialect = CloudTelling(
            database=world.database, sessions=world.sessions, messages=world.messages, library=world.library
        )

    async def told(self, count: int = 1) -> list[Any]:
        """What a receiver hears, each as the value of its one change, once it is this much."""

        async def look() -> list[Event] | None:
            events = await self.world.database.read(lambda tx: tx.session.query(Event).order_by(Event.id).all())
            covered = [event for event in events if self.dialect.covers(event)]
            return covered if len(covered) >= count else None

        return [self._value(await self.dialect.encode(event)) for event in await poll(look)]

    def _value(self, body: bytes) -> Any:
        envelope = json.loads(body)
        assert envelope["object"] == "whatsapp_business_account"
        [entry] = envelope["entry"]
        [change] = entry["changes"]
        assert change["field"] == "messages"
        return change["value"]


@pytest.fixture
def teller(world: World) -> Teller:
    return Teller(world)


async def arrived(world: World, shop: Session, teller: Teller, content: Content) -> Any:
    """The one message that a receiver hears of when this comes from Anna."""
    world.engine.incoming(name_of(shop), ANNA, content)
    [value] = await teller.told()
    [message] = value["messages"]
    return message


async def test_a_text_is_told_with_its_line_its_writer_and_its_id(world: World, shop: Session, teller: Teller) -> None:
    world.engine.incoming(name_of(shop), ANNA, Text(body="Are you open?"))

    [value] = await teller.told()
    [entry] = await world.incoming()
    [message] = value["messages"]
    contact = render_id("con", entry.message.contact_id)
    assert value["messaging_product"] == "whatsapp"
    assert value["metadata"] == {"display_phone_number": SHOP[1:], "phone_number_id": name_of(shop)}
    assert value["contacts"] == [{"profile": {"name": "Anna"}, "wa_id": ANNA[1:], "user_id": contact}]
    assert message.pop("timestamp").isdecimal()
    assert message == {
        "from": ANNA[1:],
        "from_user_id": contact,
        "id": render_id("msg", entry.message.id),
        "type": "text",
        "text": {"body": "Are you open?"},
    }


async def test_a_file_is_told_once_it_can_be_fetched(world: World, shop: Session, teller: Teller, api: Api) -> None:
    content = Image(file=world.engine.keep_file(PICTURE, "image/jpeg"), caption="Look")

    message = await arrived(world, shop, teller, content)

    image = message["image"]
    file = await api.ask("GET", f"/cloud/v21.0/{image['id']}")
    assert (message["type"], image["caption"], image["mime_type"]) == ("image", "Look", "image/jpeg")
    assert image["sha256"] == file["sha256"]


async def test_a_document_keeps_its_name_and_a_voice_note_is_one(world: World, shop: Session, teller: Teller) -> None:
    from msgspec.structs import replace

    paper = replace(world.engine.keep_file(PDF, "application/pdf"), filename="bill.pdf")
    world.engine.incoming(name_of(shop), ANNA, Document(file=paper))
    [first] = await teller.told()
    world.engine.incoming(name_of(shop), ANNA, Audio(file=world.engine.keep_file(b"OggS" * 9, "audio/ogg"), voice=True))
    _, second = await teller.told(2)

    assert first["messages"][0]["document"]["filename"] == "bill.pdf"
    assert second["messages"][0]["audio"]["voice"] is True


async def test_a_file_that_cannot_be_had_is_told_as_an_error(world: World, shop: Session, teller: Teller) -> None:
    file = world.engine.keep_file(PICTURE, "image/jpeg")
    world.engine.lose_files()

    message = await arrived(world, shop, teller, Image(file=file))

    assert message["type"] == "unsupported"
    assert message["errors"][0]["code"] == 131052


async def test_a_place_and_a_card_are_told_in_metas_fields(world: World, shop: Session, teller: Teller) -> None:
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ben\\, Baker\r\nitem1.TEL;type=CELL;waid=491511:+49 151 1\r\nEND:VCARD"
    world.engine.incoming(name_of(shop), ANNA, Location(latitude=1.5, longitude=2.5, name="Sé"))
    world.engine.incoming(name_of(shop), ANNA, Contacts(cards=(ContactCard(name="Ben", vcard=card),)))

    place, contacts = [value["messages"][0] for value in await teller.told(2)]

    assert place["location"] == {"latitude": 1.5, "longitude": 2.5, "name": "Sé"}
    [told] = contacts["contacts"]
    assert told["name"]["formatted_name"] == "Ben, Baker"
    assert told["phones"] == [{"phone": "+49 151 1", "type": "CELL", "wa_id": "491511"}]


async def test_what_the_cloud_api_does_not_know_is_told_as_unsupported(
    world: World, shop: Session, teller: Teller
) -> None:
    message = await arrived(world, shop, teller, Poll(question="When?", options=("Monday", "Tuesday")))

    assert (message["type"], message["errors"][0]["code"]) == ("unsupported", 131051)


@pytest.mark.parametrize(("rows", "kind"), [(2, "button_reply"), (4, "list_reply")])
async def test_the_answer_to_a_choice_is_told_as_a_press(
    api: Api, world: World, shop: Session, teller: Teller, rows: int, kind: str
) -> None:
    listed = [{"id": f"row-{number}", "title": f"Title {number}"} for number in range(rows)]
    interactive = {"type": "list", "body": {"text": "Which?"}, "action": {"sections": [{"rows": listed}]}}
    answer = await api.send(type="interactive", interactive=interactive)
    menu = answer["messages"][0]["id"]
    await world.when(parse_id("msg", menu), "delivered")

    world.engine.incoming(name_of(shop), ANNA, Text(body="2"))
    values = await teller.told(3)
    messages = [value["messages"][0] for value in values if "messages" in value]

    [message] = messages
    assert message["interactive"]["type"] == kind
    assert message["interactive"][kind]["id"] == "row-1"
    assert message["context"] == {"id": menu}


async def test_a_reaction_of_theirs_is_told_and_one_of_ours_is_not(
    api: Api, world: World, shop: Session, teller: Teller
) -> None:
    answer = await api.send(text={"body": "Ready"})
    entry = await world.when(parse_id("msg", answer["messages"][0]["id"]), "delivered")
    chat = Address.of(Jid.from_phone(ANNA))
    target = MessageKey(chat=chat, wa_id=str(entry.message.wa_id), from_me=True)
    world.engine.incoming(name_of(shop), ANNA, Reaction(target=target, emoji="👍"))

    values = await teller.told(3)

    [message] = [value["messages"][0] for value in values if "messages" in value]
    assert message["from"] == ANNA[1:]
    assert message["reaction"] == {"message_id": answer["messages"][0]["id"], "emoji": "👍"}


async def test_statuses_follow_what_was_sent(api: Api, world: World, teller: Teller) -> None:
    answer = await api.send(text={"body": "Ready"}, biz_opaque_callback_data="order-7")
    message_id = answer["messages"][0]["id"]
    await world.when(parse_id("msg", message_id), "delivered")

    statuses = [value["statuses"][0] for value in await teller.told(2)]

    assert [status["status"] for status in statuses] == ["sent", "delivered"]
    for status in statuses:
        assert (status["id"], status["recipient_id"]) == (message_id, ANNA[1:])
        assert status["biz_opaque_callback_data"] == "order-7"
        assert status["timestamp"].isdecimal()


async def test_a_message_that_fails_says_why_with_metas_code(
    api: Api, world: World, shop: Session, teller: Teller
) -> None:
    await api.send("4915110000099", text={"body": "Ready"})

    [value] = await teller.told()

    [status] = value["statuses"]
    assert status["status"] == "failed"
    assert status["errors"][0]["code"] == 131026


async def test_groups_and_everything_else_are_told_to_nobody(world: World, shop: Session, teller: Teller) -> None:
    await poll(lambda: world.told("session.paired"))

    events = await world.database.read(lambda tx: tx.session.query(Event).all())

    assert events
    assert [event.type for event in events if teller.dialect.covers(event)] == []
