"""What the phone shares of its past, on the real engine: it is filed once, quietly, and as deep as was asked for."""

from __future__ import annotations

import base64
import itertools
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest

from gateway.fleet.models import Session
from gateway.fleet.proxies import ProxySeals
from gateway.fleet.specs import SessionDefaults, Specs
from gateway.kit.clock import SystemClock
from gateway.kit.ids import IdGenerator, render_id
from gateway.kit.vault import Vault
from gateway.messages.store import Entry
from sessions.address import Address, Jid
from sessions.sandbox.loopback import LoopbackWhatsApp
from sessions.sandbox.phones.log import Direction
from sessions.sandbox.phones.writing import FileInput, OutgoingMessage, TextInput
from sessions.settings import EngineSettings
from sessions.supervisor import Supervisor
from tests.engine.worlds import loopback_of
from tests.media.samples import jpeg
from tests.messages.test_http import tables_of
from tests.messages.world import PRINCIPAL, World, poll
from tests.serving import ClientFactory, build_parts

pytestmark = pytest.mark.long

_numbers = itertools.count(15559100001)
_DAY = 86_400
OLD, ANCIENT = 10 * _DAY, 100 * _DAY


@pytest.fixture(scope="module")
async def whatsapp(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LoopbackWhatsApp]:
    started = LoopbackWhatsApp(folder=tmp_path_factory.mktemp("whatsapp"))
    await started.start()
    yield started
    assert started.service.unknown_iqs == []
    await started.stop()


class Past:
    """A phone with a past, to be linked, and a customer who has written with it."""

    def __init__(self, world: World, whatsapp: LoopbackWhatsApp, folder: Path) -> None:
        self.world, self.whatsapp, self._folder = world, whatsapp, folder
        self.shop, self.anna = f"+{next(_numbers)}", f"+{next(_numbers)}"

    async def live(self) -> None:
        """A hundred days ago, ten days ago, and a moment ago."""
        shop = await self.whatsapp.phones.add(self.shop, "Shop")
        anna = await self.whatsapp.phones.add(self.anna, "Anna")
        for ago, bodies in ((ANCIENT, ("ancient 1", "ancient 2")), (OLD, [f"old {number}" for number in range(30)])):
            for number, body in enumerate(bodies):
                self._remember(shop, body, at=time.time() - ago + number, is_out=number % 2 == 1)
        for parts in (
            {"text": TextInput(body="preço?")},
            {"image": _file(jpeg(64, 64))},
            {"voice": _file(b"OggS" * 20)},
        ):
            await anna.send(OutgoingMessage(to=self.shop, type=next(iter(parts)), **parts))
        await poll(lambda: _true(sum(entry.reached for entry in shop.log) == 3))

    async def link(self, history: Literal["none", "recent", "full"]) -> Session:
        self.world.specs = Specs(
            folder=self._folder / "sessions",
            defaults=SessionDefaults(history=history),
            seals=ProxySeals(vault=Vault(bytes(32))),
        )
        await self.world.open()
        await self.world.start()
        return await self.world.link(number=self.shop, scan=self.whatsapp.phones.get(self.shop).scan)

    async def shared(self, *stages: str) -> list[Any]:
        """What was told of progress, once these stages are complete."""

        async def look() -> list[Any] | None:
            told = [event.data for event in await self.world.told("history.progress")]
            done = {data["stage"] for data in told if data["progress"] == 100}
            return told if done.issuperset(stages) else None

        found: list[Any] = await poll(look)
        return found

    async def bodies(self) -> list[str]:
        return [entry.message.body for entry in await self.world.all() if entry.message.body]

    def statuses(self) -> list[str]:
        """How far what Anna sent has come, as her phone shows it."""
        return [str(entry.status) for entry in self.whatsapp.phones.get(self.anna).log if not entry.reached]

    def _remember(self, phone: Any, body: str, *, at: float, is_out: bool) -> None:
        sides = [self.anna.removeprefix("+"), self.shop.removeprefix("+")]
        phone.log.add(
            id=f"3A{body.replace(' ', '').upper()}{self.shop[-4:]}",
            chat=sides[0],
            sender=sides[is_out],
            recipient=sides[not is_out],
            direction=Direction.OUT if is_out else Direction.IN,
            reached=False,
            type="text",
            fields={"text": {"body": body}},
            at=at,
            is_read=not is_out,
        )


@pytest.fixture
async def past(any_database: Any, any_org: Any, whatsapp: LoopbackWhatsApp, tmp_path: Path) -> AsyncIterator[Past]:
    settings = EngineSettings(loopback=loopback_of(whatsapp), backoff_first_seconds=0.2)
    clock = SystemClock()
    world = World(
        database=any_database,
        clock=clock,
        ids=IdGenerator(clock=clock, chance=random.Random(7)),
        folder=tmp_path,
        make_engine=lambda listener: Supervisor(settings=settings, listener=listener),
    )
    made = Past(world, whatsapp, tmp_path)
    await made.live()
    yield made
    await world.close()


