"""A gateway reduced to its event log and its webhooks, and real receivers on loopback."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from standardwebhooks.webhooks import Webhook as Verifier

from gateway.api.credentials import Doorkeeper, SignInCookie
from gateway.api.idempotency import Idempotency
from gateway.api.server import build_app
from gateway.api.streams import Streams
from gateway.db.tx import Database, Tx
from gateway.events.service import EventLog
from gateway.fleet.models import Session
from gateway.fleet.service import Sessions
from gateway.kit.errors import UnauthorizedError
from gateway.kit.guard import AddressGuard
from gateway.kit.guarded_http import GuardedHttp
from gateway.kit.ids import IdGenerator
from gateway.kit.vault import Vault
from gateway.orgs.models import Org
from gateway.principal import Principal, PrincipalKind
from gateway.webhooks import store
from gateway.webhooks.challenge import Challenger
from gateway.webhooks.deliverer import Deliverer
from gateway.webhooks.delivery_routes import DeliveryRoutes
from gateway.webhooks.fanout import Fanout
from gateway.webhooks.models import Webhook, WebhookAttempt, WebhookDelivery
from gateway.webhooks.redelivery import Redelivery
from gateway.webhooks.routes import WebhookRoutes
from gateway.webhooks.service import WebhookDraft, Webhooks
from gateway.webhooks.store import DeliveryFilter
from gateway.webhooks.target import TargetSeals

OWNER = Principal(org_id=1, kind=PrincipalKind.API_KEY, subject_id=1, scopes=("*",))
DISABLE_AFTER = timedelta(days=5)
MOST_WEBHOOKS = 12
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Received:
    """One request as the receiver saw it."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(repr=False)
