"""Who left and who arrived: what tells a good archive from one whose keys are too old."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from gateway.db.tx import Tx
from gateway.fleet.errors import SessionNotPairedError
from gateway.fleet.models import Session
from gateway.moving import store
from gateway.moving.errors import ArchiveStaleError, ArchiveUsedError
from gateway.moving.models import MoveKind
from gateway.moving.packed import PackedSession


@dataclass(frozen=True, kw_only=True)
class Departure:
    """One move, by the archive that carries it."""

    archive_id: str
    generation: int


def account_of(session: Session) -> str:
    """The WhatsApp account of a session, as moves know it."""
    account = session.pn or session.lid
    if account is None:
        raise SessionNotPairedError
    return account


def next_departure(tx: Tx, session: Session) -> Departure:
    """The move that comes after all that are known of this account."""
    known = store.moves_of(tx, org_id=session.org_id, account=account_of(session))
    return Departure(
        archive_id=secrets.token_hex(16), generation=max((move.generation for move in known), default=0) + 1
    )


def departure_of(tx: Tx, session: Session) -> Departure | None:
    """The move by which the session's phone has left, if it has not come back since."""
    move = store.last_departure(tx, org_id=session.org_id, session_id=session.id)
    return None if move is None else Departure(archive_id=move.archive_id, generation=move.generation)


def demand_usable(tx: Tx, org_id: int, about: PackedSession, *, force: bool) -> None:
    """Raise for an archive whose keys were used since it was made, as far as this gateway can know."""
    if force:
        return
    known = store.moves_of(tx, org_id=org_id, account=about.account)
    if any(move.generation > about.generation for move in known):
        raise ArchiveStaleError
    if any(move.kind == MoveKind.IN and move.archive_id == about.archive_id for move in known):
        raise ArchiveUsedError
