"""Files come and go at the addresses that the Cloud API has for them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import FormData

from gateway.fleet.models import Session
from gateway.kit.ids import parse_id, render_id
from gateway.media.models import Media
from sessions.content import Image
from tests.cloud.conftest import Api
from tests.conftest import add_org
from tests.media.samples import jpeg
from tests.messages.world import ANNA, World, name_of, poll
from tests.serving import Parts

PICTURE = jpeg(64, 48)


def form(content: bytes = PICTURE) -> FormData:
    """As the client libraries make it."""
    made = FormData()
    made.add_field("messaging_product", "whatsapp")
    made.add_field("type", "image/jpeg")
    made.add_field("file", content, filename="view.jpg", content_type="image/jpeg")
    return made


async def upload(api: Api, **more: Any) -> str:
    return str((await api.ask("POST", "/cloud/v21.0/shop/media", data=form(), **more))["id"])


async def files(world: World) -> list[Media]:
    return await world.database.read(lambda tx: tx.session.query(Media).all())


async def test_a_file_is_uploaded_described_and_downloaded_with_the_same_key(api: Api) -> None:
    media_id = await upload(api)

    told = await api.ask("GET", f"/cloud/v21.0/{media_id}")
    answer = await api.client.session.get(told["url"], headers=api.bearer)
    nobody = await api.client.session.get(told["url"])

    assert {name: told[name] for name in ("messaging_product", "id", "mime_type", "file_size")} == {
        "messaging_product": "whatsapp",
        "id": media_id,
        "mime_type": "image/jpeg",
        "file_size": len(PICTURE),
    }
    assert await answer.read() == PICTURE
    assert nobody.status == 401


async def test_a_repeated_upload_under_a_key_is_one(api: Api) -> None:
    key = {"Idempotency-Key": "view"}

    assert await upload(api, headers=key) == await upload(api, headers=key)


async def test_a_deleted_file_is_gone_with_its_bytes(api: Api, world: World) -> None:
    media_id = await upload(api)
    [media] = await files(world)

    told = await api.ask("DELETE", f"/cloud/v21.0/{media_id}")

    assert told == {"success": True}
    assert not world.library.path_of(media).exists()
    assert (await api.ask("GET", f"/cloud/v21.0/{media_id}", status=404))["error"]["code"] == 100
    assert (await api.ask("DELETE", f"/cloud/v21.0/{media_id}", status=404))["error"]["code"] == 100


async def test_a_file_that_waits_to_be_sent_stays(api: Api, world: World) -> None:
    media_id = await upload(api)
    later = world.clock.now().replace(year=2099)
    await world.queue(type="image", text=None, image={"media_id": media_id}, send_at=later)

    told = await api.ask("DELETE", f"/cloud/v21.0/{media_id}", status=409)

    assert "still to be sent" in told["error"]["error_data"]["details"]
    assert await api.ask("GET", f"/cloud/v21.0/{media_id}")


async def test_a_message_that_carried_a_deleted_file_says_so(api: Api, world: World, shop: Session) -> None:
    answer = await api.send(type="image", image={"id": await upload(api)})
    mine = parse_id("msg", answer["messages"][0]["id"])
    await world.when(mine, "delivered")
    world.engine.incoming(name_of(shop), ANNA, Image(file=world.engine.keep_file(PICTURE, "image/jpeg")))
    [theirs] = await world.incoming()

    async def has_file() -> Any:
        return (await world.find(theirs.message.id)).message.media_id

    media_id = await poll(has_file)
    await api.ask("DELETE", f"/cloud/v21.0/{render_id('med', media_id)}")

    gone = [(await world.find(message_id)).message for message_id in (mine, theirs.message.id)]
    assert [message.media_id for message in gone] == [None, None]
    assert [message.media_state for message in gone] == ["expired", "expired"]


async def test_bytes_that_come_while_they_are_deleted_are_kept(api: Api, world: World) -> None:
    media_id = await upload(api)

    await asyncio.gather(
        api.client.delete(f"/cloud/v21.0/{media_id}", headers=api.bearer),
        *(upload(api) for _ in range(5)),
    )

    for media in await files(world):
        assert world.library.path_of(media).read_bytes() == PICTURE


async def test_a_foreign_file_or_line_is_not_there(api: Api, world: World, parts: Parts, clock: Any) -> None:
    media_id = await upload(api)
    await world.database.write(lambda tx: add_org(tx, clock, org_id=2))
    stranger = Api(api.client, await parts.make_key(scopes=["*"], org_id=2))

    await stranger.ask("GET", f"/cloud/v21.0/{media_id}", status=404)
    await stranger.ask("DELETE", f"/cloud/v21.0/{media_id}", status=404)
    await stranger.ask("POST", "/cloud/v21.0/shop/media", data=form(), status=404)
    assert await api.ask("GET", f"/cloud/v21.0/{media_id}")


@pytest.mark.parametrize("data", [b"", FormData([("type", "image/jpeg")])])
async def test_an_upload_without_a_file_is_told_in_graphs_shape(api: Api, data: Any) -> None:
    answer = await api.client.post("/cloud/v21.0/shop/media", data=data, headers=api.bearer)

    assert answer.status in (400, 415)
    assert (await answer.json())["error"]["code"] == 100
