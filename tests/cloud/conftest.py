"""A gateway reduced to its messages, called as a program written for the Cloud API calls Meta."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.cloud.graph_errors import GRAPH_SHAPE
from gateway.cloud.media_routes import CloudMediaRoutes
from gateway.cloud.reading import Reading
from gateway.cloud.routes import CloudMessageRoutes
from gateway.fleet.models import Session
from gateway.kit.ids import IdGenerator
from gateway.media.content_routes import MediaContentRoutes
from gateway.media.links import MediaLinks
from gateway.media.routes import MediaRoutes
from gateway.messages.marking import ReadMarker
from gateway.messages.sending import Sender
from tests.messages.world import ANNA, BEN, World
from tests.serving import ClientFactory, Parts, build_parts


@pytest.fixture
async def world(database: Any, org: Any, clock: Any, ids: IdGenerator, tmp_path: Path) -> AsyncIterator[World]:
    made = World(database=database, clock=clock, ids=ids, folder=tmp_path)
    await made.open()
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def shop(world: World) -> Session:
    """A connected session that Anna and Ben can write with."""
    session = await world.link()
    world.engine.phone(ANNA, "Anna")
    world.engine.phone(BEN, "Ben")
    return session


@pytest.fixture
def parts(world: World, clock: Any, ids: IdGenerator) -> Parts:
    return build_parts(database=world.database, clock=clock, ids=ids)


class Api:
    """A client library that was pointed here: Bearer key, the Graph's paths, JSON both ways."""

    def __init__(self, client: Any, key: str) -> None:
        self.client = client
        self.bearer = {"Authorization": f"Bearer {key}"}

    async def ask(self, method: str, path: str, *, status: int = 200, **more: Any) -> Any:
        headers = {**self.bearer, **more.pop("headers", {})}
        answer = await self.client.request(method, path, headers=headers, **more)
        told = await answer.json()
        assert answer.status == status, told
        assert answer.content_type == "application/json"
        return told

    async def send(self, to: str = ANNA[1:], *, status: int = 200, line: str = "shop", **said: Any) -> Any:
        body = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": to} | said
        return await self.ask("POST", f"/cloud/v21.0/{line}/messages", status=status, json=body)

    async def refused(self, status: int, **said: Any) -> Any:
        """What Graph calls the error of a request that must fail so."""
        error = (await self.send(status=status, **said))["error"]
        assert set(error) == {"message", "type", "code", "error_data", "fbtrace_id"}
        return error


@pytest.fixture
async def api(world: World, shop: Session, parts: Parts, aiohttp_client: ClientFactory) -> Api:
    client = await parts.serve(aiohttp_client, tables=tables_of(world), problem_shapes=(GRAPH_SHAPE,))
    return Api(client, await parts.make_key(scopes=["*"]))


def tables_of(world: World) -> list[object]:
    database, engine, contacts = world.database, world.engine, world.contacts
    marker = ReadMarker(database=database, engine=engine, clock=world.clock, contacts=contacts, chats=world.chats)
    return [
        CloudMessageRoutes(
            database=database,
            sessions=world.sessions,
            sender=Sender(database=database, messages=world.messages, composer=world.composer),
            reading=Reading(
                database=database, engine=engine, messages=world.messages, contacts=contacts, marker=marker
            ),
        ),
        CloudMediaRoutes(
            database=database, sessions=world.sessions, library=world.library, keeper=world.keeper, public_url=None
        ),
        MediaRoutes(database=database, library=world.library, keeper=world.keeper),
        MediaContentRoutes(
            database=database,
            library=world.library,
            links=MediaLinks(key=b"k" * 32, clock=world.clock),
            clock=world.clock,
            public_url=None,
        ),
    ]
