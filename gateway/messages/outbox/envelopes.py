"""Makes a stored message ready for a worker."""

from __future__ import annotations

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.errors import GatewayError
from gateway.media.errors import MediaNotFoundError
from gateway.media.library import MediaLibrary
from gateway.messages import store
from gateway.messages.codec import MEDIA_TYPES, decode_content, with_file
from gateway.messages.models import Direction, Message
from gateway.messages.store import Entry
from sessions.address import Address, Jid
from sessions.content import Content, Envelope, OutgoingFile, Quote
from sessions.errors import InvalidRequestError, MediaUnreachableError


class UnsendableError(Exception):
    """What a message refers to is gone; ``code`` is stored with it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Envelopes:
    """Reads what the message names (its chat's address, its file, the message it answers) in one transaction."""

    def __init__(self, *, library: MediaLibrary) -> None:
        self._library = library

    def of(self, tx: Tx, entry: Entry) -> Envelope:
        """The envelope of a queued message; raises UnsendableError."""
        message = entry.message
        if message.secret is None:
            raise UnsendableError("no_secret", "The message was not made for sending.")
        return Envelope(
            to=address_of(entry),
            content=self._content(tx, message),
            secret=message.secret,
            quote=self._quote(tx, message),
            mentions=tuple(Address.of(Jid.parse(text)) for text in message.mentions or ()),
        )

    async def bring(self, envelope: Envelope, *, org_id: int) -> None:
        """Have the file of an envelope where the worker can read it; raises SessionError."""
        content = envelope.content
        if not isinstance(content, MEDIA_TYPES) or not isinstance(content.file, OutgoingFile):
            return
        try:
            await self._library.bring(content.file, org_id=org_id)
        except MediaNotFoundError as error:
            raise InvalidRequestError("The file of this message is no longer there.") from error
        except GatewayError as error:
            raise MediaUnreachableError from error

    def _content(self, tx: Tx, message: Message) -> Content:
        content = decode_content(message.content)
        if not isinstance(content, MEDIA_TYPES):
            return content
        try:
            file = self._library.outgoing(
                tx, org_id=message.org_id, media_id=message.media_id, filename=content.file.filename
            )
        except GatewayError as error:
            raise UnsendableError("media_missing", "The file of this message is no longer there.") from error
        return with_file(content, file)

    def _quote(self, tx: Tx, message: Message) -> Quote | None:
        if message.reply_to_id is None:
            return None
        quoted = store.find(tx, org_id=message.org_id, message_id=message.reply_to_id)
        if quoted is None or quoted.message.wa_id is None:
            return None
        return Quote(wa_id=quoted.message.wa_id, sender=self._author(tx, quoted), body=quoted.message.body[:1000])

    def _author(self, tx: Tx, quoted: Entry) -> Address:
        if quoted.message.direction == Direction.IN and quoted.contact is not None:
            return quoted.contact.address
        session = tx.session.get(Session, quoted.message.session_id)
        assert session is not None, "messages refer to their session"
        return own_address(session)


def own_address(session: Session) -> Address:
    """The linked account's addresses."""
    return Address.of(*(Jid.parse(text) for text in (session.pn, session.lid) if text))


def address_of(entry: Entry) -> Address:
    """Where a chat leads."""
    if entry.chat.jid is not None:
        return Address.of(Jid.parse(entry.chat.jid))
    if entry.contact is None:
        raise UnsendableError("recipient_gone", "The contact of this message is no longer there.")
    return entry.contact.address
