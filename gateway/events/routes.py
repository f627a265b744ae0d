"""``GET /api/v1/events``: the log as a live stream, or as pages."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.route import Call, route
from gateway.api.streams import StreamEvent, Streams, position_frame
from gateway.db.tx import Database, Tx
from gateway.events import store
from gateway.events.asking import Asking, read_position, split_globs
from gateway.events.errors import EventsGoneError
from gateway.events.hub import EventHub, Heard, Passed, Reset
from gateway.events.interest import Interest
from gateway.events.models import Event
from gateway.events.quota import StreamQuota
from gateway.events.schemas import EventOut, envelope
from gateway.kit.errors import GatewayError
from gateway.kit.ids import render_id

#: Tells a stream's reader that it was away for longer than events are kept.
RESET: Final = "reset"


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
        self, *, database: Database, hub: EventHub, streams: Streams, asking: Asking, quota: StreamQuota
    ) -> None:
        self._database = database
        self._hub = hub
        self._streams = streams
        self._asking = asking
        self._quota = quota

    @route(
        "GET",
        "/api/v1/events",
        operation="events.stream",
        summary="Follow what happens, or read the log",
        tag="events",
        description=(
            "With `Accept: text/event-stream` a stream of server-sent events that never ends; it resumes after the "
            "`Last-Event-ID` header or `after`, else it begins now. With `Accept: application/json` a page of the "
            "log after `after`, oldest first. Who resumes after the last id it saw misses nothing and hears nothing "
            "twice. Events are deleted when they are old: a page after a deleted one answers 410, a stream begins with an event of the type `reset`."
        ),
        query=EventQuery,
        gives=EventPage,
        content_types=("application/json", "text/event-stream"),
        errors=("session_not_found", "events_gone", "too_many_streams"),
    )
    async def read(self, call: Call) -> web.StreamResponse | dict[str, object]:
        query: EventQuery = call.query
        interest = await self._asking.interest(
            call.caller,
            types=split_globs(query.types),
            sessions=None if query.session is None else [query.session],
        )
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
            return store.page_for(tx, interest, after=max(after, start), limit=query.limit + 1)

        rows = await self._database.read(work)
        kept = rows[: query.limit]
        more = len(rows) > query.limit
        return {"items": [envelope(event) for event in kept], "next": _event_id(kept[-1]) if more else None}

    async def _stream(self, call: Call, interest: Interest, after: int) -> web.StreamResponse:
        with self._quota.counted(call.caller, kind="sse"):
            async with aclosing(self._hub.listen(interest, after=after)) as heard:
                return await self._streams.serve(call.request, _frames(heard), still_allowed=lambda: _is_allowed(call))


async def _frames(heard: AsyncIterator[Sequence[Heard]]) -> AsyncGenerator[bytes]:
    """What came together goes out together."""
    async for handful in heard:
        yield b"".join(map(_frame, handful))


def _frame(heard: Heard) -> bytes:
    event_id = render_id("evt", heard.position)
    if isinstance(heard, Reset):
        return StreamEvent(data=json.dumps({"id": event_id, "type": RESET}), event=RESET, id=event_id).frame
    return position_frame(event_id) if isinstance(heard, Passed) else heard.frame


async def _is_allowed(call: Call) -> bool:
    try:
        principal = await call.identify_again()
    except GatewayError:
        return False
    return principal == call.principal


def _position(call: Call, query: EventQuery) -> int | None:
    given = call.request.headers.get("Last-Event-ID") or query.after
    return None if given is None else read_position(given)


def _event_id(event: Event) -> str:
    return render_id("evt", event.id)
