"""``GET /api/v1/events``: the log as a live stream, or as pages."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.route import Call, route
from gateway.api.streams import StreamEvent, Streams
from gateway.db.tx import Database, Tx
from gateway.events import store
from gateway.events.catalogue import matching
from gateway.events.errors import EventsGoneError
from gateway.events.hub import EventHub, Interest, Reset
from gateway.events.models import Event
from gateway.events.schemas import EventOut, encode_envelope, envelope
from gateway.kit.errors import FieldError, GatewayError, InvalidError, NotFoundError, TooManyError
from gateway.kit.ids import InvalidIdError, parse_id, render_id
from gateway.principal import Principal

STREAMS_PER_CALLER: Final = 10
#: Tells a stream's reader that it was away for longer than events are kept.
RESET: Final = "reset"

#: Gives the id of the session that a caller names by id or name; raises NotFoundError.
FindSession = Callable[[Tx, Principal, str], int]


class EventQuery(BaseModel):
    """Which events."""

    model_config = ConfigDict(extra="forbid")

    after: str | None = Field(None, description="The id of the last event you have seen (`evt_...`).")
    types: str | None = Field(
        None, max_length=500, description="Globs over event types, separated by commas.", examples=["message.*"]
    )
    session: str | None = Field(None, max_length=100, description="Only events of this session (id or name).")
    limit: int = Field(100, ge=1, le=500, description="Pages only: how many events at most.")


class EventPage(BaseModel):
    """Events in the order in which they happened. ``next`` is the `after` of the next page; null at the end."""

    items: list[EventOut]
    next: str | None


class EventRoutes:
    """The event log for callers."""

    def __init__(
        self, *, database: Database, hub: EventHub, streams: Streams, find_session: FindSession | None = None
    ) -> None:
        self._database = database
        self._hub = hub
        self._streams = streams
        self._find_session = find_session or _session_by_id
        self._open: Counter[object] = Counter()

    @route(
        "GET",
        "/api/v1/events",
        operation="events.stream",
        summary="Follow what happens, or read the log",
        tag="events",
        description=(
            "With `Accept: text/event-stream` a stream of server-sent events that never ends; it resumes after the "
            "`Last-Event-ID` header or `after`, else it begins now. With `Accept: application/json` a page of the "
            "log after `after`, oldest first. Delivery is at least once: compare ids. Events are deleted when they are "
            "old: a page after a deleted one answers 410, a stream begins with an event of the type `reset`."
        ),
        query=EventQuery,
        gives=EventPage,
        content_types=("application/json", "text/event-stream"),
        errors=("session_not_found", "events_gone", "too_many_streams"),
    )
    async def read(self, call: Call) -> web.StreamResponse | dict[str, object]:
        query: EventQuery = call.query
        interest = await self._interest(call.caller, query)
        if "text/event-stream" in call.request.headers.get("Accept", ""):
            position = _position(call, query)
            # The position is taken before the answer begins: who sees the answer begin misses nothing from then on.
            return await self._stream(call, interest, await self._hub.now() if position is None else position)
        return await self._page(call, query, interest)

    async def _page(self, call: Call, query: EventQuery, interest: Interest) -> dict[str, object]:
        after = _position(call, query) or 0

        def work(tx: Tx) -> Sequence[Event]:
            start = store.start_of_log(tx, org_id=interest.org_id)
            if 0 < after < start:
                raise EventsGoneError(f"The log begins after {render_id('evt', start)}. Go on from there.")
            return store.page(
                tx,
                org_id=interest.org_id,
                after=max(after, start),
                limit=query.limit + 1,
                types=interest.types,
                session_ids=interest.session_ids,
            )

        rows = await self._database.read(work)
        kept = rows[: query.limit]
        more = len(rows) > query.limit
        return {"items": [envelope(event) for event in kept], "next": _event_id(kept[-1]) if more else None}

    async def _stream(self, call: Call, interest: Interest, after: int) -> web.StreamResponse:
        with self._counted(call.caller):
            async with aclosing(self._hub.listen(interest, after=after)) as events:
                return await self._streams.serve(
                    call.request, _rendered(events), still_allowed=lambda: _is_allowed(call)
                )

    async def _interest(self, caller: Principal, query: EventQuery) -> Interest:
        session_ids = caller.session_ids
        if query.session is not None:
            named = query.session
            found = await self._database.read(lambda tx: self._find_session(tx, caller, named))
            session_ids = frozenset({found})
        return Interest(org_id=caller.org_id, types=_types(query), session_ids=session_ids)

    @contextmanager
    def _counted(self, caller: Principal) -> Iterator[None]:
        who = (caller.kind, caller.subject_id)
        if self._open[who] >= STREAMS_PER_CALLER:
            raise TooManyError(
                f"One key or user may hold {STREAMS_PER_CALLER} streams at once.", code="too_many_streams"
            )
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]


async def _rendered(events: AsyncIterator[Event | Reset]) -> AsyncGenerator[StreamEvent]:
    async for event in events:
        if isinstance(event, Reset):
            start = render_id("evt", event.position)
            yield StreamEvent(data=json.dumps({"id": start, "type": RESET}), event=RESET, id=start)
            continue
        yield StreamEvent(data=encode_envelope(event).decode(), event=event.type, id=_event_id(event))


async def _is_allowed(call: Call) -> bool:
    try:
        principal = await call.identify_again()
    except GatewayError:
        return False
    return principal == call.principal


def _position(call: Call, query: EventQuery) -> int | None:
    given = call.request.headers.get("Last-Event-ID") or query.after
    if given is None:
        return None
    try:
        return parse_id("evt", given)
    except InvalidIdError as error:
        raise InvalidError(fields=(FieldError(path="after", problem="Must be the id of an event"),)) from error


def _types(query: EventQuery) -> frozenset[str] | None:
    if query.types is None:
        return None
    found = matching(glob.strip() for glob in query.types.split(","))
    if not found:
        raise InvalidError(fields=(FieldError(path="types", problem="No event type matches"),))
    return found


def _session_by_id(_: Tx, caller: Principal, text: str) -> int:
    try:
        session_id = parse_id("ses", text)
    except InvalidIdError as error:
        raise NotFoundError("There is no such session.", code="session_not_found") from error
    caller.demand_session(session_id)
    return session_id


def _event_id(event: Event) -> str:
    return render_id("evt", event.id)
