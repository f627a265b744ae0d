"""API keys, and the principals that keys and users stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from gateway.access import secrets, store
from gateway.access.errors import KeyNotFoundError
from gateway.access.models import ApiKey, User
from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.kit.clock import Clock
from gateway.kit.errors import FieldError, InvalidError
from gateway.kit.ids import IdGenerator, render_id
from gateway.principal import Principal, PrincipalKind

EVERYTHING = ("*",)


class Access:
    """Makes, lists and revokes API keys."""

    def __init__(self, *, clock: Clock, ids: IdGenerator, events: EventLog) -> None:
        self._clock = clock
        self._ids = ids
        self._events = events
        self._revocation_listeners: list[Callable[[], None]] = []

    def when_revoked(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called on the event loop once a revocation is committed."""
        self._revocation_listeners.append(callback)

    def create_key(
        self,
        tx: Tx,
        *,
        org_id: int,
        name: str,
        scopes: Sequence[str] = EVERYTHING,
        session_ids: Sequence[int] | None = None,
        expires_at: datetime | None = None,
        user_id: int | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key: its row, and the key itself, which is known only now."""
        now = self._clock.now()
        if expires_at is not None and expires_at <= now:
            raise InvalidError(fields=(FieldError(path="expires_at", problem="Must be in the future"),))
        plaintext = secrets.make_key()
        row = ApiKey(
            id=self._ids.new(),
            org_id=org_id,
            user_id=user_id,
            name=name,
            hint=secrets.hint_of(plaintext),
            key_hash=secrets.digest(plaintext),
            scopes=list(scopes),
            session_ids=None if session_ids is None else sorted(set(session_ids)),
            created_at=now,
            expires_at=expires_at,
        )
        tx.add(row)
        self._emit(tx, "api_key.created", row)
        return row, plaintext

    def page_of_keys(self, tx: Tx, *, org_id: int, before: int | None, limit: int) -> Sequence[ApiKey]:
        """Keys, newest first; revoked ones too."""
        return store.page_of_keys(tx, org_id=org_id, before=before, limit=limit)

    def revoke_key(self, tx: Tx, *, org_id: int, key_id: int) -> None:
        """End a key for good. Ending it again changes nothing."""
        row = store.find_key(tx, org_id=org_id, key_id=key_id)
        if row is None:
            raise KeyNotFoundError
        if row.revoked_at is None:
            row.revoked_at = self._clock.now()
            self._emit(tx, "api_key.revoked", row)
        for callback in self._revocation_listeners:
            tx.after_commit(callback)

    def _emit(self, tx: Tx, type_: str, row: ApiKey) -> None:
        data: dict[str, Any] = {"id": render_id("key", row.id), "name": row.name}
        self._events.emit(tx, org_id=row.org_id, type=type_, subject=("api_key", row.id), data=data)


def principal_of_key(row: ApiKey) -> Principal:
    """Whom a key stands for."""
    return Principal(
        org_id=row.org_id,
        kind=PrincipalKind.API_KEY,
        subject_id=row.id,
        scopes=tuple(row.scopes),
        session_ids=None if row.session_ids is None else frozenset(row.session_ids),
    )


def principal_of_user(row: User) -> Principal:
    """Whom a signed-in user stands for. Owners and admins may do everything; finer roles come with members."""
    return Principal(org_id=row.org_id, kind=PrincipalKind.USER, subject_id=row.id, scopes=EVERYTHING)
