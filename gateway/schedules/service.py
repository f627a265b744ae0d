"""What callers may do with schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.events.models import Event
from gateway.events.service import EventLog
from gateway.fleet.service import Sessions
from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator, render_id
from gateway.messages.recipients import read_recipient
from gateway.principal import Principal, PrincipalKind
from gateway.schedules import store
from gateway.schedules.errors import ScheduleChangedError, ScheduleEndedError, ScheduleNotFoundError
from gateway.schedules.models import EndReason, Schedule, ScheduleRun, ScheduleState
from gateway.schedules.news import ScheduleNews
from gateway.schedules.requests import ScheduleChange, ScheduleIn
from gateway.schedules.timing import Timing


class Wakes(Protocol):
    """Hears that a time may come sooner than thought; the scheduler."""

    def wake(self) -> None:
        """Look at the rows again."""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Narrows a list."""

    session: str | None = None
    state: ScheduleState | None = None


class Schedules:
    """The schedules of every organization, as their owners see them."""

    def __init__(
        self,
        *,
        ids: IdGenerator,
        clock: Clock,
        sessions: Sessions,
        contacts: Contacts,
        events: EventLog,
        news: ScheduleNews,
        wakes: Wakes,
    ) -> None:
        self._ids = ids
        self._clock = clock
        self._sessions = sessions
        self._contacts = contacts
        self._news = news
        self._wakes = wakes
        contacts.when_merged(_readdress)
        events.subscribe(self._session_deleted)

    def create(
        self, tx: Tx, principal: Principal, request: ScheduleIn, *, timing: Timing, template: dict[str, Any]
    ) -> Schedule:
        """Keep a schedule; its first time is due when it comes."""
        session = self._sessions.get(tx, principal, request.message.session)
        self._demand_contact(tx, principal, request.message.to)
        now = self._clock.now()
        row = Schedule(
            id=self._ids.new(),
            org_id=principal.org_id,
            session_id=session.id,
            name=request.name,
            recipient=request.message.to,
            template=template,
            expire_after_seconds=request.expire_after_seconds,
            misfire=request.misfire,
            misfire_grace_seconds=request.misfire_grace_seconds,
            state=ScheduleState.ACTIVE,
            occurred=0,
            fired=0,
            missed=0,
            api_key_id=principal.subject_id if principal.kind is PrincipalKind.API_KEY else None,
            user_id=principal.subject_id if principal.kind is PrincipalKind.USER else None,
            created_at=now,
            updated_at=now,
        )
        _set_timing(row, timing)
        tx.add(row)
        self._news.tell(tx, row, "schedule.created")
        tx.after_commit(self._wakes.wake)
        return row

    def get(self, tx: Tx, principal: Principal, schedule_id: int, *, to_change: bool = False) -> Schedule:
        """The schedule with this id, as far as the caller may know of it; raises ScheduleNotFoundError."""
        row = store.find(tx, org_id=principal.org_id, schedule_id=schedule_id, to_change=to_change)
        if row is None or (principal.session_ids is not None and row.session_id not in principal.session_ids):
            raise ScheduleNotFoundError
        return row

    def living(self, tx: Tx, principal: Principal, schedule_id: int) -> Schedule:
        """A schedule to change; raises ScheduleEndedError where nothing can be changed any more."""
        row = self.get(tx, principal, schedule_id, to_change=True)
        if row.state == ScheduleState.ENDED:
            raise ScheduleEndedError
        return row

    def page(
        self, tx: Tx, principal: Principal, *, filters: Filters, limit: int, before_id: int | None
    ) -> Sequence[Schedule]:
        """Schedules, newest first."""
        session_ids = principal.session_ids
        if filters.session is not None:
            session_ids = frozenset({self._sessions.get(tx, principal, filters.session).id})
        return store.page(
            tx,
            org_id=principal.org_id,
            limit=limit,
            before_id=before_id,
            session_ids=session_ids,
            state=filters.state,
        )

    def runs(
        self, tx: Tx, principal: Principal, schedule_id: int, *, limit: int, before_id: int | None
    ) -> Sequence[ScheduleRun]:
        """What came of a schedule's times, newest first."""
        row = self.get(tx, principal, schedule_id)
        return store.runs(tx, org_id=row.org_id, schedule_id=row.id, limit=limit, before_id=before_id)

    def update(
        self,
        tx: Tx,
        principal: Principal,
        seen: Schedule,
        change: ScheduleChange,
        *,
        timing: Timing | None,
        template: dict[str, Any] | None,
    ) -> Schedule:
        """Change what is named. ``seen`` is the schedule as it was when the change was thought through."""
        row = self.living(tx, principal, seen.id)
        if row.updated_at != seen.updated_at:
            raise ScheduleChangedError(retry_after_seconds=1.0)
        for name in ("name", "misfire", "misfire_grace_seconds", "expire_after_seconds"):
            if name in change.model_fields_set:
                setattr(row, name, getattr(change, name))
        if change.message is not None:
            row.session_id = self._sessions.get(tx, principal, change.message.session).id
            self._demand_contact(tx, principal, change.message.to)
            row.recipient, row.template = change.message.to, template
        if timing is not None:
            _set_timing(row, timing)
        return self._changed(tx, row)

    def pause(self, tx: Tx, principal: Principal, schedule_id: int) -> Schedule:
        """Let no time come up. What passes meanwhile is not missed; nobody wanted it."""
        row = self.living(tx, principal, schedule_id)
        if row.state == ScheduleState.PAUSED:
            return row
        row.state, row.next_at = ScheduleState.PAUSED, None
        return self._changed(tx, row)

    def resume(self, tx: Tx, principal: Principal, seen: Schedule, *, next_at: datetime | None) -> Schedule:
        """Go on with the next time from now. Without one the schedule is over."""
        row = self.living(tx, principal, seen.id)
        if row.state == ScheduleState.ACTIVE:
            return row
        if row.updated_at != seen.updated_at:
            raise ScheduleChangedError(retry_after_seconds=1.0)
        if next_at is None:
            self._end(tx, row, EndReason.FINISHED)
            return row
        row.state, row.next_at = ScheduleState.ACTIVE, next_at
        return self._changed(tx, row)

    def remove(self, tx: Tx, principal: Principal, schedule_id: int) -> None:
        """Delete a schedule and what is known of its runs; the messages stay."""
        row = self.get(tx, principal, schedule_id, to_change=True)
        self._end(tx, row, EndReason.DELETED)
        tx.session.delete(row)
        tx.session.flush()

    def forget_runs(self, tx: Tx, *, before: datetime, limit: int) -> int:
        """Delete runs of every organization from before then; give how many went."""
        return store.delete_old_runs(tx, before=self._ids.at(before), limit=limit)

    def _session_deleted(self, tx: Tx, event: Event) -> None:
        if event.type != "session.deleted":
            return
        for row in store.living_of_session(tx, org_id=event.org_id, session_id=event.subject_id):
            self._end(tx, row, EndReason.SESSION_DELETED)

    def _end(self, tx: Tx, row: Schedule, reason: EndReason) -> None:
        row.updated_at = self._clock.now()
        self._news.end(tx, row, reason)

    def _changed(self, tx: Tx, row: Schedule) -> Schedule:
        row.updated_at = self._clock.now()
        tx.session.flush()
        self._news.tell(tx, row, "schedule.updated")
        tx.after_commit(self._wakes.wake)
        return row

    def _demand_contact(self, tx: Tx, principal: Principal, to: str) -> None:
        recipient = read_recipient(to, field="message.to")
        if recipient.contact_id is not None:
            self._contacts.get(tx, org_id=principal.org_id, contact_id=recipient.contact_id)


def _set_timing(row: Schedule, timing: Timing) -> None:
    recurrence = timing.recurrence
    row.rule_kind, row.rule = recurrence.kind, recurrence.text
    row.time_zone = recurrence.time_zone
    row.starts_at, row.ends_at = recurrence.starts_at, recurrence.ends_at
    row.count = timing.count
    if row.state == ScheduleState.ACTIVE:
        row.next_at = timing.next_at


def _readdress(tx: Tx, org_id: int, old: int, new: int) -> None:
    store.readdress(tx, org_id=org_id, old=render_id("con", old), new=render_id("con", new))
