"""Files what arrives: contact, chat, message and event in the transaction that takes the report over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from gateway.chats.models import Chat
from gateway.chats.service import Chats
from gateway.contacts.models import Contact
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.fleet.ignoring import is_ignored
from gateway.fleet.models import Session
from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator, render_id
from gateway.kit.times import from_epoch
from gateway.messages import answer_store, store
from gateway.messages.arriving.changes import ABOUT_ANOTHER, Changes
from gateway.messages.codec import MEDIA_TYPES, body_of, encode_content, type_of
from gateway.messages.models import Direction, MediaState, Message, Origin
from gateway.messages.outbox.envelopes import EVERYONE
from gateway.messages.outbox.promotion import Promotion
from gateway.messages.progress import Progress
from gateway.messages.states import MessageState
from gateway.messages.store import Entry
from sessions.address import Address, AddressKind
from sessions.content import Content, MessageKey, RemoteFile, Timer, Unsupported
from sessions.events import MessageReceived, MessageUndecryptable, Report

log = structlog.get_logger(__name__)

#: Stands for a message that could not be decrypted, until the sender's device sends it again.
UNDECRYPTABLE = Unsupported(name="undecryptable")


#: ``(tx, the session, the message with its chat and contact)``
Filed = Callable[[Tx, Session, Entry], None]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a message belongs and who wrote it; ``author_id`` is 0 for the linked account."""

    chat: Chat
    contact: Contact | None
    author_id: int


