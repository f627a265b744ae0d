"""Applies what somebody did to an earlier message: a reaction, an edit, a deletion for everyone."""

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
from gateway.messages import store
from gateway.messages.codec import body_of, decode_content, encode_content
from gateway.messages.models import MessageVersion
from gateway.messages.progress import Progress
from gateway.messages.states import MessageState, may_follow
from gateway.messages.store import Entry
from sessions.content import Content, Document, Edit, Image, Reaction, Revoke, Text, Video
from sessions.events import MessageReceived

log = structlog.get_logger(__name__)

_EMOJI_LIMIT = 32


class Changes:
    """Finds the message that a change names, and changes it where its author may."""

    def __init__(self, *, ids: IdGenerator, clock: Clock, progress: Progress) -> None:
        self._ids = ids
        self._clock = clock
        self._progress = progress

    def apply(
        self, tx: Tx, session: Session, event: MessageReceived, *, chat: Chat, author_id: int, is_quiet: bool
    ) -> None:
        """Apply one reaction, edit or revocation; ``is_quiet`` tells nobody."""
        content = event.content
        assert isinstance(content, (Reaction, Edit, Revoke))
        entry = store.find_by_wa_id(
            tx, org_id=session.org_id, session_id=session.id, wa_id=content.target.wa_id, chat_id=chat.id
        )
        if entry is None:
            log.info("change of an unknown message", session_id=render_id("ses", session.id))
            return
        if isinstance(content, Reaction):
            self._react(tx, entry, content, event, author_id=author_id, is_quiet=is_quiet)
        elif entry.message.author_id != author_id and not (isinstance(content, Revoke) and chat.jid is not None):
            # In a group an administrator may delete what others wrote; nobody may edit it.
            log.warning("change by another than the author", message_id=render_id("msg", entry.message.id))
        elif isinstance(content, Edit):
            self._edit(tx, entry, content, event, is_quiet=is_quiet)
        else:
            self._revoke(tx, entry, event, is_quiet=is_quiet)

    def note_own_reaction(self, tx: Tx, entry: Entry) -> None:
        """A reaction that we sent has arrived at WhatsApp: it counts among those of its target."""
        content, message = decode_content(entry.message.content), entry.message
        if not isinstance(content, Reaction):
            return
        target = store.find_by_wa_id(
            tx,
            org_id=message.org_id,
            session_id=message.session_id,
            wa_id=content.target.wa_id,
            chat_id=message.chat_id,
        )
        if target is not None:
            self._set_emoji(tx, target, content.emoji, author_id=0, at=self._clock.now(), is_quiet=False)

    def _react(
        self, tx: Tx, entry: Entry, content: Reaction, event: MessageReceived, *, author_id: int, is_quiet: bool
    ) -> None:
        at = from_epoch(event.timestamp)
        self._set_emoji(tx, entry, content.emoji, author_id=author_id, at=at, is_quiet=is_quiet)

    def _set_emoji(self, tx: Tx, entry: Entry, emoji: str, *, author_id: int, at: datetime, is_quiet: bool) -> None:
        message = entry.message
        emoji = emoji.replace("\x00", "")[:_EMOJI_LIMIT]
        is_new = store.set_reaction(
            tx, org_id=message.org_id, message_id=message.id, author_id=author_id, emoji=emoji, at=at
        )
        if is_new and not is_quiet:
            by = render_id("con", author_id) if author_id else None
            self._progress.announce(tx, entry, "message.reaction", emoji=emoji, by=by)

    def _edit(self, tx: Tx, entry: Entry, content: Edit, event: MessageReceived, *, is_quiet: bool) -> None:
        message = entry.message
        # WhatsApp's clock has whole seconds: an edit may seem older than its message, and as old as the edit before it.
        edited_at = max(from_epoch(event.timestamp), message.created_at)
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

    def _revoke(self, tx: Tx, entry: Entry, event: MessageReceived, *, is_quiet: bool) -> None:
        if not may_follow(entry.message.state, MessageState.REVOKED):
            return
        self._progress.move(tx, entry, MessageState.REVOKED, at=from_epoch(event.timestamp), quiet=True)
        if not is_quiet:
            self._progress.announce(tx, entry, "message.revoked")


def _with_words(content: Content, words: str) -> Content | None:
    """The same content with other words; None where it has none to change."""
    if isinstance(content, Text):
        return Text(body=words)
    if isinstance(content, (Image, Video, Document)):
        return msgspec.structs.replace(content, caption=words)
    return None
