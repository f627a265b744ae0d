"""Messages over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.api.fields import id_in_path
from gateway.api.paging import page_of
from gateway.api.route import Call, route
from gateway.db.tx import Database, Tx
from gateway.fleet.service import Sessions
from gateway.kit.errors import FieldError, InvalidError
from gateway.messages.composer import Composer
from gateway.messages.filters import Filters
from gateway.messages.happenings import show_happenings
from gateway.messages.outbox.control import render_wait
from gateway.messages.outbox.waiting import Waiting
from gateway.messages.render import render_message
from gateway.messages.requests import MessageIn
from gateway.messages.schemas import MessageEvents, MessageOut, MessagePage, MessageQuery
from gateway.messages.sending import Sender
from gateway.messages.service import Messages
from gateway.messages.states import MessageState
from gateway.messages.store import Entry
from gateway.principal import Principal

#: A file in base64 is a third longer than its bytes.
SEND_LIMIT_BYTES = 32 * 1024 * 1024


class MessageRoutes:
    """``/api/v1/messages``."""

    def __init__(
        self, *, database: Database, messages: Messages, sessions: Sessions, composer: Composer, waiting: Waiting
    ) -> None:
        self._database = database
        self._waiting = waiting
        self._messages = messages
        self._sessions = sessions
        self._sender = Sender(database=database, messages=messages, composer=composer)

    @route(
        "POST",
        "/api/v1/messages",
        operation="messages.send",
        summary="Send a message",
        tag="messages",
        description="Accepted means committed: the message is sent in its turn, and its state tells what became of it.",
        takes=MessageIn,
        gives=MessageOut,
        status=202,
        idempotent_key=True,
        body_limit_bytes=SEND_LIMIT_BYTES,
        errors=(
            "session_not_found",
            "session_not_paired",
            "recipient_invalid",
            "contact_not_found",
            "message_not_found",
            "media_not_found",
            "media_too_large",
            "media_type_refused",
            "media_url_failed",
            "address_refused",
            "voice_needs_opus",
        ),
    )
    async def send(self, call: Call) -> dict[str, object]:
        def accepted(tx: Tx, message: dict[str, object]) -> dict[str, object]:
            call.remember(tx, message)
            return message

        return await self._sender.send(call.caller, call.body, answer=accepted)

    @route(
        "GET",
        "/api/v1/messages",
        operation="messages.list",
        summary="List messages, newest first",
        tag="messages",
        query=MessageQuery,
        gives=MessagePage,
        errors=("session_not_found",),
    )
    async def list(self, call: Call) -> dict[str, object]:
        principal, query = call.caller, call.query
        position = query.position()

        def read(tx: Tx) -> dict[str, object]:
            filters = self._filters(tx, principal, query)
            page = self._messages.page(tx, principal, filters=filters, limit=query.limit + 1, before_id=position)
            return show_page(tx, page, limit=query.limit, waiting=self._waiting)

        return await self._database.read(read)

    @route(
        "GET",
        "/api/v1/messages/{id}",
        operation="messages.read",
        summary="Read a message",
        tag="messages",
        gives=MessageOut,
        errors=("message_not_found",),
    )
    async def read(self, call: Call) -> dict[str, object]:
        principal, message_id = call.caller, _message_id(call)

        def read(tx: Tx) -> dict[str, object]:
            entry = self._messages.get(tx, principal, message_id)
            return show(entry) | {"waiting_for": render_wait(self._waiting.of(tx, entry.message))}

        return await self._database.read(read)

    @route(
        "DELETE",
        "/api/v1/messages/{id}",
        operation="messages.cancel",
        summary="Cancel a message that has not been sent",
        tag="messages",
        gives=MessageOut,
        errors=("message_not_found", "message_not_cancellable"),
    )
    async def cancel(self, call: Call) -> dict[str, object]:
        principal, message_id = call.caller, _message_id(call)
        return show(await self._database.write(lambda tx: self._messages.cancel(tx, principal, message_id)))

    @route(
        "POST",
        "/api/v1/messages/{id}/retry",
        operation="messages.retry",
        summary="Try again to send a message that failed",
        tag="messages",
        description="A message that is `uncertain` may reach its recipient twice this way.",
        gives=MessageOut,
        status=202,
        idempotent_key=True,
        errors=("message_not_found", "message_not_retryable"),
    )
    async def retry(self, call: Call) -> dict[str, object]:
        principal, message_id = call.caller, _message_id(call)

        def queue(tx: Tx) -> dict[str, object]:
            answer = show(self._messages.retry(tx, principal, message_id))
            call.remember(tx, answer)
            return answer

        return await self._database.write(queue)

    @route(
        "GET",
        "/api/v1/messages/{id}/events",
        operation="messages.events",
        summary="Receipts, reactions, votes and earlier versions of a message",
        tag="messages",
        scope="messages.read",
        gives=MessageEvents,
        errors=("message_not_found",),
    )
    async def events(self, call: Call) -> dict[str, object]:
        principal, message_id = call.caller, _message_id(call)
        return await self._database.read(lambda tx: show_happenings(tx, self._messages, principal, message_id))

    def _filters(self, tx: Tx, principal: Principal, query: MessageQuery) -> Filters:
        session_ids = principal.session_ids
        if query.session is not None:
            session_ids = frozenset({self._sessions.get(tx, principal, query.session).id})
        return Filters(
            session_ids=session_ids,
            chat_id=query.chat,
            contact_id=query.contact,
            direction=query.direction,
            states=_states(query.state),
            type=query.type,
            client_ref=query.client_ref,
            since=query.since,
            until=query.until,
        )


def show(entry: Entry) -> dict[str, object]:
    """A message as JSON."""
    return render_message(entry.message, chat=entry.chat, contact=entry.contact)


def show_page(tx: Tx, entries: Sequence[Entry], *, limit: int, waiting: Waiting) -> dict[str, object]:
    """A page of messages as JSON, with what each waits for; ``entries`` were read with ``limit + 1``."""
    rows, following = page_of(entries, limit=limit, position=lambda entry: entry.message.id)
    return {"items": show_all(tx, rows, waiting=waiting), "next": following}


def show_all(tx: Tx, entries: Sequence[Entry], *, waiting: Waiting) -> list[dict[str, object]]:
    """Messages as JSON, with what each waits for."""
    waits = waiting.of_all(tx, [entry.message for entry in entries])
    return [show(entry) | {"waiting_for": render_wait(waits.get(entry.message.id))} for entry in entries]


def _message_id(call: Call) -> int:
    return id_in_path("msg", call.path["id"], code="message_not_found")


def _states(text: str | None) -> tuple[MessageState, ...]:
    try:
        return tuple(MessageState(word.strip()) for word in text.split(",")) if text else ()
    except ValueError as error:
        problem = f"The states are: {', '.join(MessageState)}."
        raise InvalidError(problem, fields=(FieldError(path="state", problem=problem),)) from error
