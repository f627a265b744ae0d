"""Applies votes, answers to appointments and pins to the message that they are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from gateway.db.tx import Tx
from gateway.fleet.models import Session
from gateway.kit.ids import render_id
from gateway.kit.times import render_time
from gateway.messages import answer_store
from gateway.messages.codec import decode_content
from gateway.messages.models import Direction
from gateway.messages.outbox.envelopes import own_address
from gateway.messages.progress import Progress
from gateway.messages.render import render_doer
from gateway.messages.store import Entry
from gateway.messages.tally import tally, voter
from sessions.address import Address
from sessions.content import CalendarEvent, EventReply, Pin, Poll, PollVote
from sessions.sealed import Opener

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Deed:
    """Who did something to a message, and when; ``author_id`` is 0 for the linked account itself."""

    author_id: int
    author: Address
    at: datetime
    is_quiet: bool = False


class Answers:
    """Keeps one answer for each person, the newest."""

    def __init__(self, *, progress: Progress) -> None:
        self._progress = progress

    def vote(self, tx: Tx, session: Session, entry: Entry, vote: PollVote, deed: Deed) -> None:
        """Somebody has voted, otherwise than before, or has taken the vote back."""
        poll, options = decode_content(entry.message.content), vote.options
        if vote.sealed is not None:
            opener = _opener(entry, session)
            opened = None
            if isinstance(poll, Poll) and opener is not None:
                opened = opener.open_vote(vote.sealed, voter=deed.author, options=poll.options)
            if opened is None:
                self._cannot_open(tx, entry, deed)
                return
            options = opened
        if self._keep(tx, entry, list(options), 0, deed):
            self._tell(tx, entry, "poll.vote", deed, options=list(options))

    def reply(self, tx: Tx, session: Session, entry: Entry, reply: EventReply, deed: Deed) -> None:
        """Somebody says whether they come."""
        answer, guests = reply.answer, reply.guests
        if reply.sealed is not None:
            opener = _opener(entry, session)
            opened = opener.open_reply(reply.sealed, guest=deed.author) if opener is not None else None
            if opened is None or not isinstance(decode_content(entry.message.content), CalendarEvent):
                self._cannot_open(tx, entry, deed)
                return
            answer, guests = opened
        if answer is not None and self._keep(tx, entry, [answer], guests, deed):
            self._tell(tx, entry, "event.reply", deed, answer=answer, guests=guests)

    def pin(self, tx: Tx, entry: Entry, pin: Pin, deed: Deed) -> None:
        """A message was put on top of its chat, or taken away from there."""
        message = entry.message
        until = deed.at + timedelta(seconds=pin.seconds) if pin.seconds else None
        is_new = answer_store.set_pin(
            tx, org_id=message.org_id, message_id=message.id, author_id=deed.author_id, at=deed.at, until=until
        )
        if is_new and not deed.is_quiet:
            kind = "message.pinned" if until is not None else "message.unpinned"
            self._progress.announce(
                tx, entry, kind, **said_by(tx, entry, deed.author_id), pinned_until=render_time(until)
            )

    def _keep(self, tx: Tx, entry: Entry, options: list[str], guests: int, deed: Deed) -> bool:
        message = entry.message
        return answer_store.set_answer(
            tx,
            org_id=message.org_id,
            message_id=message.id,
            author_id=deed.author_id,
            options=options,
            guests=guests,
            at=deed.at,
        )

    def _tell(self, tx: Tx, entry: Entry, kind: str, deed: Deed, **more: object) -> None:
        if deed.is_quiet:
            return
        message = entry.message
        answers = answer_store.list_answers(tx, org_id=message.org_id, message_id=message.id)
        results = tally(decode_content(message.content), answers)
        self._progress.announce(tx, entry, kind, **said_by(tx, entry, deed.author_id), results=results, **more)

    def _cannot_open(self, tx: Tx, entry: Entry, deed: Deed) -> None:
        log.warning("an answer cannot be opened", message_id=render_id("msg", entry.message.id))
        if not deed.is_quiet:
            self._progress.announce(tx, entry, "answer.unreadable", **said_by(tx, entry, deed.author_id))


def said_by(tx: Tx, entry: Entry, author_id: int) -> dict[str, object]:
    """Who did it, as events tell it: the id, and every name known."""
    found = answer_store.doers(tx, org_id=entry.message.org_id, contact_ids=[author_id])
    return {"by": voter(author_id), "who": render_doer(found.get(author_id))}


def _opener(entry: Entry, session: Session) -> Opener | None:
    message = entry.message
    if message.secret is None or message.wa_id is None:
        return None
    if message.direction == Direction.OUT:
        author = own_address(session)
    elif entry.contact is not None:
        author = entry.contact.address
    else:
        return None
    return Opener(secret=message.secret, wa_id=message.wa_id, author=author)