class Receiver:
    """A real HTTP server. Answers 204 unless told otherwise; remembers everything."""

    port: int = 0
    requests: list[Received] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    by_path: dict[str, Answer] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Receiver(port={self.port})"

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, status: int, text: str = "", **headers: str) -> None:
        """Give this answer next; then the following one, and 204 when all are given."""
        self.answers.append(_fixed(status, text, headers))

    def always(self, path: str, status: int) -> None:
        """Give this answer at this path."""
        self.by_path[path] = _fixed(status, "", {})

    def hang(self, path: str) -> None:
        """Never answer at this path."""
        self.by_path[path] = _hang

    def verified(self, secret: str, index: int = -1) -> Any:
        """The body of a request, if the Standard Webhooks library vouches for it."""
        seen = self.requests[index]
        return Verifier(secret).verify(seen.body, seen.headers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(Received(request.path, dict(request.headers), await request.read()))
        if request.path in self.by_path:
            return await self.by_path[request.path](request)
        if self.answers:
            return await self.answers.pop(0)(request)
        return web.Response(status=204)


def _fixed(status: int, text: str, headers: dict[str, str]) -> Answer:
    async def give(_request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, headers=named)

    return give


async def _hang(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


@pytest.fixture
def clock(clock: Any) -> Any:
    """Begins now: the library that checks signatures goes by the machine's clock."""
    clock.advance((datetime.now(UTC) - clock.now()).total_seconds())
    return clock


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()


@dataclass(repr=False)
class Rig:
    """The parts under test, wired as the daemon wires them."""

    database: Database
    clock: Any
    events: EventLog
    webhooks: Webhooks
    redelivery: Redelivery
    deliverer: Deliverer
    attempts: list[tuple[str, float]] = field(default_factory=list)

    def __repr__(self) -> str:
        return "Rig()"

    async def endpoint(self, url: str, *, principal: Principal = OWNER, **more: Any) -> tuple[Webhook, str]:
        """A new webhook and its secret."""
        draft = WebhookDraft(url=url, **more)
        return await self.database.write(lambda tx: self.webhooks.create(tx, principal, draft))

    async def change(self, webhook: Webhook, **changes: Any) -> None:
        draft = WebhookDraft(**changes)

        def work(tx: Tx) -> None:
            row = self.webhooks.get(tx, OWNER, webhook.id)
            self.webhooks.update(tx, OWNER, row, draft, set(changes))

        await self.database.write(work)

    async def remove(self, webhook: Webhook) -> None:
        await self.database.write(lambda tx: self.webhooks.remove(tx, self.webhooks.get(tx, OWNER, webhook.id)))

    async def rotate(self, webhook: Webhook) -> None:
        def work(tx: Tx) -> None:
            row = self.webhooks.get(tx, OWNER, webhook.id)
            self.webhooks.rotate_secret(tx, row, overlap=timedelta(hours=24))

        await self.database.write(work)

    async def redeliver(self, webhook: Webhook, delivery: WebhookDelivery) -> None:
        def work(tx: Tx) -> None:
            row = self.webhooks.get(tx, OWNER, webhook.id)
            self.redelivery.redeliver(tx, row, self.webhooks.delivery(tx, row, delivery.id))

        await self.database.write(work)

    async def emit(self, count: int = 1, *, type: str = "contact.created", **more: Any) -> list[int]:
        """Some events, each in a transaction of its own; gives their positions."""
        positions = []
        for number in range(count):
            data = {"id": "con_000000000001a", "name": f"number {number}"}
            event = await self.database.write(
                lambda tx, data=data: self.events.emit(
                    tx, org_id=1, type=type, subject=("contact", 42), data=data, **more
                )
            )
            positions.append(event.id)
        return positions

    async def read(self, webhook: Webhook) -> Webhook:
        return await self.database.read(lambda tx: self.webhooks.get(tx, OWNER, webhook.id))

    async def deliveries(self, webhook: Webhook) -> list[WebhookDelivery]:
        """Oldest first."""

        def work(tx: Tx) -> list[WebhookDelivery]:
            wanted = DeliveryFilter(webhook_ids=[webhook.id])
            found = store.page_of_deliveries(tx, org_id=webhook.org_id, wanted=wanted, after=None, limit=1000)
            return sorted(found, key=lambda delivery: delivery.event_id)

        return await self.database.read(work)

    async def delivery(self, webhook: Webhook) -> WebhookDelivery:
        [only] = await self.deliveries(webhook)
        return only

    async def attempts_at(self, delivery: WebhookDelivery) -> list[WebhookAttempt]:
        found = await self.database.read(lambda tx: store.attempts_of(tx, org_id=1, delivery_ids=[delivery.id]))
        return found[delivery.id]

    async def later(self, seconds: float) -> None:
        """Let time pass and have the lanes notice."""
        self.clock.advance(seconds)
        for lane in self.deliverer._lanes.values():
            lane.wake()
        self.deliverer.wake()


def build_rig(
    database: Database,
    clock: Any,
    ids: IdGenerator,
    http: GuardedHttp,
    folder: Path,
    *,
    timeout_seconds: float,
) -> Rig:
    events = EventLog(clock=clock)
    seals = TargetSeals(Vault.at(folder / "secret_key"))
    attempts: list[tuple[str, float]] = []
    deliverer = Deliverer(
        database=database,
        clock=clock,
        ids=ids,
        chance=random.Random(3),
        events=events,
        seals=seals,
        http=http,
        timeout_seconds=timeout_seconds,
        disable_after=DISABLE_AFTER,
        on_attempt=lambda outcome, seconds: attempts.append((outcome, seconds)),
    )
    fanout = Fanout(clock=clock, ids=ids, lanes=deliverer)
    events.subscribe(fanout)
    sessions = Sessions(clock=clock, ids=ids, events=events)
    webhooks = Webhooks(
        clock=clock, ids=ids, events=events, sessions=sessions, seals=seals, lanes=deliverer, most=MOST_WEBHOOKS
    )
    redelivery = Redelivery(database=database, clock=clock, fanout=fanout, lanes=deliverer)
    return Rig(database, clock, events, webhooks, redelivery, deliverer, attempts)


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    made = GuardedHttp(guard=AddressGuard(allow_networks=["127.0.0.0/8"]), user_agent="wagate/test")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def timeout_seconds() -> float:
    """How long an endpoint may take; tests of hanging ones ask for less."""
    return 30.0


@pytest.fixture
async def rig(
    any_database: Database,
    any_org: Any,
    clock: Any,
    ids: IdGenerator,
    http: GuardedHttp,
    tmp_path: Path,
    timeout_seconds: float,
) -> AsyncIterator[Rig]:
    """Webhooks on both stores, at work."""
    made = build_rig(any_database, clock, ids, http, tmp_path, timeout_seconds=timeout_seconds)
    made.deliverer.settled.watch()
    await made.deliverer.start()
    yield made
    await made.deliverer.stop()


#: One organization's owner, a key of it that may see one session only, one with few scopes, and a stranger.
CALLERS = {
    "owner": OWNER,
    "shop": Principal(org_id=1, kind=PrincipalKind.API_KEY, subject_id=2, scopes=("*",), session_ids=frozenset({100})),
    "reader": Principal(org_id=1, kind=PrincipalKind.API_KEY, subject_id=3, scopes=("webhooks.read",)),
    "stranger": Principal(org_id=2, kind=PrincipalKind.API_KEY, subject_id=4, scopes=("*",)),
}


class NamedCallers:
    """Takes the caller's name for its key; who holds which real key is not what these tests are about."""

    async def by_key(self, plaintext: str) -> Principal:
        return CALLERS[plaintext]

    async def by_sign_in(self, token: str) -> Principal:
        raise UnauthorizedError


@dataclass
class Api:
    """Speaks HTTP to the routes under test."""

    client: TestClient[Any, Any]

    async def __call__(
        self, method: str, path: str, body: Any = None, *, caller: str = "owner", **headers: str
    ) -> tuple[int, Any]:
        sent = {"Authorization": f"Bearer {caller}", **headers}
        response = await self.client.request(method, f"/api/v1/webhooks{path}", json=body, headers=sent)
        text = await response.text()
        return response.status, json.loads(text) if text else None


@pytest.fixture
async def api(rig: Rig, http: GuardedHttp, aiohttp_client: Any, any_org: Any) -> Api:
    """The webhooks API over real sockets, with sessions 100 (shop) and 101 (office)."""
    await rig.database.write(lambda tx: _add_sessions(tx, rig))
    app = build_app(
        tables=[
            WebhookRoutes(
                database=rig.database,
                webhooks=rig.webhooks,
                guard=AddressGuard(allow_networks=["127.0.0.0/8"]),
                challenger=Challenger(http),
                disable_after=DISABLE_AFTER,
            ),
            DeliveryRoutes(
                database=rig.database,
                webhooks=rig.webhooks,
                redelivery=rig.redelivery,
                verdicts=rig.deliverer.verdicts,
            ),
        ],
        doorkeeper=Doorkeeper(authenticator=NamedCallers(), cookie=SignInCookie()),
        clock=rig.clock,
        streams=Streams(heartbeat_seconds=15.0),
        idempotency=Idempotency(database=rig.database, clock=rig.clock),
    )
    return Api(await aiohttp_client(app))


def _add_sessions(tx: Tx, rig: Rig) -> None:
    now = rig.clock.now()
    tx.add(Org(id=2, name="Another", created_at=now, updated_at=now))
    for session_id, name in ((100, "shop"), (101, "office")):
        tx.add(Session(id=session_id, org_id=1, name=name, status_at=now, created_at=now, updated_at=now))
