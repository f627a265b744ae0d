"""Calls: their rows, declining them, and ending those of which nothing more is heard."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.assembly.fleet import Fleet
from gateway.assembly.ground import Ground
from gateway.assembly.messaging import Messaging
from gateway.assembly.platform import Platform
from gateway.calls.decliner import CallDecliner
from gateway.calls.ender import CallEnder
from gateway.calls.routes import CallRoutes
from gateway.calls.service import Calls
from sessions.events import CallReceived


@dataclass(frozen=True, kw_only=True)
class Calling:
    """Everything about calls."""

    calls: Calls
    decliner: CallDecliner
    ender: CallEnder


def build_calling(ground: Ground, platform: Platform, fleet: Fleet, messaging: Messaging) -> Calling:
    """Build it on messages, listening to what sessions report."""
    calls = Calls(ids=ground.ids, clock=ground.clock, events=platform.events, contacts=messaging.contacts)
    decliner = CallDecliner(
        database=ground.database,
        engine=fleet.engine,
        sessions=fleet.sessions,
        contacts=messaging.contacts,
        messages=messaging.messages,
        calls=calls,
    )
    fleet.intake.register(CallReceived, calls.reported)
    fleet.intake.observe(CallReceived, decliner.called)
    ender = CallEnder(database=ground.database, clock=ground.clock, calls=calls)
    return Calling(calls=calls, decliner=decliner, ender=ender)


def call_tables(ground: Ground, fleet: Fleet, calling: Calling) -> list[object]:
    """Their route table."""
    return [CallRoutes(database=ground.front, engine=fleet.engine, sessions=fleet.sessions, calls=calling.calls)]
