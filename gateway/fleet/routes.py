"""The sessions API: records and what is wanted of them."""

from __future__ import annotations

from collections.abc import Callable

from gateway.api.paging import page_of
from gateway.api.route import Call, route
from gateway.db.tx import Database, Tx
from gateway.fleet.lifecycle import Lifecycle
from gateway.fleet.models import Desired, Session
from gateway.fleet.proxies import ProxyGuard, ProxySeals
from gateway.fleet.render import render_liveness, render_reasons, render_session, session_id
from gateway.fleet.schemas import (
    LogoutRequest,
    SessionCreate,
    SessionDetail,
    SessionOut,
    SessionPage,
    SessionQuery,
    SessionUpdate,
    StartQuery,
)
from gateway.fleet.service import Sessions
from gateway.fleet.settings import SessionSettings
from gateway.fleet.specs import Specs, needs_new_worker
from sessions.engine import Engine

_TAG = "sessions"
_BASE = "/api/v1/sessions"
_ONE = f"{_BASE}/{{session}}"


class SessionRoutes:
    """``{session}`` is an id or a name."""

    def __init__(
        self,
        *,
        database: Database,
        sessions: Sessions,
        lifecycle: Lifecycle,
        engine: Engine,
        specs: Specs,
        seals: ProxySeals,
        proxies: ProxyGuard,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._lifecycle = lifecycle
        self._engine = engine
        self._specs = specs
        self._seals = seals
        self._proxies = proxies

    @route(
        "POST",
        _BASE,
        operation="sessions.create",
        summary="Create a session",
        tag=_TAG,
        takes=SessionCreate,
        gives=SessionOut,
        status=201,
        idempotent_key=True,
        errors=("session_name_taken", "proxy_invalid"),
        description="A session is one linked phone. After creating it, link the phone: by QR code, by a code typed on "
        "the phone, or with a pairing link for the person who has it.",
    )
    async def create(self, call: Call) -> dict[str, object]:
        body: SessionCreate = call.body
        await self._vet(body.settings)

        def work(tx: Tx) -> dict[str, object]:
            session = self._sessions.create(
                tx,
                call.caller,
                name=body.name,
                expected_phone=body.expected_phone,
                settings=body.settings.chosen(),
            )
            if body.settings.proxy is not None:
                self._seals.keep(session, body.settings.proxy)
            answer = render_session(session)
            call.remember(tx, answer)
            return answer

        return await self._database.write(work)

    @route(
        "GET",
        _BASE,
        operation="sessions.list",
        summary="List sessions",
        tag=_TAG,
        query=SessionQuery,
        gives=SessionPage,
    )
    async def list(self, call: Call) -> dict[str, object]:
        query: SessionQuery = call.query
        found = await self._database.read(
            lambda tx: self._sessions.list(
                tx, call.caller, limit=query.limit + 1, after=query.position(), status=query.status
            )
        )
        rows, following = page_of(found, limit=query.limit, position=lambda session: session.id)
        return {"items": [render_session(session) for session in rows], "next": following}

    @route(
        "GET",
        _ONE,
        operation="sessions.read",
        summary="Read a session",
        tag=_TAG,
        gives=SessionDetail,
        errors=("session_not_found",),
    )
    async def read(self, call: Call) -> dict[str, object]:
        session = await self._database.read(lambda tx: self._get(tx, call))
        return self._detail(session)

    @route(
        "PATCH",
        _ONE,
        operation="sessions.update",
        summary="Change a session",
        tag=_TAG,
        takes=SessionUpdate,
        gives=SessionDetail,
        errors=("session_not_found", "session_name_taken", "proxy_invalid"),
        description="A running session connects anew where a setting needs it (`proxy`, `typing_events`, "
        "`ignore.channels`); what concerns linking counts when a phone is linked next; the rest applies at once.",
    )
    async def update(self, call: Call) -> dict[str, object]:
        body: SessionUpdate = call.body
        await self._vet(body.settings)

        def work(tx: Tx) -> tuple[Session, bool]:
            session = self._get(tx, call)
            before = self._specs.of(session)
            if body.name is not None:
                self._sessions.rename(tx, session, body.name)
            if "expected_phone" in body.model_fields_set:
                self._sessions.expect_phone(session, body.expected_phone)
            if body.settings is not None:
                self._change_settings(tx, session, body.settings)
            return session, needs_new_worker(before, self._specs.of(session))

        session, is_outdated = await self._database.write(work)
        if is_outdated and session.is_paired and session.desired == Desired.RUN:
            await self._lifecycle.restart(session)
        return self._detail(session)

    async def _vet(self, settings: SessionSettings | None) -> None:
        """Look a proxy up before anything is written. One whose password is hidden is the one that is there already."""
        if settings is not None and settings.proxy is not None and ":***@" not in settings.proxy:
            await self._proxies.vet(settings.proxy)

    def _change_settings(self, tx: Tx, session: Session, settings: SessionSettings) -> None:
        if "proxy" in settings.model_fields_set:
            self._seals.keep(session, settings.proxy)
        self._sessions.change_settings(tx, session, settings.changes())

    @route(
        "DELETE",
        _ONE,
        operation="sessions.delete",
        summary="Delete a session",
        tag=_TAG,
        errors=("session_not_found",),
        description="The phone is unlinked as soon as WhatsApp can be told, and the keys are deleted. Its messages stay.",
    )
    async def delete(self, call: Call) -> None:
        await self._change(call, self._sessions.remove)

    @route(
        "POST",
        f"{_ONE}/start",
        operation="sessions.start",
        summary="Start a session",
        tag=_TAG,
        query=StartQuery,
        gives=SessionDetail,
        status=202,
        errors=("session_not_found", "session_not_paired", "session_banned"),
        description="Also the way on from `failed`, `banned`, `replaced` and `outdated`. Watch `status`.",
    )
    async def start(self, call: Call) -> dict[str, object]:
        return self._detail(await self._start(call))

    @route(
        "POST",
        f"{_ONE}/stop",
        operation="sessions.stop",
        summary="Stop a session",
        tag=_TAG,
        gives=SessionDetail,
        status=202,
        errors=("session_not_found",),
        description="The phone stays linked; messages wait until the session is started again.",
    )
    async def stop(self, call: Call) -> dict[str, object]:
        return self._detail(await self._change(call, self._sessions.stop))

    @route(
        "POST",
        f"{_ONE}/restart",
        operation="sessions.restart",
        summary="Restart a session",
        tag=_TAG,
        query=StartQuery,
        gives=SessionDetail,
        status=202,
        idempotent_key=True,
        errors=("session_not_found", "session_not_paired", "session_banned"),
    )
    async def restart(self, call: Call) -> dict[str, object]:
        session = await self._start(call)
        await self._lifecycle.restart(session)
        return self._detail(session)

    @route(
        "POST",
        f"{_ONE}/logout",
        operation="sessions.logout",
        summary="Unlink the phone",
        tag=_TAG,
        takes=LogoutRequest,
        gives=SessionDetail,
        errors=("session_not_found", "session_not_paired", "session_not_connected"),
        description="WhatsApp is told, the keys are deleted, and the session can be linked again. "
        "Without a connection WhatsApp cannot be told: then nothing happens unless `force` is set.",
    )
    async def logout(self, call: Call) -> dict[str, object]:
        body: LogoutRequest = call.body
        session = await self._database.read(lambda tx: self._get(tx, call))
        return self._detail(await self._lifecycle.log_out(session, force=body.force))

    async def _start(self, call: Call) -> Session:
        query: StartQuery = call.query
        return await self._change(call, lambda tx, session: self._sessions.start(tx, session, force=query.force))

    async def _change(self, call: Call, change: Callable[[Tx, Session], None]) -> Session:
        def work(tx: Tx) -> Session:
            session = self._get(tx, call)
            change(tx, session)
            return session

        session = await self._database.write(work)
        self._lifecycle.changed()
        return session

    def _get(self, tx: Tx, call: Call) -> Session:
        return self._sessions.get(tx, call.caller, call.path["session"])

    def _detail(self, session: Session) -> dict[str, object]:
        return {
            **render_session(session),
            "reasons": render_reasons(session),
            "liveness": render_liveness(self._engine.liveness(session_id(session))),
            "capabilities": sorted(self._engine.capabilities),
        }
