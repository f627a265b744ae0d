"""Has what happens counted: the metrics listen to the same news as everybody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, get_args

from gateway.assembly.fleet import Fleet
from gateway.assembly.platform import Platform
from gateway.db.tx import Database, Tx
from gateway.events.models import Event
from gateway.fleet.service import Sessions
from gateway.kit.metrics import Metrics
from sessions.engine import StatusChange
from sessions.events import Event as SessionEvent
from sessions.events import Report


class SessionCensus:
    """How many sessions there are in each status: counted once, then kept up by the news."""

    def __init__(self, *, database: Database, sessions: Sessions) -> None:
        self._database = database
        self._sessions = sessions
        self._statuses: dict[int, str] = {}

    def by_status(self) -> Mapping[str, int]:
        """The present figures."""
        return Counter(self._statuses.values())

    async def take(self) -> None:
        """Count what the store holds."""
        self._statuses = dict(await self._database.read(self._sessions.statuses))

    def note(self, tx: Tx, event: Event) -> None:
        """Follow the event log: sessions come, change and go."""
        if event.type in ("session.created", "session.status"):
            tx.after_commit(partial(self._statuses.__setitem__, event.subject_id, str(event.data["status"])))
        elif event.type == "session.deleted":
            tx.after_commit(partial(self._forget, event.subject_id))

    def _forget(self, session_id: int) -> None:
        self._statuses.pop(session_id, None)


def count_everything(metrics: Metrics, platform: Platform, fleet: Fleet, census: SessionCensus) -> None:
    """Connect the metrics with the event log and with what sessions report."""
    platform.events.subscribe(partial(_count_event, metrics))
    platform.events.subscribe(census.note)
    for kind in get_args(SessionEvent):
        fleet.intake.observe(kind, partial(_count_report, metrics))
    fleet.intake.observe_status(partial(_count_status, metrics))
    metrics.watch_by("wagate_sessions", "Sessions by status.", "status", census.by_status)


def _count_event(metrics: Metrics, tx: Tx, event: Event) -> None:
    if event.type == "message.received":
        tx.after_commit(metrics.message_received)
    elif event.type in ("message.queued", "message.status"):
        state = str(event.data["state"])
        seconds = _seconds_to_send(event.data) if state == "sent" else None
        tx.after_commit(partial(metrics.message_moved, state, seconds=seconds))


def _seconds_to_send(data: dict[str, Any]) -> float | None:
    """From the moment a message was due until WhatsApp had taken it."""
    begun, sent = data.get("due_at") or data.get("created_at"), data.get("sent_at")
    if begun is None or sent is None:
        return None
    return max((datetime.fromisoformat(sent) - datetime.fromisoformat(begun)).total_seconds(), 0.0)


def _count_report(metrics: Metrics, _session_id: int, report: Report) -> None:
    metrics.reported(str(type(report.event).__struct_config__.tag))


def _count_status(metrics: Metrics, _session_id: int, change: StatusChange) -> None:
    metrics.status_changed(change.status)
