"""Changing, hurrying and resolving single messages, over HTTP."""

from __future__ import annotations

from collections.abc import Callable

from gateway.api.fields import id_in_path
from gateway.api.route import Call, route
from gateway.db.tx import Database, Tx
from gateway.messages.editing import Editor
from gateway.messages.requests import ChangeIn, ResolveIn
from gateway.messages.routes import show
from gateway.messages.schemas import MessageOut
from gateway.messages.service import Messages
from gateway.messages.store import Entry

_ONE = "/api/v1/messages/{id}"


class MessageChangeRoutes:
    """``/api/v1/messages/{id}``, where it changes something."""

    def __init__(self, *, database: Database, messages: Messages, editor: Editor) -> None:
        self._database = database
        self._messages = messages
        self._editor = editor

    @route(
        "PATCH",
        _ONE,
        operation="messages.update",
        summary="Change a message that has not been sent",
        tag="messages",
        description="Its words, its time, its priority. Once it was handed to WhatsApp it is too late: 409.",
        takes=ChangeIn,
        gives=MessageOut,
        errors=("message_not_found", "message_not_changeable"),
    )
    async def change(self, call: Call) -> dict[str, object]:
        message_id = _message_id(call)
        return await self._change(call, lambda tx: self._editor.change(tx, call.caller, message_id, call.body))

    @route(
        "POST",
        f"{_ONE}/send-now",
        operation="messages.send_now",
        summary="Send a waiting message next",
        tag="messages",
        description="Ends its wait for a time or for another try and puts it to the front. What is ahead of it in its "
        "own chat still goes first, and the gate still has its say.",
        gives=MessageOut,
        status=202,
        idempotent_key=True,
        errors=("message_not_found", "message_not_changeable"),
    )
    async def send_now(self, call: Call) -> dict[str, object]:
        message_id = _message_id(call)
        return await self._change(call, lambda tx: self._editor.send_now(tx, call.caller, message_id))

    @route(
        "POST",
        f"{_ONE}/resolve",
        operation="messages.resolve",
        summary="Say what became of an uncertain message",
        tag="messages",
        description="`resend` may double it. A receipt that comes later overrules `failed`.",
        takes=ResolveIn,
        gives=MessageOut,
        idempotent_key=True,
        errors=("message_not_found", "message_not_uncertain"),
    )
    async def resolve(self, call: Call) -> dict[str, object]:
        message_id, outcome = _message_id(call), call.body.outcome
        return await self._change(call, lambda tx: self._messages.resolve(tx, call.caller, message_id, outcome))

    async def _change(self, call: Call, change: Callable[[Tx], Entry]) -> dict[str, object]:
        def work(tx: Tx) -> dict[str, object]:
            answer = show(change(tx))
            call.remember(tx, answer)
            return answer

        return await self._database.write(work)


def _message_id(call: Call) -> int:
    return id_in_path("msg", call.path["id"], code="message_not_found")
