"""What a program written for the Cloud API sends goes out through a linked phone."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from gateway.fleet.models import Session
from gateway.kit.ids import parse_id, render_id
from gateway.messages.codec import decode_content
from gateway.messages.store import Entry
from sessions.commands.messages import MarkRead
from sessions.commands.presence import SetTyping
from sessions.content import Audio, Contacts, Document, Image, Location, Menu, Reaction, Sticker, Text, Video
from tests.cloud.conftest import Api
from tests.conftest import add_org
from tests.media.samples import MP4, PDF, jpeg, wav
from tests.messages.world import ANNA, SHOP, World, name_of
from tests.serving import Parts


async def sent(world: World, answer: Any) -> Entry:
    """The message that an answer tells of, once it has been delivered."""
    return await world.when(parse_id("msg", answer["messages"][0]["id"]), "delivered")


async def content_of(world: World, answer: Any) -> Any:
    return decode_content((await sent(world, answer)).message.content)


async def upload(api: Api, content: bytes, kind: str) -> str:
    told = await api.ask("POST", "/api/v1/media", data=content, headers={"Content-Type": kind}, status=201)
    return str(told["id"])


async def test_a_text_is_answered_as_meta_answers_and_reaches_the_phone(api: Api, world: World) -> None:
    answer = await api.send(type="text", text={"body": "Good morning"}, biz_opaque_callback_data="order-7")

    entry = await sent(world, answer)
    assert answer == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": ANNA[1:], "wa_id": ANNA[1:]}],
        "messages": [{"id": render_id("msg", entry.message.id)}],
    }
    assert decode_content(entry.message.content) == Text(body="Good morning")
    assert entry.message.client_ref == "order-7"


@pytest.mark.parametrize("version", ["v1", "v17.0", "v99.9"])
async def test_any_version_will_do(api: Api, version: str) -> None:
    body = {"messaging_product": "whatsapp", "to": ANNA, "text": {"body": "x"}}

    answer = await api.ask("POST", f"/cloud/{version}/shop/messages", json=body)

    assert answer["messages"][0]["id"].startswith("msg_")


async def test_a_line_is_named_by_its_id_its_name_or_its_number(api: Api, shop: Session, world: World) -> None:
    answers = [await api.send(line=line, text={"body": "x"}) for line in (name_of(shop), "shop", SHOP, SHOP[1:])]

    entries = [await sent(world, answer) for answer in answers]
    assert {entry.message.session_id for entry in entries} == {shop.id}


async def test_a_reply_quotes_the_message_of_its_context(api: Api, world: World, shop: Session) -> None:
    world.engine.incoming(name_of(shop), ANNA, Text(body="Are you open?"))
    [asked] = await world.incoming()

    answer = await api.send(text={"body": "Yes"}, context={"message_id": render_id("msg", asked.message.id)})

    assert (await sent(world, answer)).message.quoted_wa_id == asked.message.wa_id


async def test_files_go_by_id_each_as_its_kind(api: Api, world: World) -> None:
    picture, film, sound, paper = [
        await upload(api, content, kind)
        for content, kind in (
            (jpeg(64, 48), "image/jpeg"),
            (MP4, "video/mp4"),
            (wav(1), "audio/wav"),
            (PDF, "application/pdf"),
        )
    ]

    said: list[dict[str, Any]] = [
        {"type": "image", "image": {"id": picture, "caption": "The view"}},
        {"type": "video", "video": {"id": film, "caption": "Look"}},
        {"type": "audio", "audio": {"id": sound}},
        {"type": "document", "document": {"id": paper, "caption": "Yours", "filename": "bill.pdf"}},
        {"type": "sticker", "sticker": {"id": picture}},
    ]
    contents = [await content_of(world, await api.send(**one)) for one in said]

    assert [type(content) for content in contents] == [Image, Video, Audio, Document, Sticker]
    assert [contents[index].caption for index in (0, 1, 3)] == ["The view", "Look", "Yours"]
    assert contents[3].file.filename == "bill.pdf"


async def test_a_file_is_fetched_from_its_link(api: Api, world: World, aiohttp_server: Any) -> None:
    async def give(_: web.Request) -> web.Response:
        return web.Response(body=jpeg(64, 48), content_type="image/jpeg")

    app = web.Application()
    app.router.add_get("/view.jpg", give)
    server = await aiohttp_server(app)

    content = await content_of(world, await api.send(type="image", image={"link": str(server.make_url("/view.jpg"))}))

    assert (content.file.mimetype, content.file.width) == ("image/jpeg", 64)


async def test_a_place_is_sent(api: Api, world: World) -> None:
    place = {"latitude": "-23.55", "longitude": -46.63, "name": "Sé", "address": "Praça da Sé"}

    content = await content_of(world, await api.send(type="location", location=place))

    assert content == Location(latitude=-23.55, longitude=-46.63, name="Sé", address="Praça da Sé")


async def test_contact_cards_become_vcards_that_nothing_can_be_smuggled_into(api: Api, world: World) -> None:
    card = {
        "name": {"formatted_name": "Ben; Baker\nEND:VCARD", "first_name": "Ben", "last_name": "Baker"},
        "phones": [{"phone": "+49 151 1", "wa_id": "491511", "type": "CELL"}],
        "emails": [{"email": "ben@example.com", "type": "WORK\nX"}],
        "org": {"company": "Bread, Ltd."},
        "birthday": "1990-02-28",
    }

    content = await content_of(world, await api.send(type="contacts", contacts=[card]))

    assert isinstance(content, Contacts)
    assert content.cards[0].vcard.split("\n") == [
        "BEGIN:VCARD",
        "VERSION:3.0",
        "N:Baker;Ben;;;",
        "FN:Ben\\; Baker\\nEND:VCARD",
        "ORG:Bread\\, Ltd.;",
        "BDAY:1990-02-28",
        "TEL;TYPE=CELL;waid=491511:+49 151 1",
        "EMAIL;TYPE=WORKX:ben@example.com",
        "END:VCARD",
    ]


async def test_a_reaction_meets_its_message(api: Api, world: World, shop: Session) -> None:
    world.engine.incoming(name_of(shop), ANNA, Text(body="Thanks"))
    [thanks] = await world.incoming()

    reaction = {"message_id": render_id("msg", thanks.message.id), "emoji": "❤"}
    content = await content_of(world, await api.send(type="reaction", reaction=reaction))

    assert isinstance(content, Reaction)
    assert (content.emoji, content.target.wa_id) == ("❤", thanks.message.wa_id)


async def test_buttons_and_lists_are_sent_as_numbered_choices(api: Api, world: World) -> None:
    buttons = {
        "type": "button",
        "header": {"type": "text", "text": "Order 7"},
        "body": {"text": "Is it right?"},
        "footer": {"text": "Bakery"},
        "action": {"buttons": [{"type": "reply", "reply": {"id": name, "title": name.upper()}} for name in "ab"]},
    }
    rows = [{"id": name, "title": name.upper(), "description": f"Kind {name}"} for name in "abc"]
    listed = {
        "type": "list",
        "body": {"text": "Which?"},
        "action": {"button": "Open", "sections": [{"title": "Bread", "rows": rows[:2]}, {"rows": rows[2:]}]},
    }

    first = await content_of(world, await api.send(type="interactive", interactive=buttons))
    second = await content_of(world, await api.send(type="interactive", interactive=listed))

    assert isinstance(first, Menu)
    assert (first.body, first.footer) == ("*Order 7*\n\nIs it right?", "Bakery")
    assert [(option.id, option.title) for option in first.options] == [("a", "A"), ("b", "B")]
    assert [(option.id, option.description) for option in second.options] == [
        ("a", "Kind a"),
        ("b", "Kind b"),
        ("c", "Kind c"),
    ]


async def test_reading_a_message_reads_its_chat_and_may_show_that_an_answer_is_coming(
    api: Api, world: World, shop: Session
) -> None:
    wa_id = world.engine.incoming(name_of(shop), ANNA, Text(body="Hello?"))
    [arrived] = await world.incoming()
    body = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": render_id("msg", arrived.message.id),
        "typing_indicator": {"type": "text"},
    }

    answer = await api.ask("POST", "/cloud/v21.0/shop/messages", json=body)

    asked = world.engine.asked(name_of(shop))
    assert answer["success"] is True
    assert [one.wa_ids for one in asked if isinstance(one, MarkRead)] == [(wa_id,)]
    assert [one.state for one in asked if isinstance(one, SetTyping)] == ["composing"]
    assert (await world.find(arrived.message.id)).chat.unread == 0


async def test_what_we_sent_cannot_be_read_by_us(api: Api, world: World) -> None:
    answer = await api.send(text={"body": "x"})
    message_id = answer["messages"][0]["id"]

    body = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
    told = await api.ask("POST", "/cloud/v21.0/shop/messages", json=body, status=404)

    assert told["error"]["code"] == 100


async def test_a_repeat_under_a_key_is_answered_and_not_sent_again(api: Api, world: World, shop: Session) -> None:
    body = {"messaging_product": "whatsapp", "to": ANNA, "text": {"body": "once"}}

    first, second = [
        await api.ask("POST", "/cloud/v21.0/shop/messages", json=body, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]

    await sent(world, first)
    assert first == second
    assert len(world.engine.sent(name_of(shop))) == 1


async def test_a_template_is_refused_with_a_sentence(api: Api) -> None:
    error = await api.refused(501, type="template", template={"name": "hello_world", "language": {"code": "en_US"}})

    assert error["code"] == 131051
    assert "Send the words as a text" in error["error_data"]["details"]


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"type": "text"}, "`text` is missing"),
        ({"type": "text", "text": {"body": ""}}, "text.body: "),
        ({"type": "order"}, "type: "),
        ({"text": {"body": "x"}, "image": {"link": "http://x"}}, "`image` does not belong here"),
        ({"type": "image", "image": {}}, "image: name exactly one of id and link"),
        ({"text": {"body": "x"}, "to": "hello"}, "to: This is not a phone number."),
        ({"text": {"body": "x"}, "messaging_product": "sms"}, "messaging_product: "),
        ({"text": {"body": "x"}, "context": {"message_id": "wamid.HBgL"}}, "context.message_id: "),
        ({"text": {"body": "x"}, "status": "read"}, "`message_id` is missing"),
        ({"type": "interactive", "interactive": {"type": "list", "action": {}}}, "interactive.body: "),
        (
            {"type": "interactive", "interactive": {"type": "list", "body": {"text": "x"}, "action": {}}},
            "interactive.action.sections: ",
        ),
    ],
)
async def test_what_is_wrong_is_named_in_metas_words(api: Api, said: dict[str, Any], where: str) -> None:
    body = {"messaging_product": "whatsapp", "to": ANNA, **said}
    answer = await api.ask("POST", "/cloud/v21.0/shop/messages", json=body, status=422)
    error = answer["error"]

    assert error["code"] == 100
    assert where in error["error_data"]["details"]


@pytest.mark.parametrize(
    "interactive",
    [
        {"type": "cta_url", "body": {"text": "x"}, "action": {"name": "cta_url"}},
        {
            "type": "button",
            "header": {"type": "image", "image": {"id": "1"}},
            "body": {"text": "x"},
            "action": {"buttons": [{"type": "reply", "reply": {"id": "a", "title": "A"}}]},
        },
    ],
)
async def test_what_only_metas_own_numbers_can_show_is_unsupported(api: Api, interactive: dict[str, Any]) -> None:
    error = await api.refused(501, type="interactive", interactive=interactive)

    assert error["code"] == 131051


async def test_bad_json_no_key_and_unknown_addresses_are_told_in_graphs_shape(api: Api) -> None:
    path = "/cloud/v21.0/shop/messages"
    broken = await api.ask("POST", path, data=b"{", headers={"Content-Type": "application/json"}, status=400)
    nobody = await api.ask("POST", path, json={}, headers={"Authorization": "Bearer EAAG"}, status=401)
    nowhere = await api.ask("GET", "/cloud/v21.0/shop/message_templates", status=404)
    wrong = await api.ask("PUT", path, json={}, status=405)

    codes = [answer["error"]["code"] for answer in (broken, nobody, nowhere, wrong)]
    assert codes == [100, 190, 100, 131000]


async def test_a_page_is_no_answer_to_a_program_that_takes_anything(api: Api) -> None:
    told = await api.ask("GET", "/cloud/v21.0/x/y/z", headers={"Accept": "text/html,*/*"}, status=404)

    assert "error" in told


async def test_another_organizations_line_is_not_there(api: Api, world: World, parts: Parts, clock: Any) -> None:
    await world.database.write(lambda tx: add_org(tx, clock, org_id=2))
    stranger = Api(api.client, await parts.make_key(scopes=["*"], org_id=2))

    for line in ("shop", SHOP[1:]):
        told = await stranger.send(status=404, line=line, text={"body": "x"})
        assert told["error"]["code"] == 100


async def test_a_key_without_the_scope_may_not_read(api: Api, world: World, shop: Session, parts: Parts) -> None:
    world.engine.incoming(name_of(shop), ANNA, Text(body="Hello?"))
    [arrived] = await world.incoming()
    sender = Api(api.client, await parts.make_key(scopes=["messages.send"]))
    body = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": render_id("msg", arrived.message.id),
    }

    told = await sender.ask("POST", "/cloud/v21.0/shop/messages", json=body, status=403)

    assert told["error"]["code"] == 10
    await sender.send(text={"body": "x"})
