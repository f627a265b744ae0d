"""What a change of status means for a session's restriction and liveness: written into the row, named as events."""

from __future__ import annotations

from datetime import datetime

from gateway.fleet.models import Session
from gateway.fleet.restrictions import kind_of
from gateway.kit.times import render_time
from sessions.status import NEEDS_A_PERSON, Reason, SessionStatus, sentence

_AT_REST = NEEDS_A_PERSON | {SessionStatus.STOPPED}
#: A session that is away for one of these was connected and yet not alive.
_NOT_ALIVE = frozenset(
    {
        Reason.ENGINE_DEAF,
        Reason.KEEPALIVE_LOST,
        Reason.PROBE_UNANSWERED,
        Reason.JOURNAL_STUCK,
        Reason.WORKER_SILENT,
    }
)


def note_restriction(
    session: Session,
    *,
    status: SessionStatus,
    reason: Reason | None,
    until: datetime | None,
    code: int | None,
    now: datetime,
) -> str | None:
    """Begin, change or end the restriction; give the event that tells of it. Only a connection proves its end."""
    kind = kind_of(reason) if status in NEEDS_A_PERSON else None
    if kind is not None:
        is_new = session.restriction != kind
        session.restriction = kind.value
        session.restriction_code = code
        session.restricted_at = now if is_new else session.restricted_at
        session.restricted_until = until
        return "session.restricted" if is_new else None
    if status is SessionStatus.CONNECTED and session.restriction is not None:
        session.restriction = session.restriction_code = session.restricted_at = session.restricted_until = None
        return "session.unrestricted"
    return None


def note_liveness(
    session: Session, *, was: str, status: SessionStatus, live: bool, reason: Reason | None, now: datetime
) -> tuple[str, dict[str, object]] | None:
    """Begin or end a time without proof of life; give the event that tells of it, and what it says besides."""
    is_troubled = (status is SessionStatus.CONNECTED and not live) or reason in _NOT_ALIVE
    if is_troubled and session.degraded_at is None:
        session.degraded_at = now
        session.degraded_reason = reason
        return "session.degraded", {}
    if session.degraded_at is None:
        return None
    ended: tuple[str, dict[str, object]] | None = None
    if status is SessionStatus.CONNECTED and live:
        ended = "session.recovered", {"recovered_from": _past_trouble(session, was, now)}
    if ended is not None or status in _AT_REST:
        session.degraded_at = session.degraded_reason = None
    return ended


def _past_trouble(session: Session, was: str, now: datetime) -> dict[str, object]:
    assert session.degraded_at is not None
    reason = session.degraded_reason
    return {
        "reason": None if reason is None else {"code": reason, "sentence": sentence(Reason(reason))},
        "since": render_time(session.degraded_at),
        "seconds": round((now - session.degraded_at).total_seconds(), 3),
        "how": "by_itself" if was == SessionStatus.CONNECTED else "reconnected",
    }
