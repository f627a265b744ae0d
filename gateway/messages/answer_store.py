"""Queries on votes, answers to appointments, albums, pins and timers. Every one names the organization."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select

from gateway.contacts.models import Contact
from gateway.db.tx import Tx
from gateway.messages.models import AlbumPart, ChatTimer, Message, MessageAnswer, MessagePin


def set_answer(
    tx: Tx, *, org_id: int, message_id: int, author_id: int, options: Sequence[str], guests: int, at: datetime
) -> bool:
    """Replace a person's answer; False where it is older than the known one, or says the same."""
    row = tx.session.get(MessageAnswer, {"message_id": message_id, "author_id": author_id})
    if row is None:
        tx.add(
            MessageAnswer(
                org_id=org_id, message_id=message_id, author_id=author_id, options=list(options), guests=guests, at=at
            )
        )
        return True
    if row.at > at or (row.options == list(options) and row.guests == guests):
        return False
    row.options, row.guests, row.at = list(options), guests, at
    tx.session.flush()
    return True


def list_answers(tx: Tx, *, org_id: int, message_id: int) -> Sequence[MessageAnswer]:
    """Everybody's answer to one message."""
    where = (MessageAnswer.org_id == org_id, MessageAnswer.message_id == message_id)
    return tx.execute(select(MessageAnswer).where(*where).order_by(MessageAnswer.at)).scalars().all()


def doers(tx: Tx, *, org_id: int, contact_ids: Collection[int]) -> dict[int, Contact]:
    """Those who did something to messages, by their ids."""
    statement = select(Contact).where(Contact.org_id == org_id, Contact.id.in_(contact_ids))
    return {contact.id: contact for contact in tx.session.scalars(statement)}


def set_pin(tx: Tx, *, org_id: int, message_id: int, author_id: int, at: datetime, until: datetime | None) -> bool:
    """Pin a message, or take the pin away; False where nothing changes."""
    row = tx.session.get(MessagePin, message_id)
    if until is None:
        if row is not None:
            tx.session.delete(row)
            tx.session.flush()
        return row is not None
    if row is None:
        tx.add(MessagePin(org_id=org_id, message_id=message_id, author_id=author_id, at=at, until=until))
        return True
    is_new = row.until != until
    row.author_id, row.at, row.until = author_id, at, until
    tx.session.flush()
    return is_new


def find_pin(tx: Tx, *, org_id: int, message_id: int) -> MessagePin | None:
    """The pin of one message."""
    where = (MessagePin.org_id == org_id, MessagePin.message_id == message_id)
    return tx.session.scalar(select(MessagePin).where(*where))


def set_timer(tx: Tx, *, org_id: int, chat_id: int, seconds: int, at: datetime) -> None:
    """The newest word on how long messages of a chat are kept."""
    row = tx.session.get(ChatTimer, chat_id)
    if row is None:
        tx.add(ChatTimer(org_id=org_id, chat_id=chat_id, seconds=seconds, at=at))
    elif row.at <= at:
        row.seconds, row.at = seconds, at
        tx.session.flush()


def timer_of(tx: Tx, *, org_id: int, chat_id: int) -> int:
    """For how many seconds messages of a chat are kept; 0: for good."""
    where = (ChatTimer.org_id == org_id, ChatTimer.chat_id == chat_id)
    return tx.session.scalar(select(ChatTimer.seconds).where(*where)) or 0


def join_album(tx: Tx, *, org_id: int, message_id: int, album_id: int) -> None:
    """A message belongs to an album."""
    tx.add(AlbumPart(org_id=org_id, message_id=message_id, album_id=album_id))


def album_of(tx: Tx, *, org_id: int, message_id: int) -> Message | None:
    """The album that a message belongs to."""
    statement = (
        select(Message)
        .join(AlbumPart, AlbumPart.album_id == Message.id)
        .where(AlbumPart.org_id == org_id, AlbumPart.message_id == message_id)
    )
    return tx.session.scalar(statement)


def parts_of_album(tx: Tx, *, org_id: int, album_id: int) -> Sequence[int]:
    """The messages of an album, in their order."""
    where = (AlbumPart.org_id == org_id, AlbumPart.album_id == album_id)
    statement = select(AlbumPart.message_id).where(*where).order_by(AlbumPart.message_id)
    return tx.execute(statement).scalars().all()
