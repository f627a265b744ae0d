"""Statements on organizations."""

from __future__ import annotations

from datetime import datetime

from gateway.db.tx import Tx
from gateway.orgs.models import Org


def find(tx: Tx, org_id: int) -> Org | None:
    """The organization with this id."""
    return tx.session.get(Org, org_id)


def add(tx: Tx, *, org_id: int, name: str, now: datetime) -> Org:
    """A new organization."""
    row = Org(id=org_id, name=name, created_at=now, updated_at=now)
    tx.add(row)
    return row