async def test_all_of_the_past_is_filed_once_read_and_fetched_later(past: Past, aiohttp_client: ClientFactory) -> None:
    world = past.world
    session = await past.link("full")
    told = await past.shared("bootstrap", "recent", "full")

    assert sum(data["messages"] for data in told) == 35
    bodies = await past.bodies()
    assert bodies[:3] == ["ancient 1", "ancient 2", "old 0"]
    assert (len(bodies), bodies[-1]) == (33, "preço?")
    entries = await world.all()
    assert {entry.message.origin for entry in entries} == {"history"}
    assert {entry.message.direction for entry in entries} == {"in", "out"}
    assert await world.told("message.received", "message.sent") == []
    [chat] = {entry.chat.id for entry in entries}
    assert entries[-1].chat.unread == 3
    contact = await poll(lambda: _only_contact(world))  # names come apart from messages
    assert (contact.phone, contact.push_name) == (past.anna, "Anna")
    assert contact.lid == past.whatsapp.phones.get(past.anna).account.lid.user

    client = await _client(world, aiohttp_client)
    await _read(client, chat)
    await poll(lambda: _true(past.statuses() == ["read", "read", "played"]))
    assert (await world.all())[-1].chat.unread == 0
    await _fetch_picture(world, client, entries)
    await _type_on_the_phone(past, session)


async def _only_contact(world: World) -> Any:
    """Whom all messages are from or to, once the name is known."""
    [contact] = {entry.contact.id: entry.contact for entry in await world.all() if entry.contact}.values()
    return contact if contact.push_name else None


async def _client(world: World, aiohttp_client: ClientFactory) -> Any:
    parts = build_parts(database=world.database, clock=world.clock, ids=world.ids)
    client = await parts.serve(aiohttp_client, tables=tables_of(world))
    client.session.headers["Authorization"] = f"Bearer {await parts.make_key(scopes=['*'])}"
    return client


async def _read(client: Any, chat_id: int) -> None:
    response = await client.put(f"/api/v1/chats/{render_id('cht', chat_id)}/read")
    assert response.status == 204, await response.text()


async def _fetch_picture(world: World, client: Any, entries: list[Entry]) -> None:
    [picture] = [entry.message for entry in entries if entry.message.type == "image"]
    [words] = [entry.message for entry in entries if entry.message.body == "preço?"]
    assert picture.media_state is None

    response = await client.post(f"/api/v1/messages/{render_id('msg', picture.id)}/fetch-media")
    assert response.status == 202
    refused = await client.post(f"/api/v1/messages/{render_id('msg', words.id)}/fetch-media")
    assert (refused.status, (await refused.json())["code"]) == (409, "message_without_file")

    async def look() -> bool:
        return (await world.find(picture.id)).message.media_state == "available"

    await poll(look)


async def _type_on_the_phone(past: Past, session: Session) -> None:
    phone = past.whatsapp.phones.get(past.shop)
    await phone.send(OutgoingMessage(to=past.anna, text=TextInput(body="typed on the phone")))

    async def look() -> Entry | None:
        return next((entry for entry in await past.world.all(direction="out") if entry.message.origin == "phone"), None)

    entry = await poll(look)
    assert (entry.message.body, entry.message.direction) == ("typed on the phone", "out")
    assert entry.message.state in ("sent", "delivered"), "Anna's phone may have confirmed it already"


async def test_only_what_is_recent_comes_unless_more_is_asked_for(past: Past) -> None:
    await past.link("recent")
    await past.shared("bootstrap", "recent")

    bodies = await past.bodies()

    assert bodies[0] == "old 0"
    assert len(bodies) == 31


async def test_a_past_that_is_not_wanted_is_not_filed(past: Past) -> None:
    await past.link("none")

    anna = past.whatsapp.phones.get(past.anna)
    await anna.send(OutgoingMessage(to=past.shop, text=TextInput(body="from now on")))
    await past.world.incoming(1)

    assert await past.bodies() == ["from now on"]
    assert await past.world.told("history.progress") == []


async def test_who_was_known_by_number_is_known_by_the_hidden_address_that_writes(past: Past) -> None:
    world = past.world

    def known(tx: Any) -> Any:
        return world.contacts.identify(tx, org_id=PRINCIPAL.org_id, address=Address.of(Jid.from_phone(past.anna)))

    before = await world.database.write(known)
    assert before.lid is None
    await past.link("none")

    anna = past.whatsapp.phones.get(past.anna)
    await anna.send(OutgoingMessage(to=past.shop, text=TextInput(body="hello")))
    [entry] = await world.incoming(1)

    assert entry.contact is not None
    assert (entry.contact.id, entry.contact.phone) == (before.id, past.anna)
    assert entry.contact.lid == anna.account.lid.user
    by_lid = Address.of(anna.account.lid)
    found = await world.database.read(
        lambda tx: world.contacts.find_by_address(tx, org_id=PRINCIPAL.org_id, address=by_lid)
    )
    assert found is not None
    assert found.id == before.id


def _file(data: bytes) -> FileInput:
    return FileInput(base64=base64.b64encode(data).decode())


async def _true(value: bool) -> bool:
    return value
