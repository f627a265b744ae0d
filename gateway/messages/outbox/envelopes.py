"""Makes a stored message ready for a worker."""

from __future__ import annotations

import msgspec

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.errors import GatewayError
from gateway.media.errors import MediaNotFoundError
from gateway.media.library import MediaLibrary
from gateway.messages import answer_store, store
from gateway.messages.codec import MEDIA_TYPES, decode_content, with_file
from gateway.messages.models import Direction, Message
from gateway.messages.store import Entry
from sessions.address import Address, Jid
from sessions.content import Content, Envelope, EventReply, MediaContent, MessageKey, OutgoingFile, PollVote, Quote
from sessions.errors import InvalidRequestError, MediaUnreachableError
from sessions.sealed import Opener

#: Stands among the mentions of a message for all members of its group.
EVERYONE = "all"


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
            mentions=tuple(Address.of(Jid.parse(text)) for text in message.mentions or () if text != EVERYONE),
            mentions_all=EVERYONE in (message.mentions or ()),
            forwarded=message.forwarded,
            album=self._album(tx, entry),
            disappears_seconds=answer_store.timer_of(tx, org_id=message.org_id, chat_id=message.chat_id),
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

    def _album(self, tx: Tx, entry: Entry) -> MessageKey | None:
        """The album that a picture belongs to. Without one, or when that was not sent, it goes by itself."""
        message = entry.message
        if message.type not in ("image", "video"):
            return None
        album = answer_store.album_of(tx, org_id=message.org_id, message_id=message.id)
        if album is None or album.wa_id is None:
            return None
        return MessageKey(chat=address_of(entry), wa_id=album.wa_id, from_me=True)

    def _content(self, tx: Tx, message: Message) -> Content:
        content = decode_content(message.content)
        if isinstance(content, (PollVote, EventReply)):
            return self._sealed(tx, message, content)
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
        content = decode_content(quoted.message.content)
        if isinstance(content, MEDIA_TYPES) and quoted.message.media_id is not None:
            content = self._with_picture(tx, quoted.message, content)
        return Quote(wa_id=quoted.message.wa_id, sender=self._author(tx, quoted), content=content)

    def _with_picture(self, tx: Tx, message: Message, content: MediaContent) -> MediaContent:
        """What a quote shows of a file is its thumbnail, which is kept with the file and not with the message."""
        try:
            file = self._library.outgoing(tx, org_id=message.org_id, media_id=message.media_id, filename=None)
        except MediaNotFoundError:
            return content
        thumbnail = content.file.thumbnail or file.thumbnail
        return with_file(content, msgspec.structs.replace(content.file, thumbnail=thumbnail))

    def _sealed(self, tx: Tx, message: Message, content: PollVote | EventReply) -> Content:
        """A vote, or an answer to an appointment, as only those can read it who have what it is about."""
        found = store.find_by_wa_id(
            tx,
            org_id=message.org_id,
            session_id=message.session_id,
            wa_id=content.target.wa_id,
            chat_id=message.chat_id,
        )
        if found is None or found.message.secret is None:
            raise UnsendableError("target_gone", "The message that this one answers is no longer there.")
        session = tx.session.get(Session, message.session_id)
        assert session is not None, "messages refer to their session"
        opener = Opener(secret=found.message.secret, wa_id=content.target.wa_id, author=self._author(tx, found))
        me = own_address(session)
        if isinstance(content, PollVote):
            return msgspec.structs.replace(content, sealed=opener.seal_vote(content.options, voter=me))
        if content.answer is None:
            raise UnsendableError("no_answer", "The message says nothing.")
        at = message.created_at.timestamp()
        sealed = opener.seal_reply(content.answer, guests=content.guests, at=at, guest=me)
        return msgspec.structs.replace(content, sealed=sealed)

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
