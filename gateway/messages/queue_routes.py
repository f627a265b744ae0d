"""A session's queue over HTTP, and trying failed messages again by the dozen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.api.route import Call, route
from gateway.db.tx import Database, Tx
from gateway.fleet.models import Session
from gateway.fleet.service import Sessions
from gateway.messages.outbox.control import QueueControl
from gateway.messages.outbox.control_store import Choice
from gateway.messages.render import PRIORITIES
from gateway.messages.requests import ChoiceIn, ClearIn, RetryFailedIn
from gateway.messages.schemas import Cleared, QueueOut, RetriedAgain
from gateway.messages.store import Entry

_QUEUE = "/api/v1/sessions/{session}/queue"
_TAG = "queue"

#: Changes up to a bite of messages after an id.
Bite = Callable[[Tx, int], Sequence[Entry]]


class QueueRoutes:
    """``/api/v1/sessions/{session}/queue``; ``{session}`` is an id or a name."""

    def __init__(self, *, database: Database, sessions: Sessions, control: QueueControl) -> None:
        self._database = database
        self._sessions = sessions
        self._control = control

    @route(
        "GET",
        _QUEUE,
        operation="queue.read",
        summary="See what waits on a session, and why",
        tag=_TAG,
        gives=QueueOut,
        errors=("session_not_found",),
    )
    async def read(self, call: Call) -> dict[str, object]:
        return await self._database.read(lambda tx: self._control.view(tx, self._session(tx, call)))

    @route(
        "POST",
        f"{_QUEUE}/pause",
        operation="queue.pause",
        summary="Let nothing leave until the queue is resumed",
        tag=_TAG,
        description="Holds over restarts. What is being sent at this moment is not called back; `sending` counts it.",
        gives=QueueOut,
        idempotent_key=True,
        errors=("session_not_found",),
    )
    async def pause(self, call: Call) -> dict[str, object]:
        return await self._tell(call, self._control.pause)

    @route(
        "POST",
        f"{_QUEUE}/resume",
        operation="queue.resume",
        summary="Let messages leave again",
        tag=_TAG,
        description="Ends every pause, also one that was not asked for: another phone was linked, or the store came "
        "from a backup.",
        gives=QueueOut,
        idempotent_key=True,
        errors=("session_not_found",),
    )
    async def resume(self, call: Call) -> dict[str, object]:
        return await self._tell(call, self._control.resume)

    @route(
        "POST",
        f"{_QUEUE}/clear",
        operation="queue.clear",
        summary="Cancel what waits on a session",
        tag=_TAG,
        description="All of it, or what the filters leave. Done in small steps: whatever goes out meanwhile is not "
        "counted.",
        takes=ClearIn,
        gives=Cleared,
        idempotent_key=True,
        errors=("session_not_found",),
    )
    async def clear(self, call: Call) -> dict[str, object]:
        wanted: ClearIn = call.body
        session = await self._database.read(lambda tx: self._session(tx, call))
        choice = _choice(wanted, states=wanted.states, session_ids={session.id})
        org_id = call.caller.org_id
        return await self._in_bites(
            call, "cancelled", lambda tx, after: self._control.cancel_some(tx, org_id, choice, after_id=after)
        )

    @route(
        "POST",
        "/api/v1/messages/retry-failed",
        operation="messages.retry_failed",
        summary="Send failed messages again",
        tag="messages",
        description="All that failed, or what the filters leave. `uncertain` ones are never among them.",
        takes=RetryFailedIn,
        gives=RetriedAgain,
        status=202,
        idempotent_key=True,
        errors=("session_not_found",),
    )
    async def retry_failed(self, call: Call) -> dict[str, object]:
        wanted: RetryFailedIn = call.body
        session_ids = call.caller.session_ids
        if wanted.session is not None:
            ref = wanted.session
            found = await self._database.read(lambda tx: self._sessions.get(tx, call.caller, ref))
            session_ids = frozenset({found.id})
        choice = _choice(wanted, states=wanted.states, session_ids=session_ids, error_code=wanted.error_code)
        org_id = call.caller.org_id
        return await self._in_bites(
            call, "queued", lambda tx, after: self._control.retry_some(tx, org_id, choice, after_id=after)
        )

    def _session(self, tx: Tx, call: Call) -> Session:
        return self._sessions.get(tx, call.caller, call.path["session"])

    async def _tell(self, call: Call, tell: Callable[[Tx, Session], None]) -> dict[str, object]:
        def work(tx: Tx) -> dict[str, object]:
            session = self._session(tx, call)
            tell(tx, session)
            answer = self._control.view(tx, session)
            call.remember(tx, answer)
            return answer

        return await self._database.write(work)

    async def _in_bites(self, call: Call, word: str, bite: Bite) -> dict[str, object]:
        """Work through everything in short transactions; the last one keeps the answer for a repeated call."""
        changed, after_id, is_over = 0, 0, False

        def work(tx: Tx) -> tuple[int, int, bool]:
            chosen = bite(tx, after_id)
            is_last = len(chosen) < self._control.bite
            if is_last:
                call.remember(tx, {word: changed + len(chosen)})
            return changed + len(chosen), chosen[-1].message.id if chosen else after_id, is_last

        while not is_over:
            changed, after_id, is_over = await self._database.write(work)
        return {word: changed}


def _choice(
    wanted: ChoiceIn,
    *,
    states: Sequence[str],
    session_ids: frozenset[int] | set[int] | None,
    error_code: str | None = None,
) -> Choice:
    return Choice(
        states=states,
        session_ids=session_ids,
        chat_id=wanted.chat,
        contact_id=wanted.contact,
        purpose=wanted.purpose,
        priority=None if wanted.priority is None else PRIORITIES.index(wanted.priority),
        client_ref=wanted.client_ref,
        error_code=error_code,
        created_after=wanted.created_after,
        created_before=wanted.created_before,
    )
