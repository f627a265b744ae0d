"""The gateway's face: every route table and every page behind one web application."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from gateway import __version__
from gateway.access.routes import ApiKeyRoutes, AuthRoutes
from gateway.api.rate_limit import RateLimiter
from gateway.api.server import build_app
from gateway.assembly.calling import call_tables
from gateway.assembly.cloud import cloud_tables
from gateway.assembly.filing import media_tables
from gateway.assembly.grouping import group_tables
from gateway.assembly.listening import build_event_tables
from gateway.assembly.pages import build_pages
from gateway.assembly.parts import Parts
from gateway.assembly.people import people_tables
from gateway.assembly.scheduling import schedule_tables
from gateway.chats.routes import ChatRoutes
from gateway.cloud.graph_errors import GRAPH_SHAPE
from gateway.contacts.consent_routes import ConsentRoutes
from gateway.contacts.editing import ContactEditor
from gateway.contacts.editing_routes import ContactEditingRoutes
from gateway.contacts.routes import ContactRoutes
from gateway.db.tx import Tx
from gateway.events.asking import Asking
from gateway.events.catalogue import CATALOGUE
from gateway.fleet.pairing_routes import PairingRoutes
from gateway.fleet.routes import SessionRoutes
from gateway.health import HealthRoutes, Readiness
from gateway.messages.batch_routes import BatchRoutes
from gateway.messages.change_routes import MessageChangeRoutes
from gateway.messages.chat_list_routes import ChatListRoutes
from gateway.messages.chat_routes import ChatMessageRoutes
from gateway.messages.media_routes import MessageMediaRoutes
from gateway.messages.number_routes import NumberRoutes
from gateway.messages.queue_routes import QueueRoutes
from gateway.messages.routes import MessageRoutes
from gateway.pacing.outlook import Outlook
from gateway.pacing.routes import PaceRoutes
from gateway.principal import Principal
from gateway.search.routes import SearchRoutes
from gateway.webhooks.challenge import Challenger
from gateway.webhooks.delivery_routes import DeliveryRoutes
from gateway.webhooks.routes import WebhookRoutes

#: Where refusals are no problem documents.
PROBLEM_SHAPES = (GRAPH_SHAPE,)


def build_face(parts: Parts, readiness: Readiness) -> web.Application:
    """The web application with everything that can be asked of the gateway."""
    ground, platform = parts.ground, parts.platform
    http = ground.config.http
    pages = build_pages(ground, platform, parts.fleet)
    return build_app(
        tables=build_tables(parts, readiness),
        doorkeeper=platform.doorkeeper,
        clock=ground.clock,
        streams=platform.streams,
        sockets=platform.sockets,
        idempotency=platform.idempotency,
        limiter=RateLimiter(clock=ground.clock, per_second=http.requests_per_second, burst=http.burst),
        metrics=ground.metrics,
        error_page=pages.mistakes,
        problem_shapes=PROBLEM_SHAPES,
        events=CATALOGUE,
        version=__version__,
        body_limit_bytes=http.max_body_bytes,
        install_pages=pages.site.install,
    )


def build_tables(parts: Parts, readiness: Readiness) -> list[object]:
    """Every route table."""
    ground = parts.ground
    health = HealthRoutes(
        readiness=readiness, metrics=ground.metrics, version=__version__, audience=ground.config.http.metrics
    )
    return [
        health,
        *_platform_tables(parts),
        *_fleet_tables(parts),
        *_message_tables(parts),
        *group_tables(parts.fleet, parts.messaging, parts.grouping),
        *call_tables(parts.ground, parts.fleet, parts.calling),
        *people_tables(parts.ground, parts.fleet, parts.messaging),
        *cloud_tables(parts.ground, parts.fleet, parts.messaging),
        *schedule_tables(parts.ground, parts.scheduling),
        *_news_tables(parts),
    ]


def _platform_tables(parts: Parts) -> list[object]:
    ground, platform = parts.ground, parts.platform

    def find_session(tx: Tx, principal: Principal, reference: str) -> int:
        return parts.fleet.sessions.get(tx, principal, reference).id

    return [
        ApiKeyRoutes(database=ground.front, access=platform.access),
        AuthRoutes(accounts=platform.accounts, cookie=platform.cookie),
        *build_event_tables(ground, platform, Asking(database=ground.front, find_session=find_session)),
    ]


def _fleet_tables(parts: Parts) -> list[object]:
    ground, fleet = parts.ground, parts.fleet
    return [
        SessionRoutes(
            database=ground.front,
            sessions=fleet.sessions,
            lifecycle=fleet.lifecycle,
            engine=fleet.engine,
            specs=fleet.specs,
            seals=fleet.seals,
            proxies=fleet.proxies,
        ),
        PairingRoutes(
            database=ground.front,
            sessions=fleet.sessions,
            desk=fleet.desk,
            links=fleet.links,
            artist=fleet.artist,
            public_url=ground.config.http.public_url or None,
            link_seconds=int(ground.config.pairing.link_hours * 3600),
        ),
    ]


def _message_tables(parts: Parts) -> list[object]:
    ground, messaging = parts.ground, parts.messaging
    database, engine = ground.front, parts.fleet.engine
    contacts, chats = messaging.contacts, messaging.chats
    return [
        NumberRoutes(database=database, engine=engine, sessions=parts.fleet.sessions),
        ContactRoutes(database=database, contacts=contacts),
        ContactEditingRoutes(database=database, editor=ContactEditor(clock=ground.clock, contacts=contacts)),
        ConsentRoutes(database=database, contacts=contacts, consents=messaging.consents),
        PaceRoutes(
            database=database,
            clock=ground.clock,
            sessions=parts.fleet.sessions,
            outlook=Outlook(paces=messaging.outbox.gate.paces),
        ),
        ChatListRoutes(database=database, sessions=parts.fleet.sessions, contacts=contacts),
        ChatRoutes(database=database, engine=engine, contacts=contacts, chats=chats),
        SearchRoutes(database=database, sessions=parts.fleet.sessions, contacts=contacts, indexer=messaging.indexer),
        ChatMessageRoutes(
            database=database,
            engine=engine,
            clock=ground.clock,
            contacts=contacts,
            chats=chats,
            waiting=messaging.outbox.waiting,
        ),
        *media_tables(ground, messaging.filing),
        MessageRoutes(
            database=ground.front,
            messages=messaging.messages,
            sessions=parts.fleet.sessions,
            composer=messaging.composer,
            waiting=messaging.outbox.waiting,
        ),
        MessageMediaRoutes(
            database=database,
            messages=messaging.messages,
            files=messaging.filing.files,
            library=messaging.filing.library,
        ),
        BatchRoutes(database=database, messages=messaging.messages, composer=messaging.composer),
        MessageChangeRoutes(database=database, messages=messaging.messages, editor=messaging.editor),
        QueueRoutes(database=database, sessions=parts.fleet.sessions, control=messaging.outbox.control),
    ]


def _news_tables(parts: Parts) -> list[object]:
    ground, news = parts.ground, parts.news
    return [
        WebhookRoutes(
            database=ground.front,
            webhooks=news.webhooks,
            guard=ground.guard,
            challenger=Challenger(ground.http),
            disable_after=timedelta(hours=ground.config.webhooks.disable_after_hours),
        ),
        DeliveryRoutes(
            database=ground.front,
            webhooks=news.webhooks,
            redelivery=news.redelivery,
            verdicts=news.deliverer.verdicts,
        ),
    ]
