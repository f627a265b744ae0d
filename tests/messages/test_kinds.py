"""The kinds of messages beyond texts and files: asked for over HTTP, handed to the engine, and taken over when they arrive."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from aiohttp import web
from PIL import Image as Picture

from gateway.fleet.models import Session
from gateway.kit.ids import IdGenerator, parse_id, render_id
from gateway.messages.schemas import MessageEvents, MessageOut
from sessions.address import Address
from sessions.content import (
    Album,
    CalendarEvent,
    Content,
    Edit,
    EventReply,
    Image,
    LiveLocation,
    Location,
    Menu,
    MessageKey,
    Pin,
    Poll,
    PollVote,
    RemoteFile,
    Revoke,
    Sealed,
    Sticker,
    Text,
    Timer,
    Unsupported,
    Video,
)
from sessions.events import MessageReceived, MessageUndecryptable
from sessions.sealed import Opener
from tests.media.samples import jpeg, needs_ffmpeg
from tests.messages.test_http import get, send, settled, tables_of
from tests.messages.world import ANNA, BEN, World, name_of, poll
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


def handed_over(world: World, shop: Session) -> Any:
    """The envelope that the engine was given last."""
    return world.engine.sent(name_of(shop))[-1][0]


async def sent(api: Any, world: World, shop: Session, **fields: Any) -> tuple[dict[str, Any], Any]:
    """Send over HTTP; the message once it is delivered, and the envelope."""
    accepted = await send(api, **fields)
    await settled(world, accepted)
    found = await get(api, f"/api/v1/messages/{accepted['id']}")
    MessageOut.model_validate(found)
    return found, handed_over(world, shop)


async def heard(world: World, shop: Session, content: Content, wa_id: str, **more: Any) -> Any:
    """Anna writes; the message as it is filed."""
    anna = world.engine.phone(ANNA, "Anna").address
    event = MessageReceived(
        key=MessageKey(chat=anna, wa_id=wa_id, from_me=False),
        sender=anna,
        push_name="Anna",
        timestamp=world.clock.now().timestamp(),
        content=content,
        **more,
    )
    world.engine.report(name_of(shop), event)

    async def look() -> Any:
        return next((entry for entry in await world.all(direction="in") if entry.message.wa_id == wa_id), None)

    return await poll(look)


async def told(world: World, kind: str, count: int = 1) -> list[Any]:
    async def look() -> Any:
        events = await world.told(kind)
        return events if len(events) >= count else None

    found: list[Any] = await poll(look)
    return found


def key_of(world: World, message: dict[str, Any]) -> MessageKey:
    return MessageKey(chat=world.engine.phone(ANNA).address, wa_id=message["wa_id"], from_me=True)


def ours(world: World, shop: Session) -> Address:
    return world.engine.phone("+4915110000001").address


async def test_a_quote_shows_the_message_that_is_answered(api: Any, world: World, shop: Session) -> None:
    file = RemoteFile(
        direct_path="/p", media_key=b"k", sha256=b"s", encrypted_sha256=b"e", size=1, mimetype="image/jpeg"
    )
    picture = await heard(world, shop, Image(file=file, caption="look"), "3EB0PIC")

    _, envelope = await sent(
        api, world, shop, type="text", text={"body": "nice"}, reply_to=render_id("msg", picture.message.id)
    )

    assert envelope.quote.wa_id == "3EB0PIC"
    assert envelope.quote.content.caption == "look"
    assert envelope.quote.content.file.direct_path == "/p"


async def test_everyone_can_be_mentioned(api: Any, world: World, shop: Session) -> None:
    found, envelope = await sent(api, world, shop, type="text", text={"body": "hi @all"}, mentions=["all", BEN])

    assert found["mentions"] == ["all", f"{BEN[1:]}@s.whatsapp.net"]
    assert envelope.mentions_all
    assert [str(one.primary) for one in envelope.mentions] == [f"{BEN[1:]}@s.whatsapp.net"]


async def test_a_link_shows_its_page(api: Any, world: World, shop: Session, aiohttp_server: Any) -> None:
    async def page(request: web.Request) -> web.Response:
        text = (
            "<html><head><title>Fallback</title><meta property='og:title' content='Fresh &amp; warm'>"
            "<meta name='description' content='Bread  since\n1900'><meta property='og:image' content='/p.jpg'></head>"
        )
        return web.Response(text=text, content_type="text/html")

    async def moved(request: web.Request) -> web.Response:
        raise web.HTTPFound("/page")

    async def picture(request: web.Request) -> web.Response:
        return web.Response(body=jpeg(300, 200), content_type="image/jpeg")

    app = web.Application()
    app.add_routes([web.get("/page", page), web.get("/moved", moved), web.get("/p.jpg", picture)])
    server = await aiohttp_server(app)
    url = str(server.make_url("/moved"))

    found, envelope = await sent(api, world, shop, type="text", text={"body": f"See {url}.", "preview": True})

    shown = envelope.content.preview
    assert (shown.url, shown.title, shown.description) == (url, "Fresh & warm", "Bread since 1900")
    assert Picture.open(io.BytesIO(shown.thumbnail)).size == (100, 67)
    assert found["text"]["preview"] == {"url": url, "title": "Fresh & warm", "description": "Bread since 1900"}


@pytest.mark.parametrize("link", ["http://10.0.0.1/secret", "http://169.254.169.254/", "no link at all"])
async def test_a_text_goes_without_a_preview_that_cannot_be_had(
    api: Any, world: World, shop: Session, link: str
) -> None:
    _, envelope = await sent(api, world, shop, type="text", text={"body": link, "preview": True})

    assert envelope.content == Text(body=link)


async def test_a_poll_is_sent_and_its_votes_are_counted(api: Any, world: World, shop: Session) -> None:
    asked, envelope = await sent(
        api, world, shop, type="poll", poll={"question": "When?", "options": ["Monday", "Tuesday"]}
    )
    anna = world.engine.phone(ANNA).address
    opener = Opener(secret=envelope.secret, wa_id=asked["wa_id"], author=ours(world, shop))

    for number, options in enumerate((["Monday"], ["Tuesday"])):
        world.advance(1)
        sealed = opener.seal_vote(options, voter=anna)
        say(world, shop, PollVote(target=key_of(world, asked), sealed=sealed), f"V{number}")
        votes = await told(world, "poll.vote", number + 1)

    assert envelope.content == Poll(question="When?", options=("Monday", "Tuesday"))
    contact = asked["contact"]
    assert votes[1].data["options"] == ["Tuesday"]
    assert votes[1].data["by"] == contact
    assert votes[1].data["results"] == {
        "voters": 1,
        "options": [
            {"option": "Monday", "votes": 0, "by": []},
            {"option": "Tuesday", "votes": 1, "by": [contact]},
        ],
    }
    happened = await get(api, f"/api/v1/messages/{asked['id']}/events")
    MessageEvents.model_validate(happened)
    assert happened["results"] == votes[1].data["results"]
    assert happened["people"] == [votes[1].data["who"]]
    assert (happened["people"][0]["contact"], happened["people"][0]["phone"]) == (contact, ANNA)


async def test_a_vote_that_cannot_be_opened_is_told(api: Any, world: World, shop: Session) -> None:
    asked, _ = await sent(api, world, shop, type="poll", poll={"question": "When?", "options": ["a", "b"]})

    sealed = Sealed(payload=b"x" * 48, iv=b"i" * 12)
    say(world, shop, PollVote(target=key_of(world, asked), sealed=sealed), "V1")

    [event] = await told(world, "answer.unreadable")
    assert event.data["id"] == asked["id"]
    assert await world.told("poll.vote") == []


async def test_we_vote_in_a_poll_of_theirs(api: Any, world: World, shop: Session) -> None:
    secret = bytes(range(32))
    asked = await heard(world, shop, Poll(question="Where?", options=("here", "there")), "3EB0POLL", secret=secret)
    poll_id = render_id("msg", asked.message.id)

    _, envelope = await sent(api, world, shop, type="poll_vote", poll_vote={"message": poll_id, "options": ["there"]})

    opener = Opener(secret=secret, wa_id="3EB0POLL", author=world.engine.phone(ANNA).address)
    vote = envelope.content
    assert opener.open_vote(vote.sealed, voter=ours(world, shop), options=("here", "there")) == ("there",)
    results = (await get(api, f"/api/v1/messages/{poll_id}/events"))["results"]
    assert results["options"][1] == {"option": "there", "votes": 1, "by": [None]}


@pytest.mark.parametrize(
    ("options", "problem"),
    [(["nowhere"], "The poll has no such option."), (["here", "there"], "The poll does not allow so many options.")],
)
async def test_a_vote_must_suit_its_poll(
    api: Any, world: World, shop: Session, options: list[str], problem: str
) -> None:
    asked = await heard(world, shop, Poll(question="?", options=("here", "there")), "3EB0P", secret=bytes(32))

    refused = await send(
        api, 422, type="poll_vote", poll_vote={"message": render_id("msg", asked.message.id), "options": options}
    )

    assert refused["fields"] == [{"path": "poll_vote.options", "problem": problem}]


async def test_an_appointment_is_sent_and_answered(api: Any, world: World, shop: Session) -> None:
    event = {"name": "Tasting", "starts_at": "2027-01-01T10:00:00Z", "guests_allowed": True}
    asked, envelope = await sent(api, world, shop, type="event", event=event)
    anna = world.engine.phone(ANNA).address
    opener = Opener(secret=envelope.secret, wa_id=asked["wa_id"], author=ours(world, shop))

    sealed = opener.seal_reply("going", guests=2, at=1.0, guest=anna)
    say(world, shop, EventReply(target=key_of(world, asked), sealed=sealed), "R1")

    assert isinstance(envelope.content, CalendarEvent)
    assert asked["event"]["starts_at"] == "2027-01-01T10:00:00.000Z"
    [reply] = await told(world, "event.reply")
    assert (reply.data["answer"], reply.data["guests"]) == ("going", 2)
    assert reply.data["results"]["options"][0] == {"option": "going", "votes": 3, "by": [asked["contact"]]}


async def test_we_answer_an_appointment_of_theirs(api: Any, world: World, shop: Session) -> None:
    secret = bytes(range(32))
    asked = await heard(world, shop, CalendarEvent(name="Party", starts_at=1.9e9), "3EB0EV", secret=secret)
    reply = {"message": render_id("msg", asked.message.id), "answer": "maybe"}

    _, envelope = await sent(api, world, shop, type="event_reply", event_reply=reply)

    opener = Opener(secret=secret, wa_id="3EB0EV", author=world.engine.phone(ANNA).address)
    assert opener.open_reply(envelope.content.sealed, guest=ours(world, shop)) == ("maybe", 0)


async def test_where_an_appointment_of_theirs_is_held_is_told_as_documented(
    api: Any, world: World, shop: Session
) -> None:
    place = Location(latitude=1.5, longitude=2.5, name="Harbour")
    asked = await heard(world, shop, CalendarEvent(name="Party", starts_at=1.9e9, place=place), "3EB0EW")

    told = await get(api, f"/api/v1/messages/{render_id('msg', asked.message.id)}")

    assert told["event"]["place"] == {"latitude": 1.5, "longitude": 2.5, "name": "Harbour", "address": None}


async def test_an_album_is_sent_with_its_pictures_in_order(api: Any, world: World, shop: Session) -> None:
    items = [
        {"image": {"base64": base64.b64encode(jpeg(30, 20 + number)).decode(), "caption": f"no. {number}"}}
        for number in range(2)
    ]

    album = await send(api, type="album", album={"items": items})
    parts = (await get(api, f"/api/v1/messages/{album['id']}/events"))["album"]
    for part in parts:
        await world.when(parse_id("msg", part), "delivered")

    told_of = world.engine.sent(name_of(shop))
    envelopes, wa_ids = [one for one, _ in told_of], [sent.wa_id for _, sent in told_of]
    assert album["album"] == {"images": 2, "videos": 0}
    assert envelopes[0].content == Album(images=2, videos=0)
    assert [envelope.content.caption for envelope in envelopes[1:]] == ["no. 0", "no. 1"]
    assert {envelope.album.wa_id for envelope in envelopes[1:]} == {wa_ids[0]}


async def test_the_pictures_of_an_album_that_arrives_belong_to_it(api: Any, world: World, shop: Session) -> None:
    album = await heard(world, shop, Album(images=1, videos=0), "3EB0ALBUM")
    file = RemoteFile(
        direct_path="/p", media_key=b"k", sha256=b"s", encrypted_sha256=b"e", size=1, mimetype="image/jpeg"
    )
    picture = await heard(world, shop, Image(file=file), "3EB0PART", album_wa_id="3EB0ALBUM")

    happened = await get(api, f"/api/v1/messages/{render_id('msg', album.message.id)}/events")

    assert happened["album"] == [render_id("msg", picture.message.id)]


async def test_a_stored_message_is_forwarded_with_its_file(api: Any, world: World, shop: Session) -> None:
    picture = {"base64": base64.b64encode(jpeg(30, 20)).decode(), "caption": "look"}
    first, _ = await sent(api, world, shop, type="image", image=picture)

    found, envelope = await sent(api, world, shop, to=BEN, type="forward", forward={"message": first["id"]})

    assert found["type"] == "image"
    assert found["forwarded"]
    assert envelope.forwarded
    assert envelope.content.caption == "look"
    assert envelope.content.file.size == first["image"]["size"]


async def test_what_was_done_to_messages_cannot_be_forwarded(api: Any, world: World, shop: Session) -> None:
    first, _ = await sent(api, world, shop, type="text", text={"body": "x"})
    pin, _ = await sent(api, world, shop, type="pin", pin={"message": first["id"]})

    refused = await send(api, 422, type="forward", forward={"message": pin["id"]})

    assert refused["fields"][0]["path"] == "forward.message"


async def test_an_edit_of_ours_changes_the_message_once_it_is_sent(api: Any, world: World, shop: Session) -> None:
    first, _ = await sent(api, world, shop, type="text", text={"body": "Helo"})

    _, envelope = await sent(api, world, shop, type="edit", edit={"message": first["id"], "body": "Hello"})

    assert envelope.content == Edit(target=key_of(world, first), body="Hello")
    changed = await get(api, f"/api/v1/messages/{first['id']}")
    assert changed["text"]["body"] == "Hello"
    assert changed["edited_at"]
    versions = (await get(api, f"/api/v1/messages/{first['id']}/events"))["versions"]
    assert [version["body"] for version in versions] == ["Helo"]


async def test_only_words_of_our_own_can_be_edited(api: Any, world: World, shop: Session) -> None:
    theirs = await heard(world, shop, Text(body="mine"), "3EB0T")
    place, _ = await sent(api, world, shop, type="location", location={"latitude": 1, "longitude": 2})

    for message_id in (render_id("msg", theirs.message.id), place["id"]):
        refused = await send(api, 422, type="edit", edit={"message": message_id, "body": "yours"})
        assert refused["fields"][0]["path"] == "edit.message"


async def test_a_message_of_ours_is_deleted_for_everyone(api: Any, world: World, shop: Session) -> None:
    first, _ = await sent(api, world, shop, type="text", text={"body": "oops"})

    _, envelope = await sent(api, world, shop, type="revoke", revoke={"message": first["id"]})

    assert envelope.content == Revoke(target=key_of(world, first))
    assert (await get(api, f"/api/v1/messages/{first['id']}"))["state"] == "revoked"
    assert len(await told(world, "message.revoked")) == 1
    assert (await send(api, 409, type="revoke", revoke={"message": first["id"]}))["code"] == "message_not_sent"


async def test_what_others_wrote_is_not_ours_to_delete_in_a_chat_of_two(api: Any, world: World, shop: Session) -> None:
    theirs = await heard(world, shop, Text(body="mine"), "3EB0T")

    refused = await send(api, 422, type="revoke", revoke={"message": render_id("msg", theirs.message.id)})

    assert refused["fields"][0]["path"] == "revoke.message"


async def test_messages_are_pinned_by_us_and_by_them(api: Any, world: World, shop: Session) -> None:
    first, _ = await sent(api, world, shop, type="text", text={"body": "the address"})

    _, envelope = await sent(api, world, shop, type="pin", pin={"message": first["id"], "seconds": 86_400})
    [pinned] = await told(world, "message.pinned")
    happened = await get(api, f"/api/v1/messages/{first['id']}/events")
    say(world, shop, Pin(target=key_of(world, first), seconds=60), "P0")
    theirs = await told(world, "message.pinned", 2)
    pinned_again = await get(api, f"/api/v1/messages/{first['id']}/events")
    say(world, shop, Pin(target=key_of(world, first)), "P1")
    [unpinned] = await told(world, "message.unpinned")

    assert envelope.content == Pin(target=key_of(world, first), seconds=86_400)
    assert (pinned.data["by"], pinned.data["who"], pinned.data["id"]) == (None, None, first["id"])
    assert (happened["pinned_until"], happened["pinned_by"]) == (pinned.data["pinned_until"], None)
    assert pinned_again["pinned_by"] == theirs[1].data["who"] == unpinned.data["who"]
    assert unpinned.data["by"] == unpinned.data["who"]["contact"] == first["contact"]
    assert (await get(api, f"/api/v1/messages/{first['id']}/events"))["pinned_until"] is None


async def test_a_timer_counts_for_what_is_sent_after_it(api: Any, world: World, shop: Session) -> None:
    _, before = await sent(api, world, shop, type="text", text={"body": "stays"})
    _, timer = await sent(api, world, shop, type="timer", timer={"seconds": 86_400})
    _, after = await sent(api, world, shop, type="text", text={"body": "goes"})
    world.advance(1)
    await heard(world, shop, Timer(seconds=0), "3EB0OFF")
    _, last = await sent(api, world, shop, type="text", text={"body": "stays again"})

    assert timer.content == Timer(seconds=86_400)
    assert [one.disappears_seconds for one in (before, after, last)] == [0, 86_400, 0]


async def test_a_live_location_is_sent_and_arrives(api: Any, world: World, shop: Session) -> None:
    part = {"latitude": 52.5, "longitude": 13.4, "caption": "on my way"}

    found, envelope = await sent(api, world, shop, type="live_location", live_location=part)
    entry = await heard(world, shop, LiveLocation(latitude=1, longitude=2, sequence=4), "3EB0LIVE")
    shown = await get(api, f"/api/v1/messages/{render_id('msg', entry.message.id)}")

    assert envelope.content == LiveLocation(**part)
    assert found["live_location"]["caption"] == "on my way"
    assert shown["live_location"]["sequence"] == 4
    MessageOut.model_validate(shown)


MENU = {"body": "What?", "options": [{"id": "b", "title": "Brötchen"}, {"id": "c", "title": "Cake"}]}


@pytest.mark.parametrize(("answer", "chosen"), [("1", "b"), (" 2. ", "c"), ("brotchen", "b"), ("CAKE", "c")])
async def test_the_answer_to_a_menu_is_told(api: Any, world: World, shop: Session, answer: str, chosen: str) -> None:
    asked, envelope = await sent(api, world, shop, type="menu", menu=MENU)

    await heard(world, shop, Text(body=answer), "3EB0ANSWER")

    assert isinstance(envelope.content, Menu)
    [event] = await told(world, "menu.choice")
    assert event.data["choice"]["id"] == chosen
    assert event.data["choice"]["menu"] == asked["id"]
    assert event.data["text"]["body"] == answer


async def test_what_is_no_answer_to_the_menu_is_none(api: Any, world: World, shop: Session) -> None:
    await sent(api, world, shop, type="menu", menu=MENU)

    await heard(world, shop, Text(body="3"), "3EB0A")
    await heard(world, shop, Text(body="what is that?"), "3EB0B")
    world.advance(25 * 3600)
    await heard(world, shop, Text(body="1"), "3EB0C")

    assert await world.told("menu.choice") == []


async def test_buttons_are_refused_with_a_sentence(api: Any, world: World, shop: Session) -> None:
    refused = await send(api, 501, type="menu", menu=MENU | {"style": "buttons"})

    assert refused["code"] == "engine_unsupported"
    assert "buttons" in refused["detail"]


async def test_a_picture_becomes_a_sticker(api: Any, world: World, shop: Session) -> None:
    out = io.BytesIO()
    frames = [Picture.new("RGB", (60, 40), colour) for colour in ("red", "blue")]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=100)
    for mimetype, data in (("image/jpeg", jpeg(60, 40)), ("image/gif", out.getvalue())):
        part = {"base64": base64.b64encode(data).decode(), "mimetype": mimetype}

        _, envelope = await sent(api, world, shop, type="sticker", sticker=part)

        assert isinstance(envelope.content, Sticker)
        assert envelope.content.file.mimetype == "image/webp"
        with Picture.open(envelope.content.file.path) as sticker:
            assert sticker.size == (512, 512)
            assert getattr(sticker, "n_frames", 1) == (2 if mimetype == "image/gif" else 1)


@needs_ffmpeg
async def test_a_gif_becomes_a_film(api: Any, world: World, shop: Session) -> None:
    out = io.BytesIO()
    frames = [Picture.new("RGB", (61, 41), colour) for colour in ("red", "blue", "green")]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=200)
    part = {"base64": base64.b64encode(out.getvalue()).decode(), "gif": True}

    found, envelope = await sent(api, world, shop, type="video", video=part)

    assert isinstance(envelope.content, Video)
    assert envelope.content.gif
    assert (envelope.content.file.mimetype, envelope.content.file.width) == ("video/mp4", 60)
    assert found["video"]["gif"]


async def test_a_message_that_cannot_be_read_is_told_and_told_again_when_it_can(
    api: Any, world: World, shop: Session
) -> None:
    anna = world.engine.phone(ANNA, "Anna").address
    key = MessageKey(chat=anna, wa_id="3EB0U", from_me=False)

    world.engine.report(
        name_of(shop), MessageUndecryptable(key=key, sender=anna, timestamp=world.clock.now().timestamp())
    )
    [locked] = await told(world, "message.undecryptable")
    await heard(world, shop, Text(body="again"), "3EB0U")
    [opened] = await told(world, "message.received")

    assert locked.data["unsupported"]["name"] == "undecryptable"
    assert opened.data["id"] == locked.data["id"]
    assert opened.data["text"] == {"body": "again"}


async def test_what_nobody_here_knows_is_kept_raw(api: Any, world: World, shop: Session) -> None:
    entry = await heard(world, shop, Unsupported(name="orderMessage", raw=b"\x01\x02"), "3EB0X")

    shown = await get(api, f"/api/v1/messages/{render_id('msg', entry.message.id)}")

    assert shown["unsupported"] == {"name": "orderMessage", "raw": base64.b64encode(b"\x01\x02").decode()}
    MessageOut.model_validate(shown)


@pytest.mark.parametrize(
    ("kind", "part", "path"),
    [
        ("poll", {"question": "?", "options": ["one"]}, "poll.options"),
        ("poll", {"question": "?", "options": ["same", "same"]}, "poll"),
        ("poll", {"question": "?", "options": ["a", "b"], "selectable": 3}, "poll"),
        ("event", {"name": "x", "starts_at": "2027-01-02T00:00:00Z", "ends_at": "2027-01-01T00:00:00Z"}, "event"),
        ("pin", {"message": "msg_0000000000001", "seconds": 5}, "pin.seconds"),
        ("timer", {"seconds": 60}, "timer.seconds"),
        ("menu", {"body": "x", "options": []}, "menu.options"),
        ("live_location", {"latitude": 91, "longitude": 0}, "live_location.latitude"),
    ],
)
async def test_what_is_wrong_is_named(api: Any, world: World, shop: Session, kind: str, part: Any, path: str) -> None:
    refused = await send(api, 422, type=kind, **{kind: part})

    assert path in [field["path"] for field in refused["fields"]]


async def test_what_is_about_a_message_of_another_chat_is_refused(api: Any, world: World, shop: Session) -> None:
    first, _ = await sent(api, world, shop, type="text", text={"body": "x"})

    for kind, more in (("pin", {}), ("edit", {"body": "y"}), ("revoke", {})):
        refused = await send(api, 422, to=BEN, type=kind, **{kind: {"message": first["id"], **more}})
        assert refused["fields"][0]["path"] == f"{kind}.message"


def say(world: World, shop: Session, content: Content, wa_id: str) -> None:
    anna = world.engine.phone(ANNA).address
    world.engine.report(
        name_of(shop),
        MessageReceived(
            key=MessageKey(chat=anna, wa_id=wa_id, from_me=False),
            sender=anna,
            push_name="Anna",
            timestamp=world.clock.now().timestamp(),
            content=content,
        ),
    )
