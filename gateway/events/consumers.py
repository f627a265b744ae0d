"""Named consumers: they take events by the batch, in order, and say when they have dealt with them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway.db.tx import Tx
from gateway.events import consumer_store, store
from gateway.events.asking import Asking, demand_types
from gateway.events.errors import ConsumerNotFoundError, EventsGoneError, LeaseLostError, TooManyConsumersError
from gateway.events.interest import Interest
from gateway.events.models import Event, EventConsumer
from gateway.kit.clock import Clock
from gateway.kit.errors import FieldError, InvalidError
from gateway.kit.ids import IdGenerator, render_id
from gateway.principal import Principal

MOST_CONSUMERS: Final = 50
#: A consumer that finds nothing is still seen to be there this often.
SEEN_EVERY: Final = timedelta(seconds=30)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a consumer is to be told of. ``after`` is for a new one; None is now."""

    types: Sequence[str] | None = None
    sessions: Sequence[str] | None = None
    after: int | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Events that a worker holds until it has dealt with them; none without a lease."""

    events: Sequence[Event] = ()
    more: bool = False
    lease: str | None = None
    leased_until: datetime | None = None


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """How a consumer stands, for those who wait for it."""

    consumer_id: int
    interest: Interest
    position: int
    is_busy: bool  #: somebody holds a batch
    has_news: bool
    is_stale: bool  #: it was not seen for a while


class Consumers:
    """One batch of a consumer is out at a time, so that its order holds whatever number of workers it has."""

    def __init__(self, *, clock: Clock, ids: IdGenerator, asking: Asking) -> None:
        self._clock = clock
        self._ids = ids
        self._asking = asking

    def get(self, tx: Tx, principal: Principal, name: str, *, locked: bool = False) -> EventConsumer:
        """The consumer; raises ConsumerNotFoundError."""
        consumer = consumer_store.find(tx, org_id=principal.org_id, name=name, locked=locked)
        if consumer is None or not _may_see(principal, consumer):
            raise ConsumerNotFoundError
        return consumer

    def page(self, tx: Tx, principal: Principal, *, after: int | None, limit: int) -> Sequence[EventConsumer]:
        """Those that the caller may see, oldest first, one more than ``limit``."""
        found = consumer_store.page(tx, org_id=principal.org_id, after=after, limit=MOST_CONSUMERS)
        return [consumer for consumer in found if _may_see(principal, consumer)][: limit + 1]

    def put(self, tx: Tx, principal: Principal, name: str, wish: Wish) -> tuple[EventConsumer, bool]:
        """Make the consumer, or change what it is told of; says whether it is new."""
        if wish.types is not None:
            demand_types(wish.types)
        session_ids = self._asking.session_ids(tx, principal=principal, sessions=wish.sessions)
        consumer = consumer_store.find(tx, org_id=principal.org_id, name=name, locked=True)
        is_new = consumer is None
        if consumer is None:
            consumer = self._make(tx, principal, name, wish.after)
        elif not _may_see(principal, consumer):
            raise ConsumerNotFoundError
        consumer.types = None if wish.types is None else list(wish.types)
        consumer.session_ids = None if session_ids is None else sorted(session_ids)
        consumer.updated_at = self._clock.now()
        if is_new:
            tx.add(consumer)
        return consumer, is_new

    def seek(self, tx: Tx, consumer: EventConsumer, *, after: int | None) -> None:
        """Go on from another position, backwards too; None is now. Whoever holds a batch has lost it."""
        consumer.position = self._sound_position(tx, consumer.org_id, after)
        _end_lease(consumer)
        consumer.updated_at = self._clock.now()

    def glance(self, tx: Tx, principal: Principal, name: str) -> Glance:
        """How the consumer stands; raises EventsGoneError when it was away for too long."""
        consumer, now = self.get(tx, principal, name), self._clock.now()
        _demand_log(tx, consumer)
        interest = interest_of(consumer)
        return Glance(
            consumer_id=consumer.id,
            interest=interest,
            position=consumer.position,
            is_busy=_is_busy(consumer, now),
            has_news=bool(store.page_for(tx, interest, after=consumer.position, limit=1)),
            is_stale=consumer.seen_at is None or now - consumer.seen_at >= SEEN_EVERY,
        )

    def pull(self, tx: Tx, principal: Principal, name: str, *, limit: int, lease_seconds: int) -> Batch:
        """The next events, which nobody else gets until they are dealt with or the lease is over."""
        consumer, now = self.get(tx, principal, name, locked=True), self._clock.now()
        consumer.seen_at = now
        _demand_log(tx, consumer)
        if _is_busy(consumer, now):
            return Batch()
        # First the end, then what is before it: what is committed in between is found the next time.
        end = store.last_position(tx)
        found = store.page_for(tx, interest_of(consumer), after=consumer.position, limit=limit + 1)
        if not found:
            consumer.position = max(consumer.position, end)
            return Batch()
        events = found[:limit]
        consumer.lease = f"lse_{secrets.token_urlsafe(18)}"
        consumer.lease_seconds = lease_seconds
        consumer.leased_position = events[-1].id
        consumer.leased_until = now + timedelta(seconds=lease_seconds)
        return Batch(events=events, more=len(found) > limit, lease=consumer.lease, leased_until=consumer.leased_until)

    def ack(
        self, tx: Tx, principal: Principal, name: str, *, position: int, lease: str | None, release: bool
    ) -> EventConsumer:
        """Everything up to a position is dealt with. Saying it again changes nothing; it never goes backwards."""
        consumer, now = self.get(tx, principal, name, locked=True), self._clock.now()
        consumer.seen_at = now
        is_holder = lease is not None and lease == consumer.lease
        if position > consumer.position:
            if lease is not None and not is_holder:
                raise LeaseLostError
            _demand_reached(tx, position)
            consumer.position = position
        if consumer.lease is not None and (consumer.position >= consumer.leased_position or (release and is_holder)):
            _end_lease(consumer)
        elif is_holder:
            consumer.leased_until = now + timedelta(seconds=consumer.lease_seconds)
        return consumer

    def _make(self, tx: Tx, principal: Principal, name: str, after: int | None) -> EventConsumer:
        if consumer_store.count(tx, org_id=principal.org_id) >= MOST_CONSUMERS:
            raise TooManyConsumersError(f"An organization may have {MOST_CONSUMERS} consumers.")
        now = self._clock.now()
        return EventConsumer(
            id=self._ids.new(),
            org_id=principal.org_id,
            name=name,
            position=self._sound_position(tx, principal.org_id, after),
            lease_seconds=0,
            leased_position=0,
            created_at=now,
            updated_at=now,
        )

    def _sound_position(self, tx: Tx, org_id: int, after: int | None) -> int:
        if after is None:
            return store.last_position(tx)
        start = store.start_of_log(tx, org_id=org_id)
        if 0 < after < start:
            raise gone_before(start)
        _demand_reached(tx, after)
        return max(after, start)


def interest_of(consumer: EventConsumer) -> Interest:
    """What it is told of."""
    return Interest.of(org_id=consumer.org_id, globs=consumer.types, session_ids=consumer.session_ids)


def gone_before(start: int) -> EventsGoneError:
    """Says where the log begins now."""
    return EventsGoneError(f"The log begins after {render_id('evt', start)}. Go on from there.")


def _demand_log(tx: Tx, consumer: EventConsumer) -> None:
    start = store.start_of_log(tx, org_id=consumer.org_id)
    if consumer.position < start:
        raise gone_before(start)


def _demand_reached(tx: Tx, position: int) -> None:
    if position > store.last_position(tx):
        raise InvalidError(fields=(FieldError(path="position", problem="No event has this id yet"),))


def _is_busy(consumer: EventConsumer, now: datetime) -> bool:
    return consumer.lease is not None and consumer.leased_until is not None and consumer.leased_until > now


def _end_lease(consumer: EventConsumer) -> None:
    consumer.lease = consumer.leased_until = None
    consumer.leased_position = 0


def _may_see(principal: Principal, consumer: EventConsumer) -> bool:
    if principal.session_ids is None:
        return True
    return consumer.session_ids is not None and principal.session_ids.issuperset(consumer.session_ids)
