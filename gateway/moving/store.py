"""Queries on moves."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from gateway.db.tx import Tx
from gateway.moving.models import MoveKind, SessionMove


def moves_of(tx: Tx, *, org_id: int, account: str) -> Sequence[SessionMove]:
    """Every move of an account that this gateway took part in, newest first."""
    statement = select(SessionMove).where(SessionMove.org_id == org_id, SessionMove.account == account)
    return tx.session.scalars(statement.order_by(SessionMove.id.desc())).all()


def last_departure(tx: Tx, *, org_id: int, session_id: int) -> SessionMove | None:
    """The newest move that took the session's phone away."""
    statement = select(SessionMove).where(
        SessionMove.org_id == org_id, SessionMove.session_id == session_id, SessionMove.kind == MoveKind.OUT
    )
    return tx.session.scalars(statement.order_by(SessionMove.id.desc())).first()
