"""Writes the event log: news from every slice, in the transaction of what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, Final

from gateway.db.tx import Tx
from gateway.events import consumer_store, store
from gateway.events.catalogue import EventType, by_name
from gateway.events.models import Event
from gateway.events.schemas import subject_type_of
from gateway.kit.clock import Clock

Subscriber = Callable[[Tx, Event], None]
#: Gives what is to be told with every event of a session.
Labels = Callable[[Tx, int], dict[str, str] | None]
_PENDING: Final = "events to append"
#: More than any gateway writes between two backups.
_JUMP: Final = 1_000_000_000


#: Gives those of some events that somebody has yet to be told of.
NeededEvents = Callable[[Tx, Sequence[int]], Set[int]]


@dataclass(frozen=True)
class Forgotten:
    """How many events one bite deleted, and after which the next one begins; None at the end."""

    count: int
    next_after: int | None


class EventLog:
    """The one place where events begin.

    Events are written as the last thing in their transaction, in the order of emission, so that on PostgreSQL the lock
    that keeps positions in commit order is held for a moment only. Their ``id`` is therefore None until then.
    ``check_payloads`` proves all data against the catalogue, which tests do.
    """

    def __init__(self, *, clock: Clock, check_payloads: bool = False) -> None:
        self._clock = clock
        self._check_payloads = check_payloads
        self._types = by_name()
        self._subscribers: list[Subscriber] = []
        self._listeners: list[Callable[[], None]] = []
        self._labels: Labels = lambda tx, session_id: None

    def label_with(self, labels: Labels) -> None:
        """Have the metadata of sessions told with their events."""
        self._labels = labels

    def subscribe(self, callback: Subscriber) -> None:
        """Have ``callback`` called with every event inside its transaction, when the event has its position."""
        self._subscribers.append(callback)

    def when_committed(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called on the event loop after each commit that appended events."""
        self._listeners.append(callback)

    def emit(
        self,
        tx: Tx,
        *,
        org_id: int,
        type: str,
        subject: tuple[str, int],
        data: dict[str, Any],
        session_id: int | None = None,
        chat_id: int | None = None,
    ) -> Event:
        """Say what happened. ``subject`` is a kind (``message`` or ``msg``) and an id; ``data`` is edge JSON."""
        known = self._types.get(type)
        if known is None:
            raise UnknownEventTypeError(type)
        if self._check_payloads:
            _check(known, data)
        event = Event(
            org_id=org_id,
            session_id=session_id,
            chat_id=chat_id,
            type=type,
            subject_type=subject_type_of(subject[0]),
            subject_id=subject[1],
            data=data,
            labels=None if session_id is None else self._labels(tx, session_id),
            at=self._clock.now(),
        )
        self._append_later(tx, event)
        return event

    def recent_of_session(self, tx: Tx, *, org_id: int, session_id: int, limit: int) -> Sequence[Event]:
        """The newest events of one session, newest first."""
        return store.recent_of_session(tx, org_id=org_id, session_id=session_id, limit=limit)

    def jump_ahead(self, tx: Tx) -> None:
        """Leave a gap in the positions that nobody has ever reached.

        For a store that was restored: programs may remember positions that were given after the backup, and would
        miss everything that is given them a second time.
        """
        store.jump_ahead(tx, by=_JUMP)

    def forget(
        self,
        tx: Tx,
        *,
        before: datetime,
        after: int,
        limit: int,
        needed: NeededEvents,
        unacked_before: datetime | None = None,
    ) -> Forgotten:
        """Delete events that happened before a moment, a bite at a time, but none that somebody still needs.

        What a named consumer has not dealt with is kept, unless it happened before ``unacked_before``. The log is in
        order, so the first event that is young enough ends it.
        """
        first = store.oldest(tx, after=after, limit=limit)
        old = list(takewhile(lambda event: event.at < before, first))
        kept = needed(tx, [event.id for event in old]) if old else frozenset()
        floors = consumer_store.floors(tx)
        gone = [
            event for event in old if event.id not in kept and not _is_unacked(event, floors, unacked_before or before)
        ]
        store.drop(tx, [event.id for event in gone])
        for org_id, position in {event.org_id: event.id for event in gone}.items():
            store.move_start_of_log(tx, org_id=org_id, position=position)
        return Forgotten(count=len(gone), next_after=old[-1].id if len(old) == limit else None)

    def _append_later(self, tx: Tx, event: Event) -> None:
        pending: list[Event] | None = tx.session.info.get(_PENDING)
        if pending is None:
            pending = tx.session.info[_PENDING] = []
            tx.before_commit(lambda: self._append(tx))
        pending.append(event)

    def _append(self, tx: Tx) -> None:
        events: list[Event] = tx.session.info.pop(_PENDING)
        store.append(tx, events)
        for event in events:
            for subscriber in self._subscribers:
                subscriber(tx, event)
        for listener in self._listeners:
            tx.after_commit(listener)


class UnknownEventTypeError(LookupError):
    """The catalogue has no such event type; add it there with its payload."""


def _check(known: EventType, data: dict[str, Any]) -> None:
    known.payload.model_validate(data)


def _is_unacked(event: store.OldEvent, floors: Mapping[int, int], unacked_before: datetime) -> bool:
    return event.at >= unacked_before and event.id > floors.get(event.org_id, event.id)
