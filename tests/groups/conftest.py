"""A gateway reduced to its groups, on an engine without WhatsApp."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.fleet.models import Session
from gateway.groups.arriving import GroupReports
from gateway.groups.community_routes import CommunityRoutes
from gateway.groups.desk import GroupDesk
from gateway.groups.invite_routes import GroupInviteRoutes
from gateway.groups.member_routes import GroupMemberRoutes
from gateway.groups.routes import GroupRoutes
from gateway.groups.service import Groups
from gateway.groups.sync import GroupSync
from gateway.groups.wiring import listen
from gateway.kit.ids import IdGenerator
from gateway.media.routes import MediaRoutes
from gateway.messages.routes import MessageRoutes
from sessions.fake.groups import FakeGroups
from tests.messages.world import World, poll
from tests.serving import ClientFactory, build_parts

SHOP = "+4915110000001"
ANNA, BEN, CARA = "+4915110000002", "+4915110000003", "+4915110000004"


class GroupWorld(World):
    """Messages and groups, wired as the daemon wires them; looks at groups begin with :meth:`start`."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.groups = Groups(clock=self.clock, events=self.events, contacts=self.contacts, chats=self.chats)
        known = {"database": self.database, "engine": self.engine, "sessions": self.sessions, "groups": self.groups}
        self.sync = GroupSync(clock=self.clock, **known)
        self.desk = GroupDesk(contacts=self.contacts, **known)
        listen(self.intake, reports=GroupReports(groups=self.groups, contacts=self.contacts), sync=self.sync)

    async def start(self) -> None:
        await super().start()
        await self.sync.start()

    async def close(self) -> None:
        await self.sync.stop()
        await super().close()

    @property
    def outside(self) -> FakeGroups:
        """The groups as WhatsApp has them."""
        found: FakeGroups = self.engine.groups
        return found

    def tables(self) -> list[object]:
        return [
            GroupInviteRoutes(desk=self.desk),
            GroupRoutes(desk=self.desk, sessions=self.sessions, library=self.library),
            GroupMemberRoutes(desk=self.desk),
            CommunityRoutes(desk=self.desk),
            MediaRoutes(database=self.database, library=self.library, keeper=self.keeper),
            MessageRoutes(
                database=self.database,
                messages=self.messages,
                sessions=self.sessions,
                composer=self.composer,
                waiting=self.waiting,
            ),
        ]


class Api:
    """Calls the API and believes that it works."""

    def __init__(self, client: Any, world: GroupWorld) -> None:
        self.client = client
        self.world = world

    async def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, **more: Any) -> Any:
        answer = await self.client.request(method, f"/api/v1{path}", json=body, **more)
        assert answer.status == status, await answer.text()
        return await answer.json() if answer.content_type.endswith("json") else await answer.text()

    async def create(self, *participants: str, **more: Any) -> dict[str, Any]:
        body = {"session": "shop", "subject": "Bread", "participants": list(participants), **more}
        return dict(await self.ask("POST", "/groups", body, status=201))

    async def until(self, path: str, wanted: Any) -> Any:
        async def look() -> Any:
            seen = await self.ask("GET", path)
            return seen if wanted(seen) else None

        return await poll(look)

    async def told(self, event_type: str, wanted: Any = lambda data: True) -> dict[str, Any]:
        """The data of the first event of this type that is wanted, now or later."""

        async def look() -> Any:
            found = [event.data for event in await self.world.told(event_type) if wanted(event.data)]
            return found[0] if found else None

        return dict(await poll(look))


@pytest.fixture
async def world(
    any_database: Any, any_org: Any, clock: Any, ids: IdGenerator, tmp_path: Path
) -> AsyncIterator[GroupWorld]:
    made = GroupWorld(database=any_database, clock=clock, ids=ids, folder=tmp_path)
    await made.open()
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def shop(world: GroupWorld) -> Session:
    """A connected session, and three people."""
    for number, name in ((ANNA, "Anna"), (BEN, "Ben"), (CARA, "Cara")):
        world.engine.phone(number, name)
    return await world.link()


@pytest.fixture
async def api(world: GroupWorld, shop: Session, clock: Any, ids: IdGenerator, aiohttp_client: ClientFactory) -> Api:
    """A client with a key for everything."""
    parts = build_parts(database=world.database, clock=clock, ids=ids)
    client = await parts.serve(aiohttp_client, tables=world.tables())
    client.session.headers["Authorization"] = f"Bearer {await parts.make_key(scopes=['*'])}"
    return Api(client, world)
