"""Queries on linked phones and pairing links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.exc import IntegrityError

from gateway.db.tx import Tx
from gateway.fleet.models import PairingLink, Session
from sessions.status import Reason, SessionStatus

_AT_REST = (
    SessionStatus.STOPPED,
    SessionStatus.LOGGED_OUT,
    SessionStatus.BANNED,
    SessionStatus.REPLACED,
    SessionStatus.OUTDATED,
    SessionStatus.PASSKEY_REQUIRED,
    SessionStatus.FAILED,
)
# Asked with every message, hence built once.
_BY_ID: Final = select(Session).where(Session.id == bindparam("session"))
_BY_NAME: Final = select(Session).where(
    Session.org_id == bindparam("org"), Session.name == bindparam("name"), Session.removed_at.is_(None)
)

_BY_NUMBER: Final = select(Session).where(
    Session.org_id == bindparam("org"),
    Session.phone == bindparam("phone"),
    Session.paired_at.is_not(None),
    Session.removed_at.is_(None),
)


def find(tx: Tx, *, org_id: int, session_id: int) -> Session | None:
    """A session of the organization that has not been removed."""
    found = tx.session.get(Session, session_id)
    return found if found is not None and found.org_id == org_id and found.removed_at is None else None


def find_by_name(tx: Tx, *, org_id: int, name: str) -> Session | None:
    return tx.session.scalar(_BY_NAME, {"org": org_id, "name": name})


def find_by_number(tx: Tx, *, org_id: int, digits: str) -> Session | None:
    """The session to which the phone with this number is linked."""
    return tx.session.scalar(_BY_NUMBER, {"org": org_id, "phone": f"+{digits}"})


def find_any(tx: Tx, *, session_id: int) -> Session | None:
    """A session by its id alone, removed or not: for what the engine reports, which knows no organization."""
    return tx.session.scalar(_BY_ID, {"session": session_id})


def find_to_change(tx: Tx, *, session_id: int) -> Session | None:
    """A session by its id alone, for somebody whose next step hangs on what the row says: others wait their turn."""
    return tx.session.get(Session, session_id, with_for_update=True)


def keep_identity(tx: Tx, session: Session, values: Mapping[str, object]) -> bool:
    """Write who is linked; False, and nothing is written, when the same account is linked to another session."""
    try:
        with tx.session.begin_nested():
            for column, value in values.items():
                setattr(session, column, value)
    except IntegrityError:
        return False
    return True


def find_linked(tx: Tx, *, org_id: int, pn: str | None, lid: str | None, but: int) -> Session | None:
    """Another session of the organization to which the same account is linked."""
    same = [column == value for column, value in ((Session.pn, pn), (Session.lid, lid)) if value]
    if not same:
        return None
    condition = same[0] if len(same) == 1 else same[0] | same[1]
    statement = select(Session).where(
        Session.org_id == org_id,
        Session.id != but,
        Session.paired_at.is_not(None),
        Session.removed_at.is_(None),
        condition,
    )
    return tx.session.scalars(statement).first()


def find_left(tx: Tx, *, org_id: int, account: str) -> Session | None:
    """The session that this account has left for another gateway, newest first."""
    statement = select(Session).where(
        Session.org_id == org_id,
        Session.pn == account,
        Session.paired_at.is_(None),
        Session.removed_at.is_(None),
        Session.reason == Reason.MOVED_AWAY,
    )
    return tx.session.scalars(statement.order_by(Session.id.desc())).first()


def page(
    tx: Tx,
    *,
    org_id: int,
    after: int | None,
    limit: int,
    status: SessionStatus | None,
    only: frozenset[int] | None,
) -> Sequence[Session]:
    """Sessions in the order they were made."""
    statement = select(Session).where(Session.org_id == org_id, Session.removed_at.is_(None))
    if after is not None:
        statement = statement.where(Session.id > after)
    if status is not None:
        statement = statement.where(Session.status == status)
    if only is not None:
        statement = statement.where(Session.id.in_(only))
    return tx.session.scalars(statement.order_by(Session.id).limit(limit)).all()


def statuses(tx: Tx) -> Mapping[int, str]:
    """The status of every session that has not been removed, of all organizations."""
    rows = tx.execute(select(Session.id, Session.status).where(Session.removed_at.is_(None)))
    return {row.id: row.status for row in rows}


def all_present(tx: Tx) -> Sequence[Session]:
    """Every session that has not been removed, of all organizations, oldest first."""
    return tx.session.scalars(select(Session).where(Session.removed_at.is_(None)).order_by(Session.id)).all()


def all_restricted(tx: Tx) -> Sequence[Session]:
    """Every session that WhatsApp restricts, of all organizations."""
    restricted = Session.restriction.is_not(None) | Session.timelocked_until.is_not(None)
    return tx.session.scalars(select(Session).where(restricted, Session.removed_at.is_(None))).all()


def all_to_reconcile(tx: Tx) -> Sequence[Session]:
    """Every session the engine may have to do something about, of all organizations."""
    wanted = Session.paired_at.is_not(None) | Session.unlink_due | Session.forget_due
    return tx.session.scalars(select(Session).where(wanted).order_by(Session.id)).all()


def all_unpaired(tx: Tx) -> Sequence[Session]:
    """Every session that no phone is linked to, and whose keys are not about to go, of all organizations."""
    statement = select(Session).where(Session.paired_at.is_(None), Session.removed_at.is_(None))
    statement = statement.where(Session.unlink_due.is_(False), Session.forget_due.is_(False))
    return tx.session.scalars(statement.order_by(Session.id)).all()


def settle_stale(tx: Tx, *, now: datetime) -> None:
    """After a start of the daemon nothing runs yet, whatever the rows say."""
    tx.execute(
        update(Session)
        .where(Session.status.not_in(_AT_REST) | Session.live)
        .values(
            status=SessionStatus.STOPPED,
            live=False,
            status_at=now,
            updated_at=now,
            degraded_at=None,
            degraded_reason=None,
        )
    )


def find_link(tx: Tx, *, token_hash: bytes) -> PairingLink | None:
    return tx.session.scalar(select(PairingLink).where(PairingLink.token_hash == token_hash))


def void_links(tx: Tx, *, session_id: int, org_id: int, now: datetime) -> int:
    """Void every link of the session that still works; give how many there were."""
    statement = (
        update(PairingLink)
        .where(PairingLink.org_id == org_id, PairingLink.session_id == session_id)
        .where(PairingLink.used_at.is_(None), PairingLink.voided_at.is_(None), PairingLink.expires_at > now)
        .values(voided_at=now)
    )
    return int(tx.execute(statement).rowcount)  # type: ignore[attr-defined]


def use_links(tx: Tx, *, session_id: int, org_id: int, now: datetime) -> None:
    """The session is paired: its links have done their work."""
    tx.execute(
        update(PairingLink)
        .where(PairingLink.org_id == org_id, PairingLink.session_id == session_id)
        .where(PairingLink.used_at.is_(None), PairingLink.voided_at.is_(None))
        .values(used_at=now)
    )


def delete_old_links(tx: Tx, *, before: datetime) -> int:
    """Delete links that expired before a moment, of all organizations; give how many went."""
    result = tx.execute(delete(PairingLink).where(PairingLink.expires_at < before))
    return int(getattr(result, "rowcount", 0))
