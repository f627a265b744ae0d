"""What callers may do with messages: queue, read, cancel, try again."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal, Protocol

from gateway.chats.models import Chat
from gateway.chats.service import Chats
from gateway.contacts.models import Contact
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.fleet.errors import SessionNotPairedError
from gateway.fleet.models import Session
from gateway.fleet.service import Sessions
from gateway.kit.clock import Clock
from gateway.kit.errors import ConflictError, FieldError, InvalidError, NotFoundError
from gateway.kit.ids import IdGenerator
from gateway.messages import answer_store, store
from gateway.messages.codec import body_of, encode_content, type_of
from gateway.messages.filters import Filters
from gateway.messages.models import Direction, Hold, Message, MessageReceipt, Origin
from gateway.messages.outbox.envelopes import EVERYONE
from gateway.messages.progress import SECRET_BYTES, Progress
from gateway.messages.recipients import Recipient, read_recipient
from gateway.messages.render import PRIORITIES
from gateway.messages.requests import MessageIn
from gateway.messages.showing import demand_suited
from gateway.messages.states import RETRYABLE, WAITING, MessageState
from gateway.messages.store import Entry
from gateway.messages.targeting import Aim, Composed, Targets
from gateway.pacing.classes import classify
from gateway.principal import Principal, PrincipalKind
from sessions.address import Address, Jid
from sessions.content import Content

Resolution = Literal["sent", "resend", "failed"]
_RESOLVED_AS_FAILED = ("resolved_as_failed", "Somebody said that it was not sent.")


class Wakes(Protocol):
    """Hears at once of what was queued; the dispatcher."""

    def wake_lane(self, session_id: int) -> None:
        """A session may have something to send."""

    def wake(self) -> None:
        """A scheduled time may come sooner than thought."""


class Messages:
    """The messages of every organization, as their owners see them."""

    def __init__(
        self,
        *,
        ids: IdGenerator,
        clock: Clock,
        sessions: Sessions,
        contacts: Contacts,
        chats: Chats,
        progress: Progress,
        wakes: Wakes,
    ) -> None:
        self._ids = ids
        self._clock = clock
        self._sessions = sessions
        self._contacts = contacts
        self._chats = chats
        self._progress = progress
        self._wakes = wakes
        self._targets = Targets(contacts=contacts)
        contacts.when_merged(
            lambda tx, org_id, old, new: store.move_to_contact(tx, org_id=org_id, from_id=old, into_id=new)
        )
        chats.when_merged(lambda tx, org_id, old, new: store.move_to_chat(tx, org_id=org_id, from_id=old, into_id=new))

    def sending_session(self, tx: Tx, principal: Principal, ref: str) -> Session:
        """The session to send through; raises where there is none or no phone is linked to it."""
        session = self._sessions.get(tx, principal, ref)
        if not session.is_paired:
            raise SessionNotPairedError
        return session

    def queue(
        self,
        tx: Tx,
        principal: Principal,
        request: MessageIn,
        *,
        content: Content | None,
        media_id: int | None,
        items: Sequence[Composed] = (),
    ) -> Entry:
        """Accept a message. It is committed before anybody hears of it, and sent when its turn comes.

        ``items`` are the pictures and videos of an album, which become messages after it.
        """
        session = self.sending_session(tx, principal, request.session)
        recipient = self._recipient(tx, principal.org_id, read_recipient(request.to))
        demand_suited(request, recipient)
        quoted = self._quoted(tx, principal, request.reply_to, session, recipient)
        if content is None:
            composed = self._targeted(tx, principal, request, session, recipient)
        else:
            composed = Composed(content=content, media_id=media_id)
        message = self._row(principal, request, composed, session_id=session.id)
        # All that can be refused has been checked: from here on things are written, and a batch counts on that.
        address, contact = self._met(tx, principal.org_id, recipient)
        chat = self._chats.open(
            tx,
            org_id=principal.org_id,
            session_id=session.id,
            address=address,
            contact_id=contact.id if contact else None,
        )
        message.chat_id, message.contact_id = chat.id, contact.id if contact else None
        if quoted is not None:
            message.reply_to_id, message.quoted_wa_id = quoted.id, quoted.wa_id
        entry = self._accept(tx, message, chat, contact)
        for item in items:
            part = self._row(principal, request, item, session_id=session.id)
            part.chat_id, part.contact_id, part.mentions = message.chat_id, message.contact_id, []
            self._accept(tx, part, chat, contact)
            answer_store.join_album(tx, org_id=part.org_id, message_id=part.id, album_id=message.id)
        return entry

    def people(self, tx: Tx, principal: Principal, receipts: Sequence[MessageReceipt]) -> dict[Address, Contact]:
        """The contacts whose receipts these are, by the addresses in them."""
        addresses = {Address.of(Jid.parse(row.participant)) for row in receipts}
        return self._contacts.find_all(tx, org_id=principal.org_id, addresses=addresses)

    def _accept(self, tx: Tx, message: Message, chat: Chat, contact: Contact | None) -> Entry:
        self._chats.note_message(tx, chat, message_id=message.id, at=message.created_at, unread=False)
        # Only now: nobody can make the other side known meanwhile without waiting for us.
        message.pace_class = classify(purpose=message.purpose, chat=chat, at=message.created_at)
        store.add(tx, message)
        entry = Entry(message=message, chat=chat, contact=contact)
        self._progress.announce(tx, entry, "message.queued")
        tx.after_commit(lambda: self._wake(message))
        return entry

    def get(self, tx: Tx, principal: Principal, message_id: int) -> Entry:
        """The message with this id, as far as the caller may know of it; raises NotFoundError."""
        entry = store.find(tx, org_id=principal.org_id, message_id=message_id)
        if entry is None or (
            principal.session_ids is not None and entry.message.session_id not in principal.session_ids
        ):
            raise NotFoundError("There is no such message.", code="message_not_found")
        return entry

    def get_to_change(self, tx: Tx, principal: Principal, message_id: int) -> Entry:
        """The same, while nobody else changes it."""
        store.hold(tx, org_id=principal.org_id, message_id=message_id)
        return self.get(tx, principal, message_id)

    def page(
        self, tx: Tx, principal: Principal, *, filters: Filters, limit: int, before_id: int | None
    ) -> Sequence[Entry]:
        """Messages, newest first. The id of a contact that was merged stands for the one that stays."""
        if filters.contact_id is not None:
            survivor = self._contacts.survivor(tx, org_id=principal.org_id, contact_id=filters.contact_id)
            filters = replace(filters, contact_id=survivor)
        return store.list_page(tx, org_id=principal.org_id, filters=filters, limit=limit, before_id=before_id)

    def cancel(self, tx: Tx, principal: Principal, message_id: int) -> Entry:
        """Call back what has not been handed to the engine."""
        entry = self.get_to_change(tx, principal, message_id)
        if entry.message.state not in WAITING:
            raise ConflictError(
                f"A message that is {entry.message.state} cannot be cancelled.", code="message_not_cancellable"
            )
        self._progress.move(tx, entry, MessageState.CANCELLED)
        return entry

    def retry(self, tx: Tx, principal: Principal, message_id: int) -> Entry:
        """Queue a message that failed again."""
        entry = self.get_to_change(tx, principal, message_id)
        message = entry.message
        if message.direction != Direction.OUT or message.state not in RETRYABLE:
            raise ConflictError(f"A message that is {message.state} cannot be retried.", code="message_not_retryable")
        self._again(tx, entry)
        return entry

    def resolve(self, tx: Tx, principal: Principal, message_id: int, outcome: Resolution) -> Entry:
        """A person says what became of an uncertain message, or what shall."""
        entry = self.get_to_change(tx, principal, message_id)
        if entry.message.state != MessageState.UNCERTAIN:
            raise ConflictError(
                f"A message that is {entry.message.state} is not uncertain.", code="message_not_uncertain"
            )
        if outcome == "sent":
            self._progress.move(tx, entry, MessageState.SENT, reason="resolved")
        elif outcome == "failed":
            self._progress.move(tx, entry, MessageState.FAILED, error=_RESOLVED_AS_FAILED)
        else:
            self._again(tx, entry)
        return entry

    def _again(self, tx: Tx, entry: Entry) -> None:
        message = entry.message
        message.attempts = 0
        if message.expires_at is not None and message.expires_at <= self._clock.now():
            message.expires_at = None
        is_doubtful = message.state == MessageState.UNCERTAIN
        self._progress.resend(tx, entry, reason=None, is_double_possible=is_doubtful)
        tx.after_commit(lambda: self._wake(message))

    def _wake(self, message: Message) -> None:
        if message.state == MessageState.SCHEDULED:
            self._wakes.wake()
        else:
            self._wakes.wake_lane(message.session_id)

    def _recipient(self, tx: Tx, org_id: int, recipient: Recipient) -> Address | Contact:
        """A contact that was named, or an address."""
        if recipient.contact_id is not None:
            return self._contacts.get(tx, org_id=org_id, contact_id=recipient.contact_id)
        assert recipient.address is not None, "a recipient is a contact or an address"
        return recipient.address

    def _met(self, tx: Tx, org_id: int, recipient: Address | Contact) -> tuple[Address, Contact | None]:
        """Where it goes, and the contact, made when nobody is known there."""
        if isinstance(recipient, Address):
            if recipient.other is not None:
                return recipient, None
            recipient = self._contacts.identify(tx, org_id=org_id, address=recipient)
        return recipient.address, recipient

    def _quoted(
        self, tx: Tx, principal: Principal, message_id: int | None, session: Session, recipient: Address | Contact
    ) -> Message | None:
        if message_id is None:
            return None
        quoted = self.get(tx, principal, message_id)
        self._targets.demand_in_chat(tx, quoted, Aim(session=session, recipient=recipient, field="reply_to"))
        if quoted.message.wa_id is None:
            raise ConflictError("The message to answer has not been sent yet.", code="message_not_sent")
        return quoted.message

    def _targeted(
        self, tx: Tx, principal: Principal, request: MessageIn, session: Session, recipient: Address | Contact
    ) -> Composed:
        """What is about an earlier message."""
        target = self.get(tx, principal, getattr(request.part, "message"))  # noqa: B009 - all of TARGETED have it
        aim = Aim(session=session, recipient=recipient, field=request.type)
        return self._targets.compose(tx, request.part, target, aim)

    def _row(self, principal: Principal, request: MessageIn, composed: Composed, *, session_id: int) -> Message:
        now, content = self._clock.now(), composed.content
        _demand_future(request.expires_at, now)
        is_later = request.send_at is not None and request.send_at > now
        return Message(
            id=self._ids.new(),
            org_id=principal.org_id,
            session_id=session_id,
            author_id=0,
            direction=Direction.OUT,
            origin=Origin.API,
            purpose=request.purpose,
            typing=request.typing,
            type=type_of(content),
            body=body_of(content),
            content=encode_content(content),
            mentions=[_mentioned(text, index) for index, text in enumerate(request.mentions)],
            forwarded=composed.forwarded,
            client_ref=request.client_ref,
            api_key_id=principal.subject_id if principal.kind is PrincipalKind.API_KEY else None,
            user_id=principal.subject_id if principal.kind is PrincipalKind.USER else None,
            state=MessageState.SCHEDULED if is_later else MessageState.QUEUED,
            priority=PRIORITIES.index(request.priority),
            due_at=request.send_at,
            hold=Hold.TIME if is_later else None,
            next_at=request.send_at if is_later else None,
            expires_at=request.expires_at,
            attempts=0,
            secret=secrets.token_bytes(SECRET_BYTES),
            on_uncertain=request.on_uncertain,
            may_be_double=False,
            media_id=composed.media_id,
            media_attempts=0,
            created_at=now,
            updated_at=now,
        )


def _mentioned(text: str, index: int) -> str:
    if text == EVERYONE:
        return text
    recipient = read_recipient(text, field=f"mentions.{index}")
    if recipient.address is None or recipient.address.other is not None:
        problem = "Mentions are phone numbers or the addresses of people, or `all`."
        raise InvalidError(problem, fields=(FieldError(path=f"mentions.{index}", problem=problem),))
    return str(recipient.address.primary)


def _demand_future(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        problem = "This time has passed already."
        raise InvalidError(problem, fields=(FieldError(path="expires_at", problem=problem),))
