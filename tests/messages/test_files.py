"""Files of messages go when their time is over, never before; sessions are held to their room; links open one file until they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.fleet.models import Session
from gateway.kit.ids import render_id
from gateway.media.content_routes import MediaContentRoutes
from gateway.media.errors import (
    MediaInUseError,
    MediaNotFoundError,
)
from gateway.media.links import MediaLinks
from gateway.media.models import Media
from gateway.messages.models import MediaState
from sessions.content import Image
from tests.media.samples import PDF, jpeg
from tests.messages.world import ANNA, World, name_of, poll
from tests.serving import build_parts

DAY = 86_400


async def upload(world: World, content: bytes = PDF) -> Media:
    return await world.library.save_bytes(org_id=1, content=content, declared_type=None, filename=None)


async def receive(world: World, shop: Session, content: bytes) -> Any:
    """A message with a picture whose file is here."""
    world.engine.incoming(name_of(shop), ANNA, Image(file=world.engine.keep_file(content, "image/jpeg")))
    return await poll(lambda: _with_file(world))


async def _with_file(world: World) -> Any:
    return next((one for one in await world.all() if one.message.media_state == MediaState.AVAILABLE), None)


async def keep_for(world: World, shop: Session, days: int) -> None:
    def change(tx: Any) -> None:
        world.sessions.change_settings(tx, tx.session.get(Session, shop.id), {"media_days": days})

    await world.database.write(change)


async def test_an_uploaded_file_that_nobody_uses_goes_after_a_month(world: World) -> None:
    media = await upload(world)
    world.advance(29 * DAY)
    assert await world.keeper.forget_old() == 0

    world.advance(2 * DAY)

    assert await world.keeper.forget_old() == 1
    assert not world.library.path_of(media).exists()
    with pytest.raises(MediaNotFoundError):
        await world.library.use(org_id=1, media_id=media.id)


async def test_a_file_that_is_named_again_begins_a_new_month(world: World) -> None:
    media = await upload(world)
    world.advance(29 * DAY)
    await world.library.use(org_id=1, media_id=media.id)
    world.advance(29 * DAY)

    assert await world.keeper.forget_old() == 0


async def test_what_is_still_to_be_sent_stays_whatever_its_age(world: World, shop: Session) -> None:
    await keep_for(world, shop, 1)
    media = await upload(world)
    later = world.clock.now() + timedelta(days=400)
    await world.queue(type="document", text=None, document={"media_id": media.id}, send_at=later)
    world.advance(399 * DAY)

    assert await world.keeper.forget_old() == 0
    assert world.library.path_of(media).exists()
    with pytest.raises(MediaInUseError):
        await world.keeper.delete(org_id=1, media_id=media.id)


async def test_files_of_messages_are_kept_for_ever_unless_the_session_says_otherwise(
    world: World,
    shop: Session,
) -> None:
    await world.start()
    entry = await receive(world, shop, jpeg(20, 20))
    world.advance(900 * DAY)
    assert await world.keeper.forget_old() == 0

    await keep_for(world, shop, 7)

    assert await world.keeper.forget_old() == 1
    message = (await world.find(entry.message.id)).message
    assert (message.media_id, message.media_state) == (None, MediaState.EXPIRED)


async def test_a_file_that_has_expired_can_be_fetched_again(world: World, shop: Session) -> None:
    await world.start()
    picture = jpeg(30, 20)
    entry = await receive(world, shop, picture)
    await keep_for(world, shop, 7)
    world.advance(8 * DAY)
    assert await world.keeper.forget_old() == 1

    def fetch(tx: Any) -> None:
        from tests.messages.world import PRINCIPAL

        world.files.fetch(tx, world.messages.get(tx, PRINCIPAL, entry.message.id))

    await world.database.write(fetch)

    again = await poll(lambda: _with_file(world))
    media = await world.library.use(org_id=1, media_id=again.message.media_id)
    assert world.library.path_of(media).read_bytes() == picture


async def test_a_file_on_request_is_deleted_and_its_message_says_so(world: World, shop: Session) -> None:
    await world.start()
    entry = await receive(world, shop, jpeg(20, 20))

    await world.keeper.delete(org_id=1, media_id=entry.message.media_id)

    assert (await world.find(entry.message.id)).message.media_state == MediaState.EXPIRED
    with pytest.raises(MediaNotFoundError):
        await world.keeper.delete(org_id=1, media_id=entry.message.media_id)


async def test_a_file_of_another_organization_cannot_be_deleted(world: World) -> None:
    media = await upload(world)

    with pytest.raises(MediaNotFoundError):
        await world.keeper.delete(org_id=2, media_id=media.id)

    assert world.library.path_of(media).exists()


async def test_what_arrives_beyond_the_room_of_its_session_is_not_fetched(world: World, shop: Session) -> None:
    await world.database.write(
        lambda tx: world.sessions.change_settings(tx, tx.session.get(Session, shop.id), {"media_quota_bytes": 100})
    )
    await world.start()

    world.engine.incoming(name_of(shop), ANNA, Image(file=world.engine.keep_file(jpeg(20, 20), "image/jpeg")))

    [event] = await poll(lambda: world.told("media.failed"))
    assert event.data["image"]["media_error"] == "media_quota_exceeded"


async def test_a_download_that_a_dead_daemon_had_begun_is_due_when_the_next_one_starts(
    world: World,
    shop: Session,
) -> None:
    world.engine.incoming(name_of(shop), ANNA, Image(file=world.engine.keep_file(jpeg(20, 20), "image/jpeg")))
    [entry] = await world.incoming()

    def claimed(tx: Any) -> None:
        tx.session.merge(entry.message).media_next_at = world.clock.now() + timedelta(seconds=360)

    await world.database.write(claimed)

    await world.start()

    assert await poll(lambda: _with_file(world))


async def test_a_link_works_without_a_key_and_by_range(
    world: World,
    clock: Any,
    ids: Any,
    aiohttp_client: Any,
) -> None:
    parts = build_parts(database=world.database, clock=clock, ids=ids)
    routes = MediaContentRoutes(
        database=world.database, library=world.library, links=MediaLinks(key=b"k" * 32, clock=clock), clock=clock,
        public_url=None,
    )  # fmt: skip
    client = await parts.serve(aiohttp_client, tables=[routes])
    media = await upload(world)
    headers = {"Authorization": f"Bearer {await parts.make_key(scopes=['media.link'])}"}
    path = f"/api/v1/media/{render_id('med', media.id)}/link"
    link = await (await client.get(path, params={"expires_in": "60"}, headers=headers)).json()
    url = link["url"].partition("//")[2].partition("/")[2]

    whole = await client.get(f"/{url}")
    part = await client.get(f"/{url}", headers={"Range": "bytes=1-3"})
    head = await client.head(f"/{url}")
    clock.advance(61)
    late = await client.get(f"/{url}")
    never = await client.get("/media/nonsense")

    assert (whole.status, await whole.read()) == (200, PDF)
    assert whole.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert (part.status, await part.read(), part.headers["Content-Range"]) == (206, PDF[1:4], f"bytes 1-3/{len(PDF)}")
    assert (head.status, head.headers["Content-Length"]) == (200, str(len(PDF)))
    assert (late.status, (await late.json())["code"]) == (410, "media_link_expired")
    assert (never.status, (await never.json())["code"]) == (404, "media_not_found")
