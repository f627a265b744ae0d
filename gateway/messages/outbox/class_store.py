"""Statements that keep the classes of a chat's waiting messages true."""

from __future__ import annotations

from typing import Final, cast

from sqlalchemy import Table, Update, bindparam, case, text, update

from gateway.chats.models import Chat
from gateway.db.tx import Tx
from gateway.messages.models import Hold, Message
from gateway.messages.states import MessageState
from gateway.pacing.classes import MARKETING, NEW, PaceClass

_TABLE: Final = cast(Table, Message.__table__)

#: In words, not as parameters: only so does SQLite see that the small index of waiting messages answers it.
_IS_WAITING: Final = text("state IN ('queued', 'scheduled')")


def _waiting_of_chat() -> Update:
    return update(_TABLE).where(
        _TABLE.c.org_id == bindparam("org"),
        _TABLE.c.chat_id == bindparam("chat"),
        _IS_WAITING,
    )


_AS_REPLIES: Final = _waiting_of_chat().values(
    pace_class=case((_TABLE.c.purpose == MARKETING, PaceClass.MARKETING.value), else_=PaceClass.REPLY.value)
)
_AS_KNOWN: Final = (
    _waiting_of_chat()
    .where(_TABLE.c.pace_class.in_([one.value for one in NEW]))
    .values(pace_class=_TABLE.c.pace_class - 1)
)


def mark_as_replies(tx: Tx, chat: Chat) -> None:
    """What waits for this chat is an answer from now on, except for marketing."""
    tx.execute(_AS_REPLIES, {"org": chat.org_id, "chat": chat.id})


def end_holds_of_gate(tx: Tx, *, org_id: int, session_id: int) -> None:
    """Whatever the gate has put off is judged anew."""
    held = (
        _TABLE.c.org_id == org_id,
        _TABLE.c.session_id == session_id,
        _TABLE.c.state == MessageState.QUEUED.value,
        _TABLE.c.hold == Hold.GATE.value,
    )
    tx.execute(update(_TABLE).where(*held).values(hold=None, reason=None))


def mark_as_known(tx: Tx, chat: Chat) -> None:
    """What waits for this chat is for somebody we know."""
    tx.execute(_AS_KNOWN, {"org": chat.org_id, "chat": chat.id})
