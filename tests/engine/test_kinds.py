"""Every kind of message both ways, through the real library and the loopback WhatsApp."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from sessions.address import Address, Jid
from sessions.content import (
    Album,
    Audio,
    CalendarEvent,
    Content,
    Edit,
    EventReply,
    Image,
    LiveLocation,
    Location,
    Menu,
    MenuOption,
    MessageKey,
    Pin,
    Poll,
    PollVote,
    Preview,
    Quote,
    Revoke,
    Text,
    Timer,
    Unsupported,
    Video,
)
from sessions.events import MessageReceived
from sessions.protobuf import load
from sessions.sandbox.phones.writing import OutgoingMessage
from sessions.sealed import Opener
from tests.engine.test_media import file_at
from tests.engine.worlds import RealWorld, envelope, link, send, spec_for

pytestmark = pytest.mark.long

e2e: Any = load("waE2E.WAWebProtobufsE2E_pb2")
SESSION = "ses_1"


class Two:
    """A linked session, and somebody with a phone."""

    def __init__(self, world: RealWorld, shop: str, anna: str) -> None:
        self.world, self.shop, self.anna = world, shop, anna
        self.phone = world.whatsapp.phones.get(anna)
        account = self.phone.account
        self.them = Address(pn=account.pn, lid=account.lid)
        own = world.whatsapp.phones.get(shop).account
        self.us = Address(pn=own.pn, lid=own.lid)

    async def say(self, content: Content | str, **fields: Any) -> Any:
        """Send, and give what Anna's phone shows of it."""
        sent = await send(self.world, SESSION, envelope(self.anna, content, **fields))
        return await self.shown(sent.wa_id)

    async def shown(self, wa_id: str) -> Any:
        async with asyncio.timeout(20):
            while True:
                entry = self.phone.log.find(wa_id)
                if entry is not None:
                    return entry
                await asyncio.sleep(0.005)

    async def hear(self, kind: str, part: dict[str, Any], **more: Any) -> MessageReceived:
        """Let Anna send, and give what the session reports of it."""
        message = OutgoingMessage.model_validate({"to": self.shop, "type": kind, kind: part, **more})
        entry = await self.phone.send(message)

        def heard() -> MessageReceived | None:
            events = self.world.listener.events(MessageReceived)
            return next((event for event in events if event.key.wa_id == entry.id), None)

        found = await self.world.listener.until(heard)
        assert found is not None
        return found

    def key(self, wa_id: str, *, from_me: bool = True) -> MessageKey:
        return MessageKey(chat=self.them, wa_id=wa_id, from_me=from_me)


@pytest.fixture
async def two(real: RealWorld, tmp_path: Path) -> Two:
    spec, shop, anna = spec_for(tmp_path, SESSION), await real.phone("Shop"), await real.phone("Anna")
    await link(real, spec, shop)
    return Two(real, shop, anna)


async def test_a_text_with_what_stands_around_it(two: Two) -> None:
    heard = await two.hear("text", {"body": "shall we?"})
    preview = Preview(url="https://example.com/a", title="A page", description="About", thumbnail=b"\xff\xd8\xff")

    quoting = await two.say("yes", quote=Quote(wa_id=heard.key.wa_id, sender=two.them, content=heard.content))
    mentioning = await two.say("hi @77", mentions=(Address.of(Jid("77", "lid")),), mentions_all=True)
    linking = await two.say(Text(body="see https://example.com/a", preview=preview))
    forwarded = await two.say("news", forwarded=True, disappears_seconds=86_400)

    assert (quoting.fields["reply_to"], quoting.fields["quoted"]) == (heard.key.wa_id, "shall we?")
    assert (mentioning.fields["mentions"], mentioning.fields["mentions_all"]) == (["77@lid"], True)
    assert linking.fields["text"]["preview"] == {
        "url": "https://example.com/a",
        "title": "A page",
        "description": "About",
        "has_picture": True,
    }
    assert (forwarded.fields["forwarded"], forwarded.fields["disappears_seconds"]) == (True, 86_400)


