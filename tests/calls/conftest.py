"""A gateway reduced to its calls, on an engine without WhatsApp."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.calls.decliner import CallDecliner
from gateway.calls.ender import CallEnder
from gateway.calls.models import CallState
from gateway.calls.routes import CallRoutes
from gateway.calls.service import Calls
from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.ids import IdGenerator
from sessions.address import Address, Jid
from sessions.events import CallReceived, Report
from tests.messages.world import ANNA, PRINCIPAL, World, name_of
from tests.serving import ClientFactory, build_parts

ANNAS = Address.of(Jid.from_phone(ANNA), Jid("100000000000002", "lid"))
TOLD = ("received", *(state for state in CallState if state is not CallState.RINGING))


class CallWorld(World):
    """Messages and calls, wired as the daemon wires them."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self._seq = 1000
        self.calls = Calls(ids=self.ids, clock=self.clock, events=self.events, contacts=self.contacts)
        self.decliner = CallDecliner(
            database=self.database,
            engine=self.engine,
            sessions=self.sessions,
            contacts=self.contacts,
            messages=self.messages,
            calls=self.calls,
        )
        self.intake.register(CallReceived, self.calls.reported)
        self.intake.observe(CallReceived, self.decliner.called)

    def ender(self) -> CallEnder:
        """One life of what ends calls; it is not started."""
        return CallEnder(database=self.database, clock=self.clock, calls=self.calls)

    async def close(self) -> None:
        await self.decliner.stop()
        await super().close()

    async def set_up(self, session: Session, **settings: Any) -> None:
        """Change the session's settings as a caller would."""

        def change(tx: Tx) -> None:
            self.sessions.change_settings(tx, self.sessions.get(tx, PRINCIPAL, name_of(session)), settings)

        await self.database.write(change)

    async def hear(self, session: Session, *facts: CallReceived) -> None:
        """The session reports these, and they are taken over."""
        for fact in facts:
            self._seq += 1
            report = Report(session_id=name_of(session), seq=self._seq, received_at=fact.timestamp, event=fact)
            await self.intake.on_reports([report])

    def fact(self, phase: str, call_id: str = "CALL1", caller: Address = ANNAS, **more: Any) -> CallReceived:
        """Something about a call, now."""
        now = self.clock.now().timestamp()
        known: dict[str, Any] = {"video": False, "timestamp": now} | more
        return CallReceived(call_id=call_id, caller=caller, phase=phase, **known)

    async def types(self) -> list[str]:
        """What was told of calls so far, in order."""
        return [event.type for event in await self.told(*(f"call.{name}" for name in TOLD))]


class Api:
    """Calls the API and believes that it works."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def ask(self, method: str, path: str, *, status: int = 200, **more: Any) -> Any:
        answer = await self.client.request(method, f"/api/v1{path}", **more)
        assert answer.status == status, await answer.text()
        return await answer.json()

    async def listed(self, session: str = "shop") -> list[dict[str, Any]]:
        """The calls to a session, newest first."""
        return list((await self.ask("GET", f"/sessions/{session}/calls"))["items"])


@pytest.fixture
async def world(
    any_database: Any, any_org: Any, clock: Any, ids: IdGenerator, tmp_path: Path
) -> AsyncIterator[CallWorld]:
    made = CallWorld(database=any_database, clock=clock, ids=ids, folder=tmp_path)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def shop(world: CallWorld) -> Session:
    """A connected session."""
    return await world.link()


@pytest.fixture
async def api(world: CallWorld, clock: Any, ids: IdGenerator, aiohttp_client: ClientFactory) -> Api:
    """A client with a key for everything."""
    parts = build_parts(database=world.database, clock=clock, ids=ids)
    tables = [CallRoutes(database=world.database, engine=world.engine, sessions=world.sessions, calls=world.calls)]
    client = await parts.serve(aiohttp_client, tables=tables)
    client.session.headers["Authorization"] = f"Bearer {await parts.make_key(scopes=['*'])}"
    return Api(client)
