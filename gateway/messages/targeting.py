"""Finds the earlier message that a new one is about, and makes the content of the new one."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.chats.models import Chat
from gateway.contacts.models import Contact
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.errors import ConflictError, FieldError, InvalidError
from gateway.messages.codec import MEDIA_TYPES, decode_content
from gateway.messages.models import Direction
from gateway.messages.outbox.envelopes import own_address
from gateway.messages.parts import (
    EditIn,
    EventReplyIn,
    ForwardIn,
    Given,
    PinIn,
    PollVoteIn,
    ReactionIn,
    RevokeIn,
)
from gateway.messages.recipients import read_recipient
from gateway.messages.states import MessageState
from gateway.messages.store import Entry
from sessions.address import Address
from sessions.content import (
    Album,
    Audio,
    CalendarEvent,
    Content,
    Document,
    Edit,
    EventReply,
    Image,
    Menu,
    MessageKey,
    Pin,
    Poll,
    PollVote,
    Reaction,
    Revoke,
    Text,
    Timer,
    Video,
)

_NEVER_FORWARDED = (CalendarEvent, Edit, EventReply, Menu, Pin, Poll, PollVote, Reaction, Revoke, Timer, Album)


@dataclass(frozen=True, kw_only=True)
class Aim:
    """Where the new message goes, and through which session."""

    session: Session
    recipient: Address | Contact
    field: str  #: the object of the request that names the earlier message


@dataclass(frozen=True, kw_only=True)
class Composed:
    """What a new message says, with its file where it has one."""

    content: Content
    media_id: int | None = None
    forwarded: bool = False


class Targets:
    """Turns parts that name an earlier message into content; raises where that message does not suit."""

    def __init__(self, *, contacts: Contacts) -> None:
        self._contacts = contacts

    def compose(self, tx: Tx, part: Given, target: Entry, aim: Aim) -> Composed:
        """The content of a part whose target was found."""
        if isinstance(part, ForwardIn):
            return _forwarded(target, aim)
        self.demand_in_chat(tx, target, aim)
        if target.message.wa_id is None or target.message.state == MessageState.REVOKED:
            raise ConflictError("The message that this is about was not sent, or is deleted.", code="message_not_sent")
        key = key_of(target, aim.session)
        match part:
            case ReactionIn():
                return Composed(content=Reaction(target=key, emoji=part.emoji))
            case PinIn():
                return Composed(content=Pin(target=key, seconds=part.seconds))
            case EditIn():
                return Composed(content=_edit(part, target, key, aim))
            case RevokeIn():
                return Composed(content=_revoke(target, key, aim))
            case PollVoteIn():
                return Composed(content=_vote(part, target, key, aim))
            case EventReplyIn():
                return Composed(content=_reply(part, target, key, aim))
        raise AssertionError(f"no content for {type(part).__name__}")

    def demand_in_chat(self, tx: Tx, target: Entry, aim: Aim) -> None:
        """It must stand in the chat with the recipient."""
        if target.message.session_id != aim.session.id or not self._leads_to(tx, target.chat, aim.recipient):
            raise _refused(aim, "The message belongs to another chat.")

    def _leads_to(self, tx: Tx, chat: Chat, recipient: Address | Contact) -> bool:
        if isinstance(recipient, Address):
            if recipient.other is not None:
                return chat.jid == str(recipient.primary)
            known = self._contacts.find_by_address(tx, org_id=chat.org_id, address=recipient)
            return known is not None and chat.contact_id == known.id
        return chat.contact_id == recipient.id


def key_of(entry: Entry, session: Session) -> MessageKey:
    """How WhatsApp names a message."""
    message, chat = entry.message, entry.chat
    is_ours = message.direction == Direction.OUT
    assert message.wa_id is not None, "only what WhatsApp knows has a key"
    if chat.jid is None:
        assert entry.contact is not None, "a chat with a person has its contact"
        return MessageKey(chat=entry.contact.address, wa_id=message.wa_id, from_me=is_ours)
    address = read_recipient(chat.jid).address
    assert address is not None, "an address was read"
    author = own_address(session) if is_ours or entry.contact is None else entry.contact.address
    return MessageKey(chat=address, wa_id=message.wa_id, from_me=is_ours, participant=author)


def _forwarded(target: Entry, aim: Aim) -> Composed:
    message = target.message
    if message.session_id != aim.session.id:
        raise _refused(aim, "The message belongs to another session.")
    content = decode_content(message.content)
    if isinstance(content, _NEVER_FORWARDED) or message.type == "unsupported":
        raise _refused(aim, f"A message of type {message.type} cannot be forwarded.")
    if message.state == MessageState.REVOKED:
        raise ConflictError("The message is deleted.", code="message_not_sent")
    if isinstance(content, MEDIA_TYPES):
        if isinstance(content, (Image, Video, Audio)) and content.view_once:
            raise _refused(aim, "What may be seen only once cannot be forwarded.")
        if message.media_id is None:
            raise ConflictError("The file of this message is not here.", code="media_missing")
    return Composed(content=content, media_id=message.media_id, forwarded=True)


def _edit(part: EditIn, target: Entry, key: MessageKey, aim: Aim) -> Edit:
    content = decode_content(target.message.content)
    if not key.from_me:
        raise _refused(aim, "Only messages of your own can be changed.")
    if not isinstance(content, (Text, Image, Video, Document)):
        raise _refused(aim, f"A message of type {target.message.type} has no words to change.")
    return Edit(target=key, body=part.body)


def _revoke(target: Entry, key: MessageKey, aim: Aim) -> Revoke:
    if not key.from_me and target.chat.jid is None:
        raise _refused(aim, "In a chat with one person only messages of your own can be deleted.")
    return Revoke(target=key)


def _vote(part: PollVoteIn, target: Entry, key: MessageKey, aim: Aim) -> PollVote:
    poll = decode_content(target.message.content)
    if not isinstance(poll, Poll) or target.message.secret is None:
        raise _refused(aim, "This is no poll that can be voted in.")
    if set(part.options) - set(poll.options):
        raise _refused(aim, "The poll has no such option.", "options")
    if poll.selectable and len(part.options) > poll.selectable:
        raise _refused(aim, "The poll does not allow so many options.", "options")
    return PollVote(target=key, options=tuple(dict.fromkeys(part.options)))


def _reply(part: EventReplyIn, target: Entry, key: MessageKey, aim: Aim) -> EventReply:
    event = decode_content(target.message.content)
    if not isinstance(event, CalendarEvent) or target.message.secret is None:
        raise _refused(aim, "This is no appointment that can be answered.")
    if part.guests and not event.guests_allowed:
        raise _refused(aim, "This appointment is not open for others.", "guests")
    return EventReply(target=key, answer=part.answer, guests=part.guests)


def _refused(aim: Aim, problem: str, name: str = "message") -> InvalidError:
    path = aim.field if aim.field == "reply_to" else f"{aim.field}.{name}"
    return InvalidError(problem, fields=(FieldError(path=path, problem=problem),))
