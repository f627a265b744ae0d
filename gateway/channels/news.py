"""Tells of channels that the phone follows, leaves or mutes, and of what happens to posts."""

from __future__ import annotations

from typing import Any

from gateway.channels.schemas import render_channel, render_post
from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.fleet.ignoring import is_ignored
from gateway.fleet.models import Session
from gateway.fleet.render import SESSION_PREFIX
from sessions.address import Address
from sessions.events import ChannelJoined, ChannelLeft, ChannelMuted, ChannelUpdated, Report


class ChannelNews:
    """Handles reports; each becomes an event of its session, unless the session ignores the channel."""

    def __init__(self, *, events: EventLog) -> None:
        self._events = events

    def joined(self, tx: Tx, session: Session, report: Report) -> None:
        fact = report.event
        assert isinstance(fact, ChannelJoined)
        self._emit(tx, session, "channel.joined", fact.channel.address, render_channel(fact.channel))

    def left(self, tx: Tx, session: Session, report: Report) -> None:
        fact = report.event
        assert isinstance(fact, ChannelLeft)
        self._emit(tx, session, "channel.left", fact.channel, {})

    def muted(self, tx: Tx, session: Session, report: Report) -> None:
        fact = report.event
        assert isinstance(fact, ChannelMuted)
        self._emit(tx, session, "channel.muted", fact.channel, {"muted": fact.muted})

    def updated(self, tx: Tx, session: Session, report: Report) -> None:
        fact = report.event
        assert isinstance(fact, ChannelUpdated)
        self._emit(tx, session, "channel.updated", fact.channel, {"posts": [render_post(post) for post in fact.posts]})

    def _emit(self, tx: Tx, session: Session, event_type: str, channel: Address, data: dict[str, Any]) -> None:
        if is_ignored(session.settings, channel):
            return
        self._events.emit(
            tx,
            org_id=session.org_id,
            type=event_type,
            subject=(SESSION_PREFIX, session.id),
            data={"id": str(channel.primary), **data},
            session_id=session.id,
        )
