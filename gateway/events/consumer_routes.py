"""Named consumers over HTTP: make them, pull, acknowledge, seek."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from gateway.api.paging import PageQuery, page_of
from gateway.api.route import Answer, Call, route
from gateway.api.streams import Streams
from gateway.db.tx import Database, Tx
from gateway.events import consumer_store, store
from gateway.events.consumer_schemas import (
    NAME,
    NAME_PROBLEM,
    AckRequest,
    BatchOut,
    ConsumerOut,
    ConsumerPage,
    ConsumerPut,
    Lag,
    PullRequest,
    SeekRequest,
)
from gateway.events.consumers import Batch, Consumers, Wish, interest_of
from gateway.events.models import EventConsumer
from gateway.events.pulling import PullDesk
from gateway.events.quota import StreamQuota
from gateway.events.schemas import envelope
from gateway.kit.clock import Clock
from gateway.kit.errors import FieldError, InvalidError
from gateway.kit.ids import render_id
from gateway.kit.times import render_time

_BASE: Final = "/api/v1/events/consumers"
_ONE: Final = f"{_BASE}/{{consumer}}"
_TAG: Final = "events"
_NOT_FOUND: Final = ("consumer_not_found",)
#: Beyond this the number of waiting events is of no interest.
MOST_COUNTED: Final = 1_000


class ConsumerRoutes:
    """The pull queue."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        consumers: Consumers,
        desk: PullDesk,
        streams: Streams,
        quota: StreamQuota,
    ) -> None:
        self._database = database
        self._clock = clock
        self._consumers = consumers
        self._desk = desk
        self._streams = streams
        self._quota = quota

    @route(
        "PUT",
        _ONE,
        operation="consumers.put",
        also=(201,),
        summary="Make or change a named consumer",
        tag=_TAG,
        takes=ConsumerPut,
        gives=ConsumerOut,
        description="Makes it (201) or changes what it is told of from here on (200). Its position stays.",
        errors=("session_not_found", "consumer_limit_reached", "events_gone"),
    )
    async def put(self, call: Call) -> Answer:
        body: ConsumerPut = call.body
        name = _name(call.path["consumer"])
        wish = Wish(types=body.types, sessions=body.sessions, after=body.after)

        def work(tx: Tx) -> Answer:
            consumer, is_new = self._consumers.put(tx, call.caller, name, wish)
            return Answer(body=self._render(tx, consumer), status=201 if is_new else 200)

        return await self._database.write(work)

    @route(
        "GET",
        _BASE,
        operation="consumers.list",
        summary="List named consumers",
        tag=_TAG,
        query=PageQuery,
        gives=ConsumerPage,
    )
    async def list(self, call: Call) -> ConsumerPage:
        query: PageQuery = call.query

        def work(tx: Tx) -> ConsumerPage:
            found = self._consumers.page(tx, call.caller, after=query.position(), limit=query.limit)
            rows, following = page_of(found, limit=query.limit, position=lambda consumer: consumer.id)
            return ConsumerPage(items=[self._render(tx, consumer) for consumer in rows], next=following)

        return await self._database.read(work)

    @route(
        "GET",
        _ONE,
        operation="consumers.read",
        summary="Read a named consumer",
        tag=_TAG,
        gives=ConsumerOut,
        errors=_NOT_FOUND,
    )
    async def read(self, call: Call) -> ConsumerOut:
        return await self._database.read(lambda tx: self._render(tx, self._find(tx, call)))

    @route("DELETE", _ONE, operation="consumers.delete", summary="Delete a named consumer", tag=_TAG, errors=_NOT_FOUND)
    async def delete(self, call: Call) -> None:
        await self._database.write(lambda tx: consumer_store.remove(tx, self._find(tx, call, locked=True)))

    @route(
        "POST",
        f"{_ONE}/seek",
        operation="consumers.seek",
        summary="Have a consumer go on from another position",
        tag=_TAG,
        takes=SeekRequest,
        gives=ConsumerOut,
        description="Forwards or backwards. A batch that a worker holds is its no longer.",
        errors=(*_NOT_FOUND, "events_gone"),
    )
    async def seek(self, call: Call) -> ConsumerOut:
        body: SeekRequest = call.body

        def work(tx: Tx) -> ConsumerOut:
            consumer = self._find(tx, call, locked=True)
            self._consumers.seek(tx, consumer, after=body.after)
            self._ring(tx, consumer)
            return self._render(tx, consumer)

        return await self._database.write(work)

    @route(
        "POST",
        "/api/v1/events/pull",
        operation="events.pull",
        summary="Take the next events of a consumer",
        tag=_TAG,
        takes=PullRequest,
        gives=BatchOut,
        description=(
            "In order, nothing skipped. The events are yours for `lease_seconds`; if no `ack` comes by then, they are "
            "given out again. While they are yours, others who pull for this consumer get nothing."
        ),
        errors=(*_NOT_FOUND, "events_gone", "too_many_streams"),
    )
    async def pull(self, call: Call) -> dict[str, Any]:
        body: PullRequest = call.body
        with self._quota.counted(call.caller, kind="pull"):
            batch = await self._desk.pull(
                call.caller,
                body.consumer,
                limit=body.limit,
                lease_seconds=body.lease_seconds,
                wait_seconds=body.wait_seconds,
                is_wanted=lambda: self._streams.is_wanted(call.request),
            )
        return _render_batch(batch)

    @route(
        "POST",
        "/api/v1/events/ack",
        operation="events.ack",
        summary="Say that events are dealt with",
        tag=_TAG,
        takes=AckRequest,
        gives=ConsumerOut,
        description=(
            "Everything of the consumer up to `position` is dealt with. May be said again, changes nothing then, and never "
            "goes backwards. In the middle of a batch it keeps the rest for another `lease_seconds`."
        ),
        errors=(*_NOT_FOUND, "lease_lost"),
    )
    async def ack(self, call: Call) -> ConsumerOut:
        body: AckRequest = call.body

        def work(tx: Tx) -> ConsumerOut:
            consumer = self._consumers.ack(
                tx, call.caller, body.consumer, position=body.position, lease=body.lease, release=body.release
            )
            if consumer.lease is None:
                self._ring(tx, consumer)
            return self._render(tx, consumer)

        return await self._database.write(work)

    def _find(self, tx: Tx, call: Call, *, locked: bool = False) -> EventConsumer:
        return self._consumers.get(tx, call.caller, call.path["consumer"], locked=locked)

    def _ring(self, tx: Tx, consumer: EventConsumer) -> None:
        consumer_id = consumer.id
        tx.after_commit(lambda: self._desk.ring(consumer_id))

    def _render(self, tx: Tx, consumer: EventConsumer) -> ConsumerOut:
        return ConsumerOut(
            id=consumer.id,
            name=consumer.name,
            types=consumer.types,
            sessions=consumer.session_ids,
            position=consumer.position,
            leased_until=consumer.leased_until,
            lag=_lag(tx, consumer, self._clock.now()),
            seen_at=consumer.seen_at,
            created_at=consumer.created_at,
        )


def _lag(tx: Tx, consumer: EventConsumer, now: datetime) -> Lag:
    interest = interest_of(consumer)
    oldest = store.page_for(tx, interest, after=consumer.position, limit=1)
    if not oldest:
        return Lag(events=0, seconds=0.0)
    waiting = consumer_store.count_after(tx, interest, after=consumer.position, at_most=MOST_COUNTED)
    return Lag(events=waiting, seconds=max((now - oldest[0].at).total_seconds(), 0.0))


def _render_batch(batch: Batch) -> dict[str, Any]:
    return {
        "items": [envelope(event) for event in batch.events],
        "position": render_id("evt", batch.events[-1].id) if batch.events else None,
        "lease": batch.lease,
        "leased_until": None if batch.leased_until is None else render_time(batch.leased_until),
        "more": batch.more,
    }


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise InvalidError(fields=(FieldError(path="consumer", problem=NAME_PROBLEM),))
    return text