async def test_films_and_pictures_say_how_they_are_shown(two: Two, tmp_path: Path) -> None:
    film = file_at(tmp_path, "video/mp4")

    note = await two.say(Video(file=film, note=True))
    gif = await two.say(Video(file=film, gif=True))
    once = await two.say(Image(file=file_at(tmp_path, "image/jpeg"), view_once=True))
    heard = await two.say(Audio(file=file_at(tmp_path, "audio/ogg"), voice=True, view_once=True))
    quoted = await two.say("nice", quote=Quote(wa_id=gif.id, sender=two.us, content=Video(file=film, gif=True)))

    assert note.fields["video"]["note"]
    assert gif.fields["video"]["gif"]
    assert once.fields["image"]["view_once"]
    assert heard.fields["voice"]["view_once"]
    assert quoted.fields["quoted"] == "videoMessage"


async def test_polls_and_votes_both_ways(two: Two) -> None:
    ours = envelope(two.anna, Poll(question="When?", options=("Monday", "Tuesday")))
    sent = await send(two.world, SESSION, ours)
    await two.shown(sent.wa_id)

    vote = await two.hear("poll_vote", {"message_id": sent.wa_id, "options": ["Tuesday"]})
    theirs = await two.hear("poll", {"question": "Where?", "options": ["here", "there"]})

    assert isinstance(vote.content, PollVote)
    assert vote.content.target == two.key(sent.wa_id)
    assert vote.content.sealed is not None
    opener = Opener(secret=ours.secret, wa_id=sent.wa_id, author=two.us)
    assert opener.open_vote(vote.content.sealed, voter=two.them, options=("Monday", "Tuesday")) == ("Tuesday",)
    assert theirs.content == Poll(question="Where?", options=("here", "there"))
    assert theirs.secret is not None
    sealed = Opener(secret=theirs.secret, wa_id=theirs.key.wa_id, author=two.them).seal_vote(("there",), voter=two.us)
    shown = await two.say(PollVote(target=two.key(theirs.key.wa_id, from_me=False), sealed=sealed))
    assert shown.fields["poll_vote"] == {"message_id": theirs.key.wa_id, "options": ["there"]}


async def test_appointments_and_answers_both_ways(two: Two) -> None:
    event = CalendarEvent(
        name="Tasting",
        starts_at=1_900_000_000.0,
        ends_at=1_900_003_600.0,
        description="Bring bread",
        place=Location(latitude=1.0, longitude=2.0, name="Here"),
        join_link="https://call.example/1",
        guests_allowed=True,
    )
    ours = envelope(two.anna, event)
    sent = await send(two.world, SESSION, ours)
    shown = await two.shown(sent.wa_id)

    reply = await two.hear("event_reply", {"message_id": sent.wa_id, "answer": "maybe", "guests": 2})
    theirs = await two.hear("event", {"name": "Party", "starts_at": 1_900_000_000, "description": "Late"})

    assert shown.fields["event"]["name"] == "Tasting"
    assert shown.fields["event"]["place"] == "Here"
    assert isinstance(reply.content, EventReply)
    assert reply.content.sealed is not None
    opener = Opener(secret=ours.secret, wa_id=sent.wa_id, author=two.us)
    assert opener.open_reply(reply.content.sealed, guest=two.them) == ("maybe", 2)
    assert theirs.content == CalendarEvent(name="Party", starts_at=1_900_000_000.0, description="Late")
    assert theirs.secret is not None
    opener = Opener(secret=theirs.secret, wa_id=theirs.key.wa_id, author=two.them)
    sealed = opener.seal_reply("going", guests=0, at=1.0, guest=two.us)
    answered = await two.say(EventReply(target=two.key(theirs.key.wa_id, from_me=False), sealed=sealed))
    assert answered.fields["event_reply"] == {"message_id": theirs.key.wa_id, "answer": "going", "guests": 0}


