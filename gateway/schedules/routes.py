"""Schedules over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from gateway.api.fields import id_in_path
from gateway.api.paging import page_of
from gateway.api.route import Call, route
from gateway.db.tx import Database, Tx
from gateway.kit.clock import Clock
from gateway.schedules.firing import Firing
from gateway.schedules.models import Schedule, ScheduleRun
from gateway.schedules.render import (
    PreviewOut,
    RunOut,
    RunPage,
    ScheduleOut,
    SchedulePage,
    render_run,
    render_schedule,
    render_times,
)
from gateway.schedules.requests import PreviewIn, RunQuery, ScheduleChange, ScheduleIn, ScheduleQuery
from gateway.schedules.service import Filters, Schedules
from gateway.schedules.templates import Templates, request_of
from gateway.schedules.timing import changed_timing, read_timing, recurrence_of

T = TypeVar("T")
#: A file in base64 is a third longer than its bytes.
BODY_LIMIT_BYTES = 32 * 1024 * 1024
_RULE_ERRORS = ("schedule_rule_invalid", "schedule_never_fires", "schedule_too_frequent")
_MESSAGE_ERRORS = (
    "session_not_found",
    "recipient_invalid",
    "contact_not_found",
    "media_not_found",
    "media_too_large",
    "media_type_refused",
    "voice_needs_opus",
)


class ScheduleRoutes:
    """``/api/v1/schedules``."""

    def __init__(
        self, *, database: Database, clock: Clock, schedules: Schedules, templates: Templates, firing: Firing
    ) -> None:
        self._database = database
        self._clock = clock
        self._schedules = schedules
        self._templates = templates
        self._firing = firing
        #: One rule is judged at a time: some take a while, and nobody shall fill the machine with them.
        self._judging = asyncio.Lock()

    @route(
        "POST",
        "/api/v1/schedules",
        operation="schedules.create",
        summary="Send a message again and again",
        tag="schedules",
        description="Each time becomes an ordinary message. Files given as base64 are kept; a URL is fetched every time.",
        takes=ScheduleIn,
        gives=ScheduleOut,
        status=201,
        idempotent_key=True,
        body_limit_bytes=BODY_LIMIT_BYTES,
        errors=(*_RULE_ERRORS, *_MESSAGE_ERRORS),
    )
    async def create(self, call: Call) -> dict[str, object]:
        principal, request = call.caller, call.body
        timing = await self._judge(partial(read_timing, request, now=self._clock.now()))
        template = await self._templates.keep(request.message, org_id=principal.org_id)

        def work(tx: Tx) -> dict[str, object]:
            row = self._schedules.create(tx, principal, request, timing=timing, template=template)
            answer = render_schedule(row)
            call.remember(tx, answer)
            return answer

        return await self._database.write(work)

    @route(
        "POST",
        "/api/v1/schedules/preview",
        operation="schedules.preview",
        summary="The next times of a rule",
        tag="schedules",
        description="Nothing is stored. What happens when clocks are changed can be seen here.",
        takes=PreviewIn,
        gives=PreviewOut,
        errors=_RULE_ERRORS,
    )
    async def preview(self, call: Call) -> dict[str, object]:
        request, now = call.body, self._clock.now()

        def look() -> dict[str, object]:
            timing = read_timing(request, now=now)
            limit = min(request.limit, timing.count or request.limit)
            return render_times(timing.recurrence, timing.recurrence.first(limit, after=now))

        return await self._judge(look)

    @route(
        "GET",
        "/api/v1/schedules",
        operation="schedules.list",
        summary="List schedules, newest first",
        tag="schedules",
        query=ScheduleQuery,
        gives=SchedulePage,
        errors=("session_not_found",),
    )
    async def list(self, call: Call) -> dict[str, object]:
        principal, query = call.caller, call.query
        filters, position = Filters(session=query.session, state=query.state), query.position()

        def read(tx: Tx) -> Sequence[Schedule]:
            return self._schedules.page(tx, principal, filters=filters, limit=query.limit + 1, before_id=position)

        rows, following = page_of(await self._database.read(read), limit=query.limit, position=lambda row: row.id)
        return {"items": [render_schedule(row) for row in rows], "next": following}

    @route(
        "GET",
        "/api/v1/schedules/{id}",
        operation="schedules.read",
        summary="Read a schedule",
        tag="schedules",
        gives=ScheduleOut,
        errors=("schedule_not_found",),
    )
    async def read(self, call: Call) -> dict[str, object]:
        return render_schedule(await self._find(call))

    @route(
        "PATCH",
        "/api/v1/schedules/{id}",
        operation="schedules.update",
        summary="Change a schedule",
        tag="schedules",
        description="What is named is changed; `message` is replaced as a whole. A new rule begins to count from now.",
        takes=ScheduleChange,
        gives=ScheduleOut,
        body_limit_bytes=BODY_LIMIT_BYTES,
        errors=("schedule_not_found", "schedule_ended", "schedule_changed", *_RULE_ERRORS, *_MESSAGE_ERRORS),
    )
    async def update(self, call: Call) -> dict[str, object]:
        principal, change = call.caller, call.body
        row = await self._find(call)
        timing = await self._judge(partial(changed_timing, row, change, now=self._clock.now()))
        template = None
        if change.message is not None:
            template = await self._templates.keep(change.message, org_id=principal.org_id)
        return await self._database.write(
            lambda tx: render_schedule(
                self._schedules.update(tx, principal, row, change, timing=timing, template=template)
            )
        )

    @route(
        "DELETE",
        "/api/v1/schedules/{id}",
        operation="schedules.delete",
        summary="Delete a schedule",
        tag="schedules",
        description="Messages that it has queued stay.",
        errors=("schedule_not_found",),
    )
    async def delete(self, call: Call) -> None:
        principal, schedule_id = call.caller, _schedule_id(call)
        await self._database.write(lambda tx: self._schedules.remove(tx, principal, schedule_id))

    @route(
        "POST",
        "/api/v1/schedules/{id}/pause",
        operation="schedules.pause",
        summary="Let no time of a schedule come up",
        tag="schedules",
        gives=ScheduleOut,
        errors=("schedule_not_found", "schedule_ended"),
    )
    async def pause(self, call: Call) -> dict[str, object]:
        principal, schedule_id = call.caller, _schedule_id(call)
        return await self._database.write(lambda tx: render_schedule(self._schedules.pause(tx, principal, schedule_id)))

    @route(
        "POST",
        "/api/v1/schedules/{id}/resume",
        operation="schedules.resume",
        summary="Go on with a schedule from now",
        tag="schedules",
        gives=ScheduleOut,
        errors=("schedule_not_found", "schedule_ended", "schedule_changed"),
    )
    async def resume(self, call: Call) -> dict[str, object]:
        principal, row = call.caller, await self._find(call)
        following = await self._judge(partial(recurrence_of(row).first, 1, after=self._clock.now()))
        next_at = following[0] if following else None
        return await self._database.write(
            lambda tx: render_schedule(self._schedules.resume(tx, principal, row, next_at=next_at))
        )

    @route(
        "POST",
        "/api/v1/schedules/{id}/run-now",
        operation="schedules.run",
        summary="Send the message of a schedule now",
        tag="schedules",
        description="Beside its own times, which go on as if nothing had happened.",
        gives=RunOut,
        status=202,
        idempotent_key=True,
        errors=(
            "schedule_not_found",
            "schedule_ended",
            "session_not_paired",
            "media_url_failed",
            "address_refused",
            *_MESSAGE_ERRORS,
        ),
    )
    async def run_now(self, call: Call) -> dict[str, object]:
        principal, row = call.caller, await self._find(call)
        request = request_of(row, due_at=self._clock.now())
        content, media_id = await self._templates.compose(request, org_id=row.org_id)

        def work(tx: Tx) -> dict[str, object]:
            living = self._schedules.living(tx, principal, row.id)
            answer = render_run(self._firing.fire_now(tx, living, request, content, media_id))
            call.remember(tx, answer)
            return answer

        return await self._database.write(work)

    @route(
        "GET",
        "/api/v1/schedules/{id}/runs",
        operation="schedules.runs",
        summary="What came of a schedule's times, newest first",
        tag="schedules",
        scope="schedules.read",
        query=RunQuery,
        gives=RunPage,
        errors=("schedule_not_found",),
    )
    async def runs(self, call: Call) -> dict[str, object]:
        principal, query, schedule_id = call.caller, call.query, _schedule_id(call)
        position = query.position()

        def read(tx: Tx) -> Sequence[ScheduleRun]:
            return self._schedules.runs(tx, principal, schedule_id, limit=query.limit + 1, before_id=position)

        rows, following = page_of(await self._database.read(read), limit=query.limit, position=lambda row: row.id)
        return {"items": [render_run(row) for row in rows], "next": following}

    async def _judge(self, work: Callable[[], T]) -> T:
        async with self._judging:
            return await asyncio.to_thread(work)

    async def _find(self, call: Call) -> Schedule:
        principal, schedule_id = call.caller, _schedule_id(call)
        return await self._database.read(lambda tx: self._schedules.get(tx, principal, schedule_id))


def _schedule_id(call: Call) -> int:
    return id_in_path("sch", call.path["id"], code="schedule_not_found")
