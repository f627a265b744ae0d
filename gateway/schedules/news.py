"""What is told of schedules, and the one step from which nothing leads back."""

from __future__ import annotations

from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.schedules.models import EndReason, Schedule, ScheduleState
from gateway.schedules.render import render_schedule


class ScheduleNews:
    """Writes events about schedules; their data is the schedule itself and what is particular."""

    def __init__(self, *, events: EventLog) -> None:
        self._events = events

    def tell(self, tx: Tx, row: Schedule, event_type: str, **more: object) -> None:
        """Emit one event."""
        self._events.emit(
            tx,
            org_id=row.org_id,
            type=event_type,
            subject=("schedule", row.id),
            data=render_schedule(row) | more,
            session_id=row.session_id,
        )

    def end(self, tx: Tx, row: Schedule, reason: EndReason) -> None:
        """No time of it comes up any more."""
        if row.state == ScheduleState.ENDED:
            return
        row.state, row.reason, row.next_at = ScheduleState.ENDED, reason, None
        tx.session.flush()
        self.tell(tx, row, "schedule.ended")
