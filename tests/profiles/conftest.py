"""A linked session over the engine in memory, with the routes about accounts, people and channels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.news import ChannelNews
from gateway.channels.routes import ChannelRoutes
from gateway.chats.service import Chats
from gateway.contacts.service import Contacts
from gateway.fleet.models import Session
from gateway.kit.ids import IdGenerator
from gateway.profiles.asking import Asking
from gateway.profiles.news import AccountNews
from gateway.profiles.people_routes import PeopleRoutes
from gateway.profiles.routes import ProfileRoutes
from sessions.events import (
    BlocklistChanged,
    ChannelJoined,
    ChannelLeft,
    ChannelMuted,
    ChannelUpdated,
    PictureChanged,
    PresenceChanged,
    PrivacyChanged,
)
from tests.fleet.rig import FleetRig, build_rig
from tests.fleet.test_routes import PHONE, Api
from tests.serving import ClientFactory, Parts, build_parts


@pytest.fixture
def parts(database: Any, org: Any, clock: Any, ids: IdGenerator) -> Parts:
    return build_parts(database=database, clock=clock, ids=ids)


@pytest.fixture
def contacts(parts: Parts, ids: IdGenerator) -> Contacts:
    return Contacts(ids=ids, clock=parts.clock, events=parts.events)


@pytest.fixture
async def fleet(parts: Parts, ids: IdGenerator, contacts: Contacts, tmp_path: Path) -> AsyncIterator[FleetRig]:
    rig = build_rig(database=parts.database, clock=parts.clock, ids=ids, folder=tmp_path, events=parts.events)
    chats = Chats(ids=ids, clock=parts.clock, contacts=contacts)
    account, channels = (
        AccountNews(events=parts.events, contacts=contacts, chats=chats),
        ChannelNews(events=parts.events),
    )
    for kind, handler in (
        (PresenceChanged, account.presence),
        (PictureChanged, account.picture),
        (PrivacyChanged, account.privacy),
        (BlocklistChanged, account.blocklist),
        (ChannelJoined, channels.joined),
        (ChannelLeft, channels.left),
        (ChannelMuted, channels.muted),
        (ChannelUpdated, channels.updated),
    ):
        rig.intake.register(kind, handler)
    await rig.reconciler.start()
    yield rig
    await rig.desk.stop()
    await rig.reconciler.stop()
    await rig.engine.stop()


@pytest.fixture
async def api(parts: Parts, fleet: FleetRig, contacts: Contacts, aiohttp_client: ClientFactory) -> Api:
    asking = Asking(database=fleet.database, engine=fleet.engine, sessions=fleet.sessions, contacts=contacts)
    tables = [
        ProfileRoutes(database=fleet.database, sessions=fleet.sessions, asking=asking),
        PeopleRoutes(asking=asking),
        ChannelRoutes(asking=asking),
    ]
    client = await parts.serve(aiohttp_client, tables=tables)
    return Api(client, await parts.make_key())


@pytest.fixture
async def shop(fleet: FleetRig, eventually: Any) -> Session:
    """A linked session that is connected."""
    return await fleet.link(await fleet.create(), PHONE, eventually)


class Told:
    """The events of one session, as data by type."""

    def __init__(self, fleet: FleetRig, session: Session, eventually: Any) -> None:
        self._fleet = fleet
        self._session = session
        self._eventually = eventually

    async def one(self, event_type: str) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            events = await self._fleet.database.read(
                lambda tx: self._fleet.events.recent_of_session(tx, org_id=1, session_id=self._session.id, limit=50)
            )
            return next(({"data": event.data} for event in events if event.type == event_type), None)

        found: dict[str, Any] = await self._eventually(look)
        return dict(found["data"])


@pytest.fixture
def told(fleet: FleetRig, shop: Session, eventually: Any) -> Told:
    return Told(fleet, shop, eventually)
