"""Who may do what, and the news of what was done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gateway.access.accounts import Accounts
from gateway.access.authenticator import StoreAuthenticator
from gateway.access.passwords import Passwords
from gateway.access.service import Access
from gateway.access.throttle import SignInThrottle
from gateway.access.uses import UseRecorder
from gateway.api.credentials import Doorkeeper, SignInCookie
from gateway.api.idempotency import Idempotency
from gateway.api.sockets import Sockets
from gateway.api.streams import Streams
from gateway.assembly.ground import Ground
from gateway.events.hub import EventHub
from gateway.events.lag import ConsumerLag
from gateway.events.quota import StreamQuota
from gateway.events.service import EventLog
from gateway.events.tickets import Tickets
from gateway.orgs.service import Orgs


@dataclass(frozen=True, kw_only=True)
class Platform:
    """Events, organizations and access."""

    events: EventLog
    hub: EventHub
    streams: Streams
    sockets: Sockets
    quota: StreamQuota
    tickets: Tickets
    lag: ConsumerLag
    orgs: Orgs
    access: Access
    accounts: Accounts
    uses: UseRecorder
    cookie: SignInCookie
    doorkeeper: Doorkeeper
    idempotency: Idempotency


def build_platform(ground: Ground) -> Platform:
    """Build it on the ground."""
    config, database, clock, ids = ground.config, ground.database, ground.clock, ground.ids
    events = EventLog(clock=clock)
    hub = EventHub(database=database)
    events.when_committed(hub.wake)
    uses = UseRecorder(database=database, clock=clock)
    access = Access(clock=clock, ids=ids, events=events)
    accounts = Accounts(
        database=database,
        clock=clock,
        ids=ids,
        passwords=Passwords(),
        throttle=SignInThrottle(clock=clock),
        sign_in_days=config.access.sign_in_days,
    )
    cookie = SignInCookie(insecure=config.http.insecure_cookies)
    return Platform(
        events=events,
        hub=hub,
        streams=Streams(heartbeat_seconds=config.events.heartbeat_seconds),
        sockets=Sockets(heartbeat_seconds=config.events.heartbeat_seconds),
        quota=StreamQuota(),
        tickets=Tickets(clock=clock),
        lag=ConsumerLag(database=database, clock=clock),
        orgs=Orgs(clock=clock),
        access=access,
        accounts=accounts,
        uses=uses,
        cookie=cookie,
        doorkeeper=_build_doorkeeper(ground, access, accounts, uses, cookie),
        idempotency=Idempotency(database=database, clock=clock, keep=timedelta(hours=config.http.idempotency_hours)),
    )


def _build_doorkeeper(
    ground: Ground, access: Access, accounts: Accounts, uses: UseRecorder, cookie: SignInCookie
) -> Doorkeeper:
    authenticator = StoreAuthenticator(
        database=ground.database,
        clock=ground.clock,
        uses=uses,
        sign_in_idle_hours=ground.config.access.sign_in_idle_hours,
    )
    access.when_revoked(authenticator.forget)
    accounts.when_signed_out(authenticator.forget)
    return Doorkeeper(
        authenticator=authenticator,
        cookie=cookie,
        public_url=ground.config.http.public_url or None,
        trusted_proxies=ground.config.http.trusted_proxies,
    )
