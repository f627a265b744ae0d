"""The classes of outgoing messages that rules hold back together, and which class a message is in."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from gateway.chats.models import Chat
from sessions.address import AddressKind

#: Whoever wrote to us within this time expects an answer.
REPLY_WINDOW: Final = timedelta(hours=24)

MARKETING: Final = "marketing"
#: Purposes of messages that somebody waits for.
AWAITED: Final = frozenset({"reply", "service", "transactional", "auth"})


class PaceClass(IntEnum):
    """What kind of message to whom. ``NEW``: to a person this session has never written with."""

    REPLY = 0
    AWAITED = 1
    AWAITED_NEW = 2
    PLAIN = 3  #: nobody said what it is for
    PLAIN_NEW = 4
    MARKETING = 5
    MARKETING_NEW = 6

    @property
    def is_first_contact(self) -> bool:
        """Whether it begins a new chat with a stranger."""
        return self in NEW

    @property
    def rank(self) -> int:
        """What is awaited goes before the rest, marketing goes last; within one priority."""
        return _RANKS[self]


_RANKS: Final = {
    PaceClass.REPLY: 0,
    PaceClass.AWAITED: 0,
    PaceClass.AWAITED_NEW: 0,
    PaceClass.PLAIN: 1,
    PaceClass.PLAIN_NEW: 1,
    PaceClass.MARKETING: 2,
    PaceClass.MARKETING_NEW: 2,
}

NEW: Final = frozenset({PaceClass.AWAITED_NEW, PaceClass.PLAIN_NEW, PaceClass.MARKETING_NEW})
PLAIN_ONES: Final = frozenset({PaceClass.PLAIN, PaceClass.PLAIN_NEW})
MARKETING_ONES: Final = frozenset({PaceClass.MARKETING, PaceClass.MARKETING_NEW})
#: Caps and rates hold back everything but replies.
UNASKED: Final = frozenset(PaceClass) - {PaceClass.REPLY}


def classify(*, purpose: str | None, chat: Chat, at: datetime) -> PaceClass:
    """The class of a message at a moment. Marketing stays marketing, whoever wrote last."""
    if purpose != MARKETING and chat.last_in_at is not None and chat.last_in_at > at - REPLY_WINDOW:
        return PaceClass.REPLY
    base = PaceClass.MARKETING if purpose == MARKETING else PaceClass.PLAIN
    if purpose in AWAITED:
        base = PaceClass.AWAITED
    is_new = chat.kind == AddressKind.PERSON and chat.last_in_at is None and chat.last_out_at is None
    return PaceClass(base + 1) if is_new else base
