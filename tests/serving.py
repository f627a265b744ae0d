"""Builds a served API over real sockets from the real parts, for the tests of every slice with routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from gateway.access.accounts import Accounts
from gateway.access.authenticator import StoreAuthenticator
from gateway.access.passwords import Passwords
from gateway.access.routes import ApiKeyRoutes, AuthRoutes
from gateway.access.service import Access
from gateway.access.throttle import SignInThrottle
from gateway.access.uses import UseRecorder
from gateway.api.credentials import Doorkeeper, SignInCookie
from gateway.api.idempotency import Idempotency
from gateway.api.rate_limit import RateLimiter
from gateway.api.server import build_app
from gateway.api.sockets import Sockets
from gateway.api.streams import Streams
from gateway.db.tx import Database
from gateway.events.asking import Asking
from gateway.events.catalogue import CATALOGUE
from gateway.events.consumer_routes import ConsumerRoutes
from gateway.events.consumers import Consumers
from gateway.events.hub import EventHub
from gateway.events.pulling import PullDesk
from gateway.events.quota import StreamQuota
from gateway.events.routes import EventRoutes
from gateway.events.service import EventLog
from gateway.events.socket_routes import SocketRoutes
from gateway.events.tickets import Tickets
from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator

EMAIL = "owner@example.com"
PASSWORD = "correct horse battery"
#: What a browser says of a request from our own page.
FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}

ClientFactory = Callable[..., Awaitable[TestClient[Any, Any]]]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The real parts behind a served API. ``hub`` is not started; tests of streams do that."""

    database: Database
    clock: Clock
    ids: IdGenerator
    events: EventLog
    hub: EventHub
    streams: Streams
    sockets: Sockets
    access: Access
    accounts: Accounts
    uses: UseRecorder
    authenticator: StoreAuthenticator
    idempotency: Idempotency
    cookie: SignInCookie

    async def make_key(self, **more: Any) -> str:
        """A new API key of organization 1."""
        options = {"org_id": 1, "name": "test", **more}
        _, plaintext = await self.database.write(lambda tx: self.access.create_key(tx, **options))
        return plaintext

    async def serve(
        self, connect: ClientFactory, *, tables: Sequence[object] = (), **options: Any
    ) -> TestClient[Any, Any]:
        """A client of the API: keys, sign-in, events and the given tables."""
        options.setdefault("doorkeeper", Doorkeeper(authenticator=self.authenticator, cookie=self.cookie))
        options.setdefault("idempotency", self.idempotency)
        options.setdefault("limiter", RateLimiter(clock=self.clock, per_second=1000, burst=1000))
        own_tables = (
            ApiKeyRoutes(database=self.database, access=self.access),
            AuthRoutes(accounts=self.accounts, cookie=self.cookie),
            *self._event_tables(options["doorkeeper"]),
        )
        app = build_app(
            tables=[*own_tables, *tables],
            clock=self.clock,
            streams=self.streams,
            sockets=self.sockets,
            events=CATALOGUE,
            **options,
        )
        return await connect(_PatientServer(app))

    def _event_tables(self, doorkeeper: Doorkeeper) -> list[object]:
        asking, quota = Asking(database=self.database), StreamQuota()
        consumers = Consumers(clock=self.clock, ids=self.ids, asking=asking)
        return [
            EventRoutes(database=self.database, hub=self.hub, streams=self.streams, asking=asking, quota=quota),
            SocketRoutes(
                doorkeeper=doorkeeper,
                hub=self.hub,
                sockets=self.sockets,
                asking=asking,
                quota=quota,
                tickets=Tickets(clock=self.clock),
                look_every_seconds=0.02,
                auth_seconds=0.3,
            ),
            ConsumerRoutes(
                database=self.database,
                clock=self.clock,
                consumers=consumers,
                desk=PullDesk(database=self.database, consumers=consumers, hub=self.hub, look_every_seconds=0.02),
                streams=self.streams,
                quota=quota,
            ),
        ]


class _PatientServer(TestServer):
    """Lets handlers finish when their caller hangs up, as the daemon does; aiohttp's own test server cancels them."""

    __test__ = False

    async def _make_runner(self, **options: Any) -> web.BaseRunner:
        # How long a refused upload may go on; ten seconds are kind in production and slow in a test.
        return await super()._make_runner(**{**options, "handler_cancellation": False, "lingering_time": 0.2})


def build_parts(*, database: Database, clock: Clock, ids: IdGenerator) -> Parts:
    """The parts, wired as the daemon wires them, with cheap password hashing."""
    events = EventLog(clock=clock, check_payloads=True)
    hub = EventHub(database=database)
    events.when_committed(hub.wake)
    uses = UseRecorder(database=database, clock=clock)
    authenticator = StoreAuthenticator(database=database, clock=clock, uses=uses)
    access = Access(clock=clock, ids=ids, events=events)
    access.when_revoked(authenticator.forget)
    hasher = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
    accounts = Accounts(
        database=database,
        clock=clock,
        ids=ids,
        passwords=Passwords(hasher=hasher),
        throttle=SignInThrottle(clock=clock),
    )
    accounts.when_signed_out(authenticator.forget)
    return Parts(
        database=database,
        clock=clock,
        ids=ids,
        events=events,
        hub=hub,
        streams=Streams(look_every_seconds=0.02),
        sockets=Sockets(),
        access=access,
        accounts=accounts,
        uses=uses,
        authenticator=authenticator,
        idempotency=Idempotency(database=database, clock=clock),
        cookie=SignInCookie(),
    )