async def test_pins_timers_edits_and_deletions_both_ways(two: Two) -> None:
    ours = (await two.say("first")).id
    theirs = (await two.hear("text", {"body": "second"})).key.wa_id

    pin = await two.say(Pin(target=two.key(ours), seconds=86_400))
    unpin = await two.say(Pin(target=two.key(ours)))
    timer = await two.say(Timer(seconds=604_800))
    edit = await two.say(Edit(target=two.key(ours), body="better"))
    revoke = await two.say(Revoke(target=two.key(ours)))

    assert pin.fields["pin"] == {"message_id": ours, "pinned": True}
    assert unpin.fields["pin"] == {"message_id": ours, "pinned": False}
    assert timer.fields["timer"] == {"seconds": 604_800}
    assert (edit.fields["edit"], edit.fields["text"]) == ({"message_id": ours}, {"body": "better"})
    assert revoke.fields["revoke"] == {"message_id": ours}
    target = two.key(theirs, from_me=False)
    assert (await two.hear("pin", {"message_id": theirs, "seconds": 86_400})).content == Pin(
        target=target, seconds=86_400
    )
    assert (await two.hear("pin", {"message_id": theirs, "seconds": 0})).content == Pin(target=target)
    assert (await two.hear("timer", {"seconds": 86_400})).content == Timer(seconds=86_400)
    assert (await two.hear("edit", {"message_id": theirs, "body": "2nd"})).content == Edit(target=target, body="2nd")
    assert (await two.hear("revoke", {"message_id": theirs})).content == Revoke(target=target)


async def test_places_menus_and_albums_are_shown(two: Two, tmp_path: Path) -> None:
    live = await two.say(LiveLocation(latitude=52.5, longitude=13.4, accuracy_meters=10, caption="on my way"))
    options = (MenuOption(id="a", title="Bread"), MenuOption(id="b", title="Cake", description="of today"))
    menu = await two.say(Menu(body="What shall it be?", options=options, footer="Answer with a number"))
    album = await two.say(Album(images=1, videos=0))
    picture = await two.say(Image(file=file_at(tmp_path, "image/jpeg")), album=two.key(album.id))

    assert live.fields["live_location"]["caption"] == "on my way"
    assert menu.fields["text"]["body"] == (
        "What shall it be?\n\n1. Bread\n2. Cake\n    of today\n\nAnswer with a number"
    )
    assert album.fields["album"] == {"images": 1, "videos": 0}
    assert picture.type == "image"


async def test_what_is_sent_by_phones_is_read_as_its_kind(two: Two) -> None:
    picture = {"base64": base64.b64encode(b"film").decode()}
    preview = {"url": "https://example.com", "title": "A page"}

    note = await two.hear("video", {**picture, "note": True})
    gif = await two.hear("video", {**picture, "gif": True})
    once = await two.hear("image", {**picture, "view_once": True})
    spoken = await two.hear("voice", {**picture, "view_once": True})
    linked = await two.hear("text", {"body": "https://example.com", "preview": preview})
    live = await two.hear("live_location", {"latitude": 1.0, "longitude": 2.0, "caption": "walking", "sequence": 3})
    album = await two.hear("album", {"images": 2, "videos": 1})

    assert isinstance(note.content, Video)
    assert note.content.note
    assert isinstance(gif.content, Video)
    assert gif.content.gif
    assert isinstance(once.content, Image)
    assert once.content.view_once
    assert isinstance(spoken.content, Audio)
    assert (spoken.content.voice, spoken.content.view_once) == (True, True)
    assert linked.content == Text(
        body="https://example.com", preview=Preview(url="https://example.com", title="A page")
    )
    assert live.content == LiveLocation(latitude=1.0, longitude=2.0, caption="walking", sequence=3)
    assert album.content == Album(images=2, videos=1)


async def test_what_nobody_here_knows_is_kept_as_it_came(two: Two) -> None:
    order = e2e.Message(orderMessage=e2e.OrderMessage(orderID="42"))
    raw = base64.b64encode(order.SerializeToString()).decode()

    heard = await two.hear("raw", {"base64": raw})

    assert isinstance(heard.content, Unsupported)
    assert heard.content.name == "orderMessage"
    assert e2e.Message.FromString(heard.content.raw).orderMessage.orderID == "42"
