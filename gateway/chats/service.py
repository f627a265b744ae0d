"""Opens the chat that a message belongs to, and keeps one per person and session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from gateway.chats import store
from gateway.chats.models import Chat
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.kit.clock import Clock
from gateway.kit.errors import NotFoundError
from gateway.kit.ids import IdGenerator
from gateway.principal import Principal
from sessions.address import Address, AddressKind, InvalidJidError

TITLE_LIMIT = 200

#: ``(tx, organization, the chat that went, the chat that stays)``
Merged = Callable[[Tx, int, int, int], None]


class Chats:
    """The threads of every organization."""

    def __init__(self, *, ids: IdGenerator, clock: Clock, contacts: Contacts) -> None:
        self._ids = ids
        self._clock = clock
        self._merged: list[Merged] = []
        contacts.when_merged(self._contact_merged)

    def when_merged(self, callback: Merged) -> None:
        """Tell the slices above, in the same transaction, that one chat went into another."""
        self._merged.append(callback)

    def open(
        self,
        tx: Tx,
        *,
        org_id: int,
        session_id: int,
        address: Address,
        contact_id: int | None,
        title: str | None = None,
    ) -> Chat:
        """The chat at an address on a session, made when there is none. A person's chat needs its contact."""
        chat = self._find(tx, org_id=org_id, session_id=session_id, address=address, contact_id=contact_id)
        if chat is None:
            return self._create(
                tx, org_id=org_id, session_id=session_id, address=address, contact_id=contact_id, title=title
            )
        if title and chat.title != title[:TITLE_LIMIT]:
            chat.title = title[:TITLE_LIMIT]
            tx.session.flush()
        return chat

    def find(self, tx: Tx, *, org_id: int, session_id: int, address: Address, contact_id: int | None) -> Chat | None:
        """The chat at an address on a session, if there is one; nobody knows where a stranger's would be."""
        if address.kind is AddressKind.PERSON and contact_id is None:
            return None
        return self._find(tx, org_id=org_id, session_id=session_id, address=address, contact_id=contact_id)

    def get(self, tx: Tx, principal: Principal, chat_id: int) -> Chat:
        """The chat with this id, as far as the caller may know of it; raises NotFoundError."""
        chat = store.find(tx, org_id=principal.org_id, chat_id=chat_id)
        if chat is None or (principal.session_ids is not None and chat.session_id not in principal.session_ids):
            raise NotFoundError("There is no such chat.", code="chat_not_found")
        return chat

    def note_message(
        self,
        tx: Tx,
        chat: Chat,
        *,
        message_id: int,
        at: datetime,
        unread: bool,
        in_at: datetime | None = None,
        out_at: datetime | None = None,
    ) -> None:
        """A message was added to a chat. ``in_at`` and ``out_at`` are for what has really been said."""
        store.note_message(
            tx,
            chat,
            message_id=message_id,
            at=at,
            unread=1 if unread else 0,
            in_at=in_at,
            out_at=out_at,
        )

    def note_sent(self, tx: Tx, chat: Chat, *, at: datetime) -> None:
        """A message from the queue went out to a chat."""
        store.note_sent(tx, chat, at=at)

    def count_read(self, tx: Tx, chat: Chat, *, read: int) -> None:
        """Some messages of a chat were read elsewhere."""
        store.count_read(tx, org_id=chat.org_id, chat_id=chat.id, read=read)

    def mark_read(self, tx: Tx, chat: Chat) -> None:
        """Nothing in this chat is unread any more."""
        store.change(tx, org_id=chat.org_id, chat_id=chat.id, unread=0, updated_at=self._clock.now())

    def unread_of(self, tx: Tx, *, org_id: int, session_id: int, limit: int) -> Sequence[Chat]:
        """Chats of a session in which something is unread; statuses do not ask to be read."""
        return store.list_unread(tx, org_id=org_id, session_id=session_id, limit=limit)

    def _find(self, tx: Tx, *, org_id: int, session_id: int, address: Address, contact_id: int | None) -> Chat | None:
        if address.kind is AddressKind.PERSON:
            if contact_id is None:
                raise InvalidJidError("a chat with a person needs its contact")
            return store.find_with_contact(tx, org_id=org_id, session_id=session_id, contact_id=contact_id)
        return store.find_at(tx, org_id=org_id, session_id=session_id, jid=str(address.primary))

    def _create(
        self,
        tx: Tx,
        *,
        org_id: int,
        session_id: int,
        address: Address,
        contact_id: int | None,
        title: str | None,
    ) -> Chat:
        is_person = address.kind is AddressKind.PERSON
        now = self._clock.now()
        chat = Chat(
            id=self._ids.new(),
            org_id=org_id,
            session_id=session_id,
            kind=address.kind,
            contact_id=contact_id if is_person else None,
            jid=None if is_person else str(address.primary),
            title=(title or "")[:TITLE_LIMIT] or None,
            unread=0,
            created_at=now,
            updated_at=now,
        )
        if not store.add_unless_open(tx, chat):
            # Another connection has just opened the same chat; it is visible now.
            return self.open(
                tx, org_id=org_id, session_id=session_id, address=address, contact_id=contact_id, title=title
            )
        return chat

    def _contact_merged(self, tx: Tx, org_id: int, from_id: int, into_id: int) -> None:
        for chat in store.list_of_contact(tx, org_id=org_id, contact_id=from_id):
            kept = store.find_with_contact(tx, org_id=org_id, session_id=chat.session_id, contact_id=into_id)
            if kept is None:
                store.change(tx, org_id=org_id, chat_id=chat.id, contact_id=into_id)
            else:
                self._merge(tx, chat, into=kept)

    def _merge(self, tx: Tx, chat: Chat, *, into: Chat) -> None:
        for callback in self._merged:
            callback(tx, into.org_id, chat.id, into.id)
        into.unread += chat.unread
        if chat.last_message_at and (into.last_message_at is None or into.last_message_at < chat.last_message_at):
            into.last_message_at, into.last_message_id = chat.last_message_at, chat.last_message_id
        into.last_in_at = store.later(into.last_in_at, chat.last_in_at)
        into.last_out_at = store.later(into.last_out_at, chat.last_out_at)
        tx.session.flush()
        store.remove(tx, org_id=into.org_id, chat_id=chat.id)