class Inbound:
    """Handles reports of messages. Each may come twice; the second time changes nothing."""

    def __init__(
        self,
        *,
        ids: IdGenerator,
        clock: Clock,
        contacts: Contacts,
        chats: Chats,
        progress: Progress,
        changes: Changes,
        promotion: Promotion,
        wake_downloads: Callable[[], None],
        downloads_media: bool = True,
    ) -> None:
        self._ids = ids
        self._clock = clock
        self._contacts = contacts
        self._chats = chats
        self._progress = progress
        self._changes = changes
        self._promotion = promotion
        self._listeners: list[Filed] = []
        self._wake_downloads = wake_downloads
        self._downloads_media = downloads_media

    def when_filed(self, callback: Filed) -> None:
        """Have somebody told of each new message, incoming or from the phone, in the transaction that files it."""
        self._listeners.append(callback)

    def received(self, tx: Tx, session: Session, report: Report) -> None:
        """A :class:`sessions.events.MessageReceived`."""
        assert isinstance(report.event, MessageReceived)
        self._take(tx, session, report.event, is_history=False)

    def undecryptable(self, tx: Tx, session: Session, report: Report) -> None:
        """A message that only its sender can read so far. It keeps its place for when it comes again."""
        event = report.event
        assert isinstance(event, MessageUndecryptable)
        as_message = MessageReceived(
            key=event.key, sender=event.sender, push_name="", timestamp=event.timestamp, content=UNDECRYPTABLE
        )
        self._take(tx, session, as_message, is_history=False)

    def remember(self, tx: Tx, session: Session, event: MessageReceived, *, is_unread: bool) -> None:
        """A message of the past, which the phone has shared; nobody is told of it."""
        self._take(tx, session, event, is_history=True, is_unread=is_unread)

    def _take(
        self, tx: Tx, session: Session, event: MessageReceived, *, is_history: bool, is_unread: bool = True
    ) -> None:
        is_old_status = is_history and event.key.chat.kind is AddressKind.STATUS
        if is_old_status or is_ignored(session.settings, _full_chat(event)):
            return
        place = self._place(tx, session, event)
        if isinstance(event.content, ABOUT_ANOTHER):
            self._changes.apply(tx, session, event, chat=place.chat, author_id=place.author_id, is_quiet=is_history)
            return
        twin = store.find_twin(
            tx, org_id=session.org_id, chat_id=place.chat.id, wa_id=event.key.wa_id, author_id=place.author_id
        )
        if twin is None:
            self._add(tx, session, event, place, is_history=is_history, is_unread=is_unread)
        elif twin.content == encode_content(UNDECRYPTABLE) and event.content != UNDECRYPTABLE:
            self._fill_in(tx, session, twin, event, place)

    def _place(self, tx: Tx, session: Session, event: MessageReceived) -> Place:
        address = _chat_address(event.key, event.sender)
        contact = None
        if address.kind is AddressKind.PERSON:
            name = None if event.key.from_me else event.push_name
            contact = self._contacts.identify(tx, org_id=session.org_id, address=address, push_name=name)
        elif not event.key.from_me and event.sender != Address() and event.sender.kind is AddressKind.PERSON:
            contact = self._contacts.identify(
                tx, org_id=session.org_id, address=event.sender, push_name=event.push_name
            )
        chat = self._chats.open(
            tx,
            org_id=session.org_id,
            session_id=session.id,
            address=address,
            contact_id=contact.id if contact else None,
        )
        author_id = 0 if event.key.from_me else contact.id if contact else chat.id
        return Place(chat=chat, contact=contact, author_id=author_id)

    def _add(
        self,
        tx: Tx,
        session: Session,
        event: MessageReceived,
        place: Place,
        *,
        is_history: bool,
        is_unread: bool,
    ) -> None:
        written_at = from_epoch(event.timestamp)
        message = self._row(session, event, place, written_at=written_at, is_history=is_history)
        self._note_quote(tx, message, event)
        self._note_media(tx, message, event.content, is_wanted=not is_history)
        is_incoming = message.direction == Direction.IN
        is_to_us = is_incoming and place.chat.kind != AddressKind.STATUS
        if is_incoming and not is_unread:
            message.read_at = written_at  # on the phone, we do not know when
        store.add(tx, message)
        self._note_album(tx, message, event)
        if isinstance(event.content, Timer):
            self._changes.set_timer(tx, place.chat, event.content, at=written_at)
        said_at = min(written_at, message.updated_at)  # WhatsApp's clock may be ahead of ours
        in_before, out_before = place.chat.last_in_at, place.chat.last_out_at
        self._chats.note_message(
            tx,
            place.chat,
            message_id=message.id,
            at=written_at if is_history else message.created_at,
            unread=is_incoming and is_unread,
            in_at=said_at if is_to_us else None,
            out_at=None if is_incoming else said_at,
        )
        if is_history:
            return
        if is_to_us:
            self._promotion.heard(tx, place.chat, in_before=in_before, at=message.created_at)
        elif not is_incoming and in_before is None and out_before is None:
            self._promotion.written_on_phone(tx, place.chat)
        if place.contact is not None and is_to_us:
            self._contacts.note_interaction(tx, place.contact, at=message.created_at)
        entry = Entry(message=message, chat=place.chat, contact=place.contact)
        self._announce(tx, entry)
        self._tell(tx, session, entry)

    def _tell(self, tx: Tx, session: Session, entry: Entry) -> None:
        for listener in self._listeners:
            listener(tx, session, entry)

    def _announce(self, tx: Tx, entry: Entry) -> None:
        is_incoming = entry.message.direction == Direction.IN
        if entry.message.content == encode_content(UNDECRYPTABLE):
            self._progress.announce(tx, entry, "message.undecryptable")
            return
        self._progress.announce(tx, entry, "message.received" if is_incoming else "message.sent")
        log.info(
            "message received" if is_incoming else "message sent from phone",
            session_id=render_id("ses", entry.message.session_id),
            message_id=render_id("msg", entry.message.id),
            type=entry.message.type,
        )

    def _row(
        self, session: Session, event: MessageReceived, place: Place, *, written_at: datetime, is_history: bool
    ) -> Message:
        now = self._clock.now()
        from_me = event.key.from_me
        origin = Origin.HISTORY if is_history else Origin.PHONE if from_me else Origin.WHATSAPP
        return Message(
            id=self._ids.at(written_at) if is_history else self._ids.new(),
            org_id=session.org_id,
            session_id=session.id,
            chat_id=place.chat.id,
            contact_id=place.contact.id if place.contact else None,
            author_id=place.author_id,
            direction=Direction.OUT if from_me else Direction.IN,
            origin=origin,
            type=type_of(event.content),
            body=body_of(event.content),
            content=encode_content(event.content),
            mentions=[*([EVERYONE] if event.mentions_all else []), *(str(each.primary) for each in event.mentions)],
            secret=event.secret,
            forwarded=event.forwarded,
            wa_id=event.key.wa_id,
            state=MessageState.SENT if from_me else MessageState.RECEIVED,
            priority=1,
            attempts=0,
            may_be_double=False,
            media_attempts=0,
            written_at=written_at,
            sent_at=written_at if from_me else None,
            created_at=written_at if is_history else now,
            updated_at=now,
        )

    def _note_quote(self, tx: Tx, message: Message, event: MessageReceived) -> None:
        if event.quoted_wa_id is None:
            return
        message.quoted_wa_id = event.quoted_wa_id
        quoted = store.find_by_wa_id(
            tx,
            org_id=message.org_id,
            session_id=message.session_id,
            wa_id=event.quoted_wa_id,
            chat_id=message.chat_id,
        )
        message.reply_to_id = quoted.message.id if quoted else None

    def _note_album(self, tx: Tx, message: Message, event: MessageReceived) -> None:
        if event.album_wa_id is None:
            return
        album = store.find_by_wa_id(
            tx,
            org_id=message.org_id,
            session_id=message.session_id,
            wa_id=event.album_wa_id,
            chat_id=message.chat_id,
        )
        if album is not None:
            album_id = album.message.id
            answer_store.join_album(tx, org_id=message.org_id, message_id=message.id, album_id=album_id)

    def _note_media(self, tx: Tx, message: Message, content: Content, *, is_wanted: bool) -> None:
        """What the phone shared from its past is not fetched: WhatsApp has mostly deleted those files."""
        has_file = isinstance(content, MEDIA_TYPES) and isinstance(content.file, RemoteFile)
        if has_file and is_wanted and self._downloads_media:
            message.media_state = MediaState.PENDING
            message.media_next_at = self._clock.now()
            tx.after_commit(self._wake_downloads)

    def _fill_in(self, tx: Tx, session: Session, message: Message, event: MessageReceived, place: Place) -> None:
        """The sender has sent again what could not be decrypted at first."""
        message.type = type_of(event.content)
        message.body = body_of(event.content)
        message.content = encode_content(event.content)
        message.secret = event.secret
        message.updated_at = self._clock.now()
        self._note_quote(tx, message, event)
        self._note_media(tx, message, event.content, is_wanted=True)
        tx.session.flush()
        entry = Entry(message=message, chat=place.chat, contact=place.contact)
        self._announce(tx, entry)
        self._tell(tx, session, entry)


def _full_chat(event: MessageReceived) -> Address:
    """The chat as WhatsApp names it, with every name of a person that is known."""
    chat = event.key.chat
    return (
        chat
        if chat.other is not None or event.key.from_me
        else Address.of(chat.pn, chat.lid, event.sender.pn, event.sender.lid)
    )


def _chat_address(key: MessageKey, sender: Address) -> Address:
    """Where a message belongs. What somebody sent to a broadcast list of theirs is a message in the chat with them."""
    if key.chat.kind is AddressKind.PERSON and not key.from_me:
        return Address.of(key.chat.pn, key.chat.lid, sender.pn, sender.lid)
    if key.chat.kind is AddressKind.BROADCAST and not key.from_me:
        return sender
    return key.chat
