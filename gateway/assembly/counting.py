"""Has what happens counted: the metrics listen to the same news as everybody else."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, get_args

from gateway.assembly.fleet import Fleet
from gateway.assembly.platform import Platform
from gateway.db.tx import Database, Tx
from gateway.events.models import Event
from gateway.fleet.render import SESSION_PREFIX
from gateway.fleet.service import Sessions
from gateway.kit.ids import render_id
from gateway.kit.metrics import Metrics
from sessions.engine import Engine, StatusChange
from sessions.events import Event as SessionEvent
from sessions.events import Report
from sessions.liveness import LivenessState

_MOST_SHOWN = 1000


class SessionCensus:
    """How many sessions there are in each status: counted once, then kept up by the news."""

    def __init__(self, *, database: Database, sessions: Sessions) -> None:
        self._database = database
        self._sessions = sessions
        self._statuses: dict[int, str] = {}
        self._restrictions: dict[int, str] = {}

    def by_status(self) -> Mapping[str, int]:
        """The present figures."""
        return Counter(self._statuses.values())

    def by_restriction(self) -> Mapping[str, int]:
        """How many sessions WhatsApp restricts, by kind."""
        return Counter(self._restrictions.values())

    def names(self) -> Sequence[str]:
        """The ids of the sessions whose liveness is shown: not more than scrapers can bear."""
        return [render_id(SESSION_PREFIX, session_id) for session_id in islice(self._statuses, _MOST_SHOWN)]

    async def take(self) -> None:
        """Count what the store holds."""
        self._statuses = dict(await self._database.read(self._sessions.statuses))
        self._restrictions = dict(await self._database.read(self._sessions.restrictions))

    def note(self, tx: Tx, event: Event) -> None:
        """Follow the event log: sessions come, change and go."""
        if event.type in ("session.created", "session.status"):
            tx.after_commit(partial(self._statuses.__setitem__, event.subject_id, str(event.data["status"])))
        elif event.type in ("session.restricted", "session.unrestricted"):
            tx.after_commit(partial(self._restrict, event.subject_id, event.data["restriction"]))
        elif event.type == "session.deleted":
            tx.after_commit(partial(self._forget, event.subject_id))

    def _forget(self, session_id: int) -> None:
        self._statuses.pop(session_id, None)
        self._restrictions.pop(session_id, None)

    def _restrict(self, session_id: int, restriction: Mapping[str, Any] | None) -> None:
        if restriction is None:
            self._restrictions.pop(session_id, None)
        else:
            self._restrictions[session_id] = str(restriction["kind"])


def count_everything(metrics: Metrics, platform: Platform, fleet: Fleet, census: SessionCensus) -> None:
    """Connect the metrics with the event log and with what sessions report."""
    platform.events.subscribe(partial(_count_event, metrics))
    platform.events.subscribe(census.note)
    for kind in get_args(SessionEvent):
        fleet.intake.observe(kind, partial(_count_report, metrics))
    fleet.intake.observe_status(partial(_count_status, metrics))
    _watch_listeners(metrics, platform)
    metrics.watch_by("wagate_sessions", "Sessions by status.", "status", census.by_status)
    metrics.watch_by("wagate_sessions_restricted", "Sessions that WhatsApp restricts.", "kind", census.by_restriction)
    metrics.watch_by(
        "wagate_session_live",
        "1 while a session's frames are proven to flow; of at most 1,000 sessions.",
        "session",
        partial(_live, fleet.engine, census),
    )
    metrics.watch_by(
        "wagate_session_last_proof_age_seconds",
        "Time since a connected session's frames were last proven to flow; of at most 1,000 sessions.",
        "session",
        partial(_proof_ages, fleet.engine, census),
    )


def _live(engine: Engine, census: SessionCensus) -> Mapping[str, float]:
    return {name: float(engine.liveness(name).state is LivenessState.LIVE) for name in census.names()}


def _proof_ages(engine: Engine, census: SessionCensus) -> Mapping[str, float]:
    now, ages = time.time(), {}
    for name in census.names():
        liveness = engine.liveness(name)
        if liveness.state is not LivenessState.DOWN and liveness.last_proof_at is not None:
            ages[name] = max(0.0, now - liveness.last_proof_at)
    return ages


def _watch_listeners(metrics: Metrics, platform: Platform) -> None:
    metrics.watch_by(
        "wagate_event_streams", "Streams, sockets and waiting pulls that are open.", "kind", platform.quota.by_kind
    )
    metrics.watch(
        "wagate_event_streams_cut_off",
        "Streams and sockets that were cut off since the start because their reader was too slow.",
        lambda: platform.hub.cut_off,
    )
    metrics.watch_by(
        "wagate_event_consumer_lag_seconds",
        "Age of the oldest event that a named consumer has yet to deal with, by its id.",
        "consumer",
        platform.lag.by_consumer,
    )


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
