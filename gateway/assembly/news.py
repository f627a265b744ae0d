"""News for other programs: webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gateway.assembly.fleet import Fleet
from gateway.assembly.ground import Ground
from gateway.assembly.messaging import Messaging
from gateway.assembly.platform import Platform
from gateway.cloud.telling import CloudTelling
from gateway.webhooks.deliverer import Deliverer
from gateway.webhooks.fanout import Fanout
from gateway.webhooks.models import PayloadKind
from gateway.webhooks.redelivery import Redelivery
from gateway.webhooks.service import Webhooks
from gateway.webhooks.target import TargetSeals


@dataclass(frozen=True, kw_only=True)
class News:
    """Endpoints and what is delivered to them."""

    webhooks: Webhooks
    deliverer: Deliverer
    redelivery: Redelivery


def build_news(ground: Ground, platform: Platform, fleet: Fleet, messaging: Messaging) -> News:
    """Build it, listening to the event log."""
    seals = TargetSeals(ground.vault)
    cloud = CloudTelling(
        database=ground.database, sessions=fleet.sessions, messages=messaging.messages, library=messaging.filing.library
    )
    dialects = {PayloadKind.CLOUD: cloud}
    deliverer = Deliverer(
        database=ground.database,
        clock=ground.clock,
        ids=ground.ids,
        chance=ground.chance,
        events=platform.events,
        seals=seals,
        http=ground.http,
        timeout_seconds=ground.config.webhooks.timeout_seconds,
        disable_after=timedelta(hours=ground.config.webhooks.disable_after_hours),
        on_attempt=ground.metrics.delivery_attempted,
        dialects=dialects,
    )
    fanout = Fanout(clock=ground.clock, ids=ground.ids, lanes=deliverer, dialects=dialects)
    platform.events.subscribe(fanout)
    return News(
        webhooks=Webhooks(
            clock=ground.clock,
            ids=ground.ids,
            events=platform.events,
            sessions=fleet.sessions,
            seals=seals,
            lanes=deliverer,
        ),
        deliverer=deliverer,
        redelivery=Redelivery(database=ground.database, clock=ground.clock, fanout=fanout, lanes=deliverer),
    )
