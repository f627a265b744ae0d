"""A chat is walked through in both directions and by date; reading it tells WhatsApp what was read and played."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.fleet.models import Session
from gateway.kit.ids import IdGenerator, first_id_at, render_id
from sessions.commands.messages import MarkRead
from sessions.commands.presence import SubscribePresence
from sessions.content import Audio, RemoteFile, Text
from tests.messages.test_http import tables_of
from tests.messages.world import ANNA, World, name_of
from tests.serving import ClientFactory, build_parts


@pytest.fixture
async def api(world: World, shop: Session, clock: Any, ids: IdGenerator, aiohttp_client: ClientFactory) -> Any:
    parts = build_parts(database=world.database, clock=clock, ids=ids)
    client = await parts.serve(aiohttp_client, tables=tables_of(world))
    client.session.headers["Authorization"] = f"Bearer {await parts.make_key(scopes=['*'])}"
    return client


@pytest.fixture
async def chat(world: World, shop: Session, clock: Any) -> str:
    """A chat in which one message arrived every hour."""
    for number in range(7):
        world.engine.incoming(name_of(shop), ANNA, Text(body=str(number)))
        entries = await world.incoming(number + 1)
        clock.advance(3600)
    return render_id("cht", entries[0].chat.id)


async def page(api: Any, chat: str, status: int = 200, **query: str) -> Any:
    response = await api.get(f"/api/v1/chats/{chat}/messages", params=query)
    answer = await response.json()
    assert response.status == status, answer
    return answer


def said(answer: Any) -> str:
    return "".join(item["text"]["body"] for item in answer["items"])


async def test_one_walks_into_the_past_and_back(api: Any, chat: str) -> None:
    newest = await page(api, chat, limit="3")
    older = await page(api, chat, limit="3", after=newest["next"])
    oldest = await page(api, chat, limit="3", after=older["next"])
    back = await page(api, chat, limit="2", before=oldest["previous"])
    nearly = await page(api, chat, limit="10", before=back["previous"])

    assert [said(one) for one in (newest, older, oldest, back, nearly)] == ["654", "321", "0", "21", "6543"]
    assert oldest["next"] is None
    assert said(await page(api, chat, limit="10", after=nearly["next"])) == "210"


async def test_who_is_at_the_newest_message_can_ask_for_what_came_after(
    api: Any, chat: str, world: World, shop: Session
) -> None:
    newest = await page(api, chat)
    nothing = await page(api, chat, before=newest["previous"])
    world.engine.incoming(name_of(shop), ANNA, Text(body="7"))
    await world.incoming(8)

    assert (nothing["items"], nothing["next"]) == ([], None)
    assert said(await page(api, chat, before=nothing["previous"])) == "7"


async def test_a_message_can_be_the_place_to_start_from(api: Any, chat: str) -> None:
    middle = (await page(api, chat))["items"][3]["id"]

    assert said(await page(api, chat, after=middle)) == "210"
    assert said(await page(api, chat, before=middle, limit="2")) == "54"


async def test_dates_narrow_it(api: Any, chat: str, clock: Any) -> None:
    def at(hours: float) -> str:
        moment = clock.now() - timedelta(hours=7) + timedelta(hours=hours)
        return str(moment.isoformat().replace("+00:00", "Z"))

    assert said(await page(api, chat, after_time=at(4.5))) == "65"
    assert said(await page(api, chat, before_time=at(1.5))) == "10"
    assert said(await page(api, chat, after_time=at(1.5), before_time=at(4.5))) == "432"
    first = await page(api, chat, after_time=at(1.5), limit="2")
    assert said(await page(api, chat, after_time=at(1.5), after=first["next"])) == "432"


async def test_nonsense_is_refused(api: Any, chat: str) -> None:
    cursor = (await page(api, chat))["previous"]

    assert (await page(api, chat, 422, after=cursor, before=cursor))["fields"][0]["path"] == "before"
    assert (await page(api, chat, 422, after="msg_x"))["fields"][0]["path"] == "after"
    assert (await page(api, chat, 422, before="?"))["code"] == "cursor_invalid"


async def test_reading_a_chat_reads_all_of_it_and_plays_voice_messages(
    api: Any, chat: str, world: World, shop: Session
) -> None:
    file = RemoteFile(
        direct_path="/x", media_key=b"k", sha256=b"s", encrypted_sha256=b"e", size=3, mimetype="audio/ogg"
    )
    voice = world.engine.incoming(name_of(shop), ANNA, Audio(file=file, voice=True))
    world.engine.incoming(name_of(shop), ANNA, Audio(file=file, voice=False))
    await world.incoming(9)

    response = await api.put(f"/api/v1/chats/{chat}/read")

    assert response.status == 204
    told = [one for one in world.engine.asked(name_of(shop)) if isinstance(one, MarkRead)]
    assert [(len(one.wa_ids), one.played) for one in told] == [(9, False), (1, True)]
    assert told[1].wa_ids == (voice,)
    again = await api.put(f"/api/v1/chats/{chat}/read")
    assert again.status == 204
    assert len([one for one in world.engine.asked(name_of(shop)) if isinstance(one, MarkRead)]) == 2


async def test_presence_of_a_person_is_asked_for(api: Any, chat: str, world: World, shop: Session) -> None:
    response = await api.post(f"/api/v1/chats/{chat}/presence")

    assert response.status == 204
    [asked] = [one for one in world.engine.asked(name_of(shop)) if isinstance(one, SubscribePresence)]
    assert asked.who.phone == ANNA


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_the_ends_of_the_calendar_are_positions_that_stores_can_compare(at: str) -> None:
    assert 0 < first_id_at(datetime.fromisoformat(at)) < 1 << 63
