"""Applies what somebody did to an earlier message: a reaction, an edit, a deletion for everyone, an answer, a pin."""

from __future__ import annotations

from datetime import datetime

import msgspec
import structlog

from gateway.chats.models import Chat
from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator, render_id
from gateway.kit.times import from_epoch
from gateway.messages import answer_store, store
from gateway.messages.arriving.answers import Answers, Deed, said_by
from gateway.messages.codec import body_of, decode_content, encode_content
from gateway.messages.models import MessageVersion
from gateway.messages.outbox.envelopes import own_address
from gateway.messages.progress import Progress
from gateway.messages.states import MessageState, may_follow
from gateway.messages.store import Entry
from sessions.content import (
    Content,
    Document,
    Edit,
    EventReply,
    Image,
    Pin,
    PollVote,
    Reaction,
    Revoke,
    Text,
    Timer,
    Video,
)
from sessions.events import MessageReceived

log = structlog.get_logger(__name__)

_EMOJI_LIMIT = 32


#: What changes an earlier message, and is no message by itself when it arrives.
ABOUT_ANOTHER = (Reaction, Edit, Revoke, Pin, PollVote, EventReply)
_AboutAnother = Reaction | Edit | Revoke | Pin | PollVote | EventReply


class Changes:
    """Finds the message that a change names, and changes it where its author may."""

    def __init__(self, *, ids: IdGenerator, clock: Clock, progress: Progress) -> None:
        self._ids = ids
        self._clock = clock
        self._progress = progress
        self._answers = Answers(progress=progress)

    def apply(
        self, tx: Tx, session: Session, event: MessageReceived, *, chat: Chat, author_id: int, is_quiet: bool
    ) -> None:
        """Apply what somebody did to a message; ``is_quiet`` tells nobody."""
        content = event.content
        assert isinstance(content, ABOUT_ANOTHER)
        entry = store.find_by_wa_id(
            tx, org_id=session.org_id, session_id=session.id, wa_id=content.target.wa_id, chat_id=chat.id
        )
        if entry is None:
            log.info("change of an unknown message", session_id=render_id("ses", session.id))
            return
        author = own_address(session) if event.key.from_me else event.sender
        deed = Deed(author_id=author_id, author=author, at=from_epoch(event.timestamp), is_quiet=is_quiet)
        # In a group an administrator may delete what others wrote; nobody may edit it.
        may_be_by_others = not isinstance(content, (Edit, Revoke)) or (isinstance(content, Revoke) and bool(chat.jid))
        if entry.message.author_id != author_id and not may_be_by_others:
            log.warning("change by another than the author", message_id=render_id("msg", entry.message.id))
            return
        self._do(tx, session, entry, content, deed)

    def note_own(self, tx: Tx, entry: Entry) -> None:
        """What we did to another message has arrived at WhatsApp: it counts there, too."""
        content, message = decode_content(entry.message.content), entry.message
        if isinstance(content, Timer):
            self.set_timer(tx, entry.chat, content, at=self._clock.now())
        if not isinstance(content, ABOUT_ANOTHER):
            return
        target = store.find_by_wa_id(
            tx,
            org_id=message.org_id,
            session_id=message.session_id,
            wa_id=content.target.wa_id,
            chat_id=message.chat_id,
        )
        session = tx.session.get(Session, message.session_id)
        if target is not None and session is not None:
            deed = Deed(author_id=0, author=own_address(session), at=self._clock.now())
            self._do(tx, session, target, content, deed)

    def set_timer(self, tx: Tx, chat: Chat, timer: Timer, *, at: datetime) -> None:
        """From now on messages of this chat disappear after so long."""
        answer_store.set_timer(tx, org_id=chat.org_id, chat_id=chat.id, seconds=timer.seconds, at=at)

    def _do(self, tx: Tx, session: Session, entry: Entry, content: _AboutAnother, deed: Deed) -> None:
        match content:
            case Reaction(emoji=emoji):
                self._set_emoji(tx, entry, emoji, author_id=deed.author_id, at=deed.at, is_quiet=deed.is_quiet)
            case Edit():
                self._edit(tx, entry, content, at=deed.at, is_quiet=deed.is_quiet)
            case Revoke():
                self._revoke(tx, entry, at=deed.at, is_quiet=deed.is_quiet)
            case Pin():
                self._answers.pin(tx, entry, content, deed)
            case PollVote():
                self._answers.vote(tx, session, entry, content, deed)
            case EventReply():
                self._answers.reply(tx, session, entry, content, deed)

    def _set_emoji(self, tx: Tx, entry: Entry, emoji: str, *, author_id: int, at: datetime, is_quiet: bool) -> None:
        message = entry.message
        emoji = emoji.replace("\x00", "")[:_EMOJI_LIMIT]
        is_new = store.set_reaction(
            tx, org_id=message.org_id, message_id=message.id, author_id=author_id, emoji=emoji, at=at
        )
        if is_new and not is_quiet:
            who = said_by(tx, entry, author_id)
            self._progress.announce(tx, entry, "message.reaction", emoji=emoji, **who)

    def _edit(self, tx: Tx, entry: Entry, content: Edit, *, at: datetime, is_quiet: bool) -> None:
        message = entry.message
        # WhatsApp's clock has whole seconds: an edit may seem older than its message, and as old as the edit before it.
        edited_at = max(at, message.created_at)
        before = decode_content(message.content)
        after = _with_words(before, content.body)
        is_stale = message.edited_at is not None and message.edited_at > edited_at
        if is_stale or after is None or after == before:
            return
        tx.add(
            MessageVersion(
                id=self._ids.new(),
                org_id=message.org_id,
                message_id=message.id,
                body=message.body,
                replaced_at=edited_at,
            )
        )
        message.content, message.body = encode_content(after), body_of(after)
        message.edited_at, message.updated_at = edited_at, self._clock.now()
        tx.session.flush()
        if not is_quiet:
            self._progress.announce(tx, entry, "message.edited")

    def _revoke(self, tx: Tx, entry: Entry, *, at: datetime, is_quiet: bool) -> None:
        if not may_follow(entry.message.state, MessageState.REVOKED):
            return
        self._progress.move(tx, entry, MessageState.REVOKED, at=at, quiet=True)
        if not is_quiet:
            self._progress.announce(tx, entry, "message.revoked")


def _with_words(content: Content, words: str) -> Content | None:
    """The same content with other words; None where it has none to change."""
    if isinstance(content, Text):
        return Text(body=words, preview=content.preview if content.preview and content.preview.url in words else None)
    if isinstance(content, (Image, Video, Document)):
        return msgspec.structs.replace(content, caption=words)
    return None
