"""Has what happens counted: the metrics listen to the same news as everybody else."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any, get_args

from gateway.assembly.fleet import Fleet
from gateway.assembly.platform import Platform
from gateway.db.tx import Tx
from gateway.events.models import Event
from gateway.kit.metrics import Metrics
from sessions.engine import StatusChange
from sessions.events import Event as SessionEvent
from sessions.events import Report


def count_everything(metrics: Metrics, platform: Platform, fleet: Fleet) -> None:
    """Connect the metrics with the event log and with what sessions report."""
    platform.events.subscribe(partial(_count_event, metrics))
    for kind in get_args(SessionEvent):
        fleet.intake.observe(kind, partial(_count_report, metrics))
    statuses: dict[int, str] = {}
    fleet.intake.observe_status(partial(_count_status, metrics, statuses))
    metrics.watch_by(
        "wagate_sessions", "Sessions by status, since this start.", "status", lambda: Counter(statuses.values())
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


def _count_status(metrics: Metrics, statuses: dict[int, str], session_id: int, change: StatusChange) -> None:
    statuses[session_id] = change.status
    metrics.status_changed(change.status)
