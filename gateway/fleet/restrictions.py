"""What WhatsApp does not let a session do: which kind, since and until when, and what a person should know."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from gateway.fleet.models import Session
from sessions.status import Reason, sentence

#: WhatsApp does not say how long it refuses new chats. After this long one may be tried again.
TIMELOCK_LASTS = timedelta(hours=24)
#: A temporary ban of unknown length: when to try again.
BAN_OF_UNKNOWN_LENGTH = timedelta(hours=24)
TIMELOCK_CODE = 463


class RestrictionKind(StrEnum):
    """What WhatsApp refuses. All but the time-lock keep the session from connecting."""

    TEMPORARY_BAN = "temporary_ban"
    BANNED = "banned"
    LOCKED = "locked"
    LOGGED_OUT = "logged_out"
    REPLACED = "replaced"
    OUTDATED = "outdated"
    TIMELOCK = "timelock"  #: messages to people it never wrote with are refused; all others go


_KINDS: dict[Reason, RestrictionKind] = {
    Reason.TEMPORARY_BAN: RestrictionKind.TEMPORARY_BAN,
    Reason.ACCOUNT_BANNED: RestrictionKind.BANNED,
    Reason.ACCOUNT_LOCKED: RestrictionKind.LOCKED,
    Reason.UNLINKED_FROM_PHONE: RestrictionKind.LOGGED_OUT,
    Reason.CONNECTED_ELSEWHERE: RestrictionKind.REPLACED,
    Reason.ENGINE_OUTDATED: RestrictionKind.OUTDATED,
}
_REASONS = {kind: reason for reason, kind in _KINDS.items()}

#: WhatsApp's own number for a temporary ban, and what it means.
BAN_SENTENCES: dict[int, str] = {
    101: "Too many messages went to people who do not have this number in their address books.",
    102: "Too many people blocked this number.",
    103: "Too many groups were made with people who do not have this number in their address books.",
    104: "The same message went to too many people.",
    106: "Too many messages went to a broadcast list.",
}
_BAN_SENTENCE = (
    "WhatsApp has banned this number for a time. {cause} It connects again by itself when the ban has ended."
)
_TIMELOCK_SENTENCE = (
    "WhatsApp does not let this number start new chats for now. Messages to people it has written with before still "
    "go. Write to fewer strangers; new chats are tried again later."
)


def kind_of(reason: Reason | None) -> RestrictionKind | None:
    """The restriction that a session's reason stands for, if it is one."""
    return None if reason is None else _KINDS.get(reason)


def explain(kind: RestrictionKind, code: int | None = None) -> str:
    """What a person should know and do."""
    if kind is RestrictionKind.TIMELOCK:
        return _TIMELOCK_SENTENCE
    if kind is RestrictionKind.TEMPORARY_BAN:
        cause = BAN_SENTENCES.get(code or 0, "WhatsApp did not say why.")
        return _BAN_SENTENCE.format(cause=cause)
    return sentence(_REASONS[kind])


def current_kind(session: Session) -> RestrictionKind | None:
    """What restricts the session now; what keeps it from connecting comes before what only limits it."""
    if session.restriction is not None:
        return RestrictionKind(session.restriction)
    return RestrictionKind.TIMELOCK if session.timelocked_until is not None else None


def is_timelocked(session: Session, *, at: datetime) -> bool:
    """Whether messages to people the session never wrote with are to be held back."""
    return session.timelocked_until is not None and at < session.timelocked_until
