"""Changes messages that have not gone out: their words, their time, their place."""

from __future__ import annotations

import msgspec

from gateway.db.tx import Tx
from gateway.kit.clock import Clock
from gateway.kit.errors import ConflictError, FieldError, InvalidError
from gateway.messages.codec import body_of, decode_content, encode_content
from gateway.messages.models import Message
from gateway.messages.progress import Progress
from gateway.messages.render import PRIORITIES
from gateway.messages.requests import ChangeIn
from gateway.messages.service import Messages, Wakes
from gateway.messages.states import WAITING, MessageState
from gateway.messages.store import Entry
from gateway.principal import Principal
from sessions.content import Content, Document, Image, Text, Video


class Editor:
    """Whatever was handed to the engine is out of reach: 409."""

    def __init__(self, *, clock: Clock, messages: Messages, progress: Progress, wakes: Wakes) -> None:
        self._clock = clock
        self._messages = messages
        self._progress = progress
        self._wakes = wakes

    def change(self, tx: Tx, principal: Principal, message_id: int, wanted: ChangeIn) -> Entry:
        """Change what was named."""
        entry = self._waiting(tx, principal, message_id)
        message, named = entry.message, wanted.model_fields_set
        if wanted.priority is not None:
            message.priority = PRIORITIES.index(wanted.priority)
        if "client_ref" in named:
            message.client_ref = wanted.client_ref
        self._reword(message, wanted)
        if named & {"send_at", "expires_at"}:
            self._retime(tx, entry, wanted)
        self._tell(tx, entry)
        return entry

    def send_now(self, tx: Tx, principal: Principal, message_id: int) -> Entry:
        """Let it go next, whatever time or wait it had. The gate still has its say, and its chat keeps its order."""
        entry = self._waiting(tx, principal, message_id)
        entry.message.priority = 0
        self._let_go(tx, entry)
        self._tell(tx, entry)
        return entry

    def _waiting(self, tx: Tx, principal: Principal, message_id: int) -> Entry:
        entry = self._messages.get_to_change(tx, principal, message_id)
        if entry.message.state not in WAITING:
            raise ConflictError(
                f"A message that is {entry.message.state} cannot be changed.", code="message_not_changeable"
            )
        return entry

    def _reword(self, message: Message, wanted: ChangeIn) -> None:
        before = decode_content(message.content)
        after = _with_words(before, wanted)
        if after != before:
            message.content, message.body = encode_content(after), body_of(after)

    def _retime(self, tx: Tx, entry: Entry, wanted: ChangeIn) -> None:
        message, now = entry.message, self._clock.now()
        if "expires_at" in wanted.model_fields_set:
            message.expires_at = wanted.expires_at
        due = wanted.send_at if "send_at" in wanted.model_fields_set else message.due_at
        if message.expires_at is not None and message.expires_at <= max(due or now, now):
            problem = "This time must lie ahead, and after send_at."
            raise InvalidError(problem, fields=(FieldError(path="expires_at", problem=problem),))
        if "send_at" not in wanted.model_fields_set:
            return
        message.due_at = wanted.send_at
        if wanted.send_at is None or wanted.send_at <= now:
            self._let_go(tx, entry)
            return
        message.next_at = wanted.send_at
        if message.state != MessageState.SCHEDULED:
            self._progress.move(tx, entry, MessageState.SCHEDULED)

    def _let_go(self, tx: Tx, entry: Entry) -> None:
        message = entry.message
        message.next_at = None
        if message.state == MessageState.SCHEDULED:
            self._progress.move(tx, entry, MessageState.QUEUED)
        else:
            self._progress.release(tx, message)

    def _tell(self, tx: Tx, entry: Entry) -> None:
        message = entry.message
        message.updated_at = self._clock.now()
        tx.session.flush()
        self._progress.announce(tx, entry, "message.changed")
        tx.after_commit(self._wakes.wake)
        tx.after_commit(lambda: self._wakes.wake_lane(message.session_id))


def _with_words(content: Content, wanted: ChangeIn) -> Content:
    if wanted.text is not None:
        if not isinstance(content, Text):
            raise _misplaced("text", "Only a message of type text has such words.")
        keeps = content.preview is not None and content.preview.url in wanted.text.body
        return Text(body=wanted.text.body, preview=content.preview if keeps else None)
    if "caption" in wanted.model_fields_set:
        if not isinstance(content, (Image, Video, Document)):
            raise _misplaced("caption", "Only an image, a video or a document has a caption.")
        return msgspec.structs.replace(content, caption=wanted.caption)
    return content


def _misplaced(field: str, problem: str) -> InvalidError:
    return InvalidError(problem, fields=(FieldError(path=field, problem=problem),))
