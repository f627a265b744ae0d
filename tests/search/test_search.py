"""Messages are found by their words the moment they are written, and only by those who may see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.contacts.routes import ContactRoutes
from gateway.fleet.models import Session
from gateway.kit.ids import IdGenerator, render_id
from gateway.messages.chat_list_routes import ChatListRoutes
from gateway.messages.models import Message
from gateway.search.indexer import Indexer
from gateway.search.routes import SearchRoutes
from sessions.content import Document, Edit, MessageKey, RemoteFile, Text
from tests.messages.world import ANNA, BEN, PRINCIPAL, World, name_of, poll
from tests.serving import ClientFactory, Parts, build_parts

PATH = "/api/v1/messages/search"


@pytest.fixture
async def world(any_database: Any, any_org: Any, clock: Any, ids: IdGenerator, tmp_path: Path) -> AsyncIterator[World]:
    made = World(database=any_database, clock=clock, ids=ids, folder=tmp_path)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def shop(world: World) -> Session:
    session = await world.link()
    world.engine.phone(ANNA, "Anna Müller")
    world.engine.phone(BEN, "Ben")
    return session


@pytest.fixture
def parts(world: World, clock: Any, ids: IdGenerator) -> Parts:
    return build_parts(database=world.database, clock=clock, ids=ids)


@pytest.fixture
async def api(world: World, shop: Session, parts: Parts, aiohttp_client: ClientFactory) -> Any:
    tables = [
        SearchRoutes(
            database=world.database,
            sessions=world.sessions,
            contacts=world.contacts,
            indexer=Indexer(database=world.database),
        ),
        ContactRoutes(database=world.database, contacts=world.contacts),
        ChatListRoutes(database=world.database, sessions=world.sessions, contacts=world.contacts),
    ]
    client = await parts.serve(aiohttp_client, tables=tables)
    client.session.headers["Authorization"] = f"Bearer {await parts.make_key(scopes=['*'])}"
    return client


async def hear(world: World, shop: Session, *words: str, sender: str = ANNA) -> list[Message]:
    """These words arrive, one message each."""
    before = len(await world.all(direction="in"))
    for body in words:
        world.engine.incoming(name_of(shop), sender, Text(body=body))
    entries = await world.incoming(before + len(words))
    return [entry.message for entry in entries[before:]]


async def ask(api: Any, q: str, status: int = 200, key: str | None = None, **query: str) -> Any:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    response = await api.get(PATH, params={"q": q} | query, headers=headers)
    answer = await response.json()
    assert response.status == status, answer
    return answer


async def bodies(api: Any, q: str, **query: str) -> list[str]:
    return [hit["message"]["text"]["body"] for hit in (await ask(api, q, **query))["items"]]


async def test_words_are_found_with_and_without_accents(api: Any, world: World, shop: Session) -> None:
    await hear(world, shop, "Qual é o preço?", "Na manhã", "Straße 5")

    assert await bodies(api, "preco") == ["Qual é o preço?"]
    assert await bodies(api, "PREÇO") == ["Qual é o preço?"]
    assert await bodies(api, "strasse") == ["Straße 5"]
    assert await bodies(api, "nothing") == []


async def test_phrases_beginnings_and_exclusions_narrow_it(api: Any, world: World, shop: Session) -> None:
    await hear(world, shop, "red shoes today", "shoes that are red", "red shoelaces", "blue shoes")

    assert await bodies(api, "red shoes") == ["shoes that are red", "red shoes today"]
    assert await bodies(api, '"red shoes"') == ["red shoes today"]
    assert await bodies(api, "red shoe*") == ["red shoelaces", "shoes that are red", "red shoes today"]
    assert await bodies(api, "shoes -red") == ["blue shoes"]
    assert await bodies(api, "-red") == []


async def test_a_hit_says_where_the_words_stand(api: Any, world: World, shop: Session) -> None:
    [message] = await hear(world, shop, "O preço é alto")

    [hit] = (await ask(api, "preco"))["items"]

    assert hit["message"]["id"] == render_id("msg", message.id)
    assert [piece["text"] for piece in hit["highlights"] if piece["match"]] == ["preço"]
    assert "".join(piece["text"] for piece in hit["highlights"]) == "O preço é alto"


@pytest.mark.parametrize(
    "hostile",
    ['"', '""', "*", "-", "(", "NEAR(a b)", "a OR", "words:x", 'x" OR marks:"o1', "'; DROP TABLE", "a:b:*", "!&|<->",
     "\\", "😀", "\u202e\u0301", "a" * 200, "^a", "{a b}", "-a -b", "%_", "x'y\"z", "<script>", ":*", "'@o1'"],
)  # fmt: skip
async def test_everything_can_be_typed(api: Any, world: World, shop: Session, hostile: str) -> None:
    await hear(world, shop, "a b x")

    assert "items" in await ask(api, hostile)


async def test_marks_are_no_words(api: Any, world: World, shop: Session) -> None:
    await hear(world, shop, "hello")

    assert await bodies(api, "o1") == []
    assert await bodies(api, "ttext") == []


async def test_what_is_asked_for_can_be_narrowed(api: Any, world: World, shop: Session, clock: Any) -> None:
    [first] = await hear(world, shop, "apple one")
    clock.advance(3600)
    [second] = await hear(world, shop, "apple two", sender=BEN)
    middle = (clock.now() - timedelta(minutes=30)).isoformat().replace("+00:00", "Z")

    assert await bodies(api, "apple") == ["apple two", "apple one"]
    assert await bodies(api, "apple", chat=render_id("cht", first.chat_id)) == ["apple one"]
    assert await bodies(api, "apple", contact=render_id("con", second.contact_id or 0)) == ["apple two"]
    assert await bodies(api, "apple", session="shop") == ["apple two", "apple one"]
    assert await bodies(api, "apple", direction="out") == []
    assert await bodies(api, "apple", type="text") == ["apple two", "apple one"]
    assert await bodies(api, "apple", type="image") == []
    assert await bodies(api, "apple", since=middle) == ["apple two"]
    assert await bodies(api, "apple", until=middle) == ["apple one"]
    assert (await ask(api, "apple", 404, session="nobody"))["code"] == "session_not_found"


async def test_pages_follow_each_other(api: Any, world: World, shop: Session) -> None:
    await hear(world, shop, *(f"apple {number}" for number in range(5)))

    first = await ask(api, "apple", limit="2")
    second = await ask(api, "apple", limit="2", after=first["next"])
    third = await ask(api, "apple", limit="2", after=second["next"])

    found = [hit["message"]["text"]["body"] for page in (first, second, third) for hit in page["items"]]
    assert found == [f"apple {number}" for number in (4, 3, 2, 1, 0)]
    assert third["next"] is None


async def test_a_key_for_some_sessions_finds_nothing_of_the_others(
    api: Any, world: World, shop: Session, parts: Parts
) -> None:
    await hear(world, shop, "secret apple")
    other = await world.database.write(lambda tx: world.sessions.create(tx, PRINCIPAL, name="other"))

    narrow = await parts.make_key(scopes=["*"], session_ids=[other.id])
    wide = await parts.make_key(scopes=["*"], session_ids=[other.id, shop.id])

    assert (await ask(api, "apple", key=narrow))["items"] == []
    assert len((await ask(api, "apple", key=wide))["items"]) == 1


async def test_changed_words_are_found_and_the_old_ones_not(api: Any, world: World, shop: Session) -> None:
    [message] = await hear(world, shop, "aple")
    assert await bodies(api, "aple") == ["aple"]
    phone = world.engine.phone(ANNA).address
    target = MessageKey(chat=phone, wa_id=message.wa_id or "", from_me=False)

    world.engine.incoming(name_of(shop), ANNA, Edit(target=target, body="apple"))

    assert await poll(lambda: bodies(api, "apple")) == ["apple"]
    assert await bodies(api, "aple") == []


async def test_deleted_messages_are_forgotten(api: Any, world: World, shop: Session) -> None:
    [message] = await hear(world, shop, "apple")
    assert await bodies(api, "apple") == ["apple"]

    await world.database.write(lambda tx: tx.session.delete(tx.session.get(Message, message.id)))

    assert await bodies(api, "apple") == []


async def test_files_are_found_by_their_names(api: Any, world: World, shop: Session) -> None:
    file = RemoteFile(
        mimetype="application/pdf", size=3, filename="Rechnung_März.pdf", direct_path="/x", media_key=b"k" * 32,
        sha256=b"s" * 32, encrypted_sha256=b"e" * 32,
    )  # fmt: skip
    world.engine.incoming(name_of(shop), ANNA, Document(file=file))
    await world.incoming(1)

    [hit] = (await ask(api, "rechnung marz"))["items"]

    assert hit["message"]["document"]["filename"] == "Rechnung_März.pdf"


async def test_one_search_looks_for_messages_contacts_and_chats(api: Any, world: World, shop: Session) -> None:
    await hear(world, shop, "ask muller about it")

    response = await api.get("/api/v1/search", params={"q": "müller"})
    found = await response.json()

    assert response.status == 200, found
    assert [hit["message"]["text"]["body"] for hit in found["messages"]] == ["ask muller about it"]
    assert [contact["push_name"] for contact in found["contacts"]] == ["Anna Müller"]
    assert [(chat["name"], chat["preview"]["text"]) for chat in found["chats"]] == [
        ("Anna Müller", "ask muller about it")
    ]
    assert found["complete"] is True
