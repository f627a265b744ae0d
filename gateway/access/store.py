"""Statements on users, sign-ins, API keys and set-up links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, exists, select, update

from gateway.access.models import ApiKey, SetupLink, SignIn, User
from gateway.db.tx import Tx


def find_user(tx: Tx, *, org_id: int, user_id: int) -> User | None:
    """The user with this id."""
    return tx.session.scalar(select(User).where(User.org_id == org_id, User.id == user_id))


def find_user_by_email(tx: Tx, email: str) -> User | None:
    """Who signs in with this address; addresses are unique in the installation."""
    return tx.session.scalar(select(User).where(User.email == email))


def has_users(tx: Tx, *, org_id: int) -> bool:
    """Whether anybody can sign in."""
    return bool(tx.session.scalar(select(exists().where(User.org_id == org_id))))


def find_sign_in(tx: Tx, token_hash: bytes) -> tuple[SignIn, User] | None:
    """A sign-in with its user, active or not."""
    statement = select(SignIn, User).join(User, User.id == SignIn.user_id).where(SignIn.token_hash == token_hash)
    row = tx.session.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def end_sign_in(tx: Tx, token_hash: bytes) -> None:
    """Delete one sign-in."""
    tx.execute(delete(SignIn).where(SignIn.token_hash == token_hash))


def end_sign_ins_of(tx: Tx, *, org_id: int, user_id: int) -> None:
    """Delete all sign-ins of a user."""
    tx.execute(delete(SignIn).where(SignIn.org_id == org_id, SignIn.user_id == user_id))


def drop_expired_sign_ins(tx: Tx, now: datetime) -> int:
    """Delete what no longer signs anybody in, of all organizations; give how many went."""
    result = tx.execute(delete(SignIn).where(SignIn.expires_at <= now))
    return int(getattr(result, "rowcount", 0))


def find_key_by_hash(tx: Tx, key_hash: bytes) -> ApiKey | None:
    """The key behind a digest, in force or not."""
    return tx.session.scalar(select(ApiKey).where(ApiKey.key_hash == key_hash))


def find_key(tx: Tx, *, org_id: int, key_id: int) -> ApiKey | None:
    """The key with this id."""
    return tx.session.scalar(select(ApiKey).where(ApiKey.org_id == org_id, ApiKey.id == key_id))


def page_of_keys(tx: Tx, *, org_id: int, before: int | None, limit: int) -> Sequence[ApiKey]:
    """Keys, newest first."""
    statement = select(ApiKey).where(ApiKey.org_id == org_id)
    if before is not None:
        statement = statement.where(ApiKey.id < before)
    return tx.session.scalars(statement.order_by(ApiKey.id.desc()).limit(limit)).all()


def note_key_uses(tx: Tx, uses: Mapping[int, datetime]) -> None:
    """Write when keys were last used."""
    for key_id, at in uses.items():
        tx.execute(update(ApiKey).where(ApiKey.id == key_id).values(used_at=at))


def note_sign_in_uses(tx: Tx, uses: Mapping[int, datetime]) -> None:
    """Write when sign-ins were last used."""
    for sign_in_id, at in uses.items():
        tx.execute(update(SignIn).where(SignIn.id == sign_in_id).values(seen_at=at))


def find_setup_link(tx: Tx, token_hash: bytes) -> SetupLink | None:
    """The set-up link behind a digest, usable or not."""
    return tx.session.scalar(select(SetupLink).where(SetupLink.token_hash == token_hash))


def use_setup_link(tx: Tx, token_hash: bytes, *, now: datetime) -> bool:
    """Use the link up; False when it is used, expired or unknown. Of two at once, one gets True."""
    statement = (
        update(SetupLink)
        .where(SetupLink.token_hash == token_hash, SetupLink.used_at.is_(None), SetupLink.expires_at > now)
        .values(used_at=now)
        .returning(SetupLink.id)
    )
    return tx.execute(statement).first() is not None


def drop_setup_links(tx: Tx, *, org_id: int) -> None:
    """Make all set-up links of an organization useless."""
    tx.execute(delete(SetupLink).where(SetupLink.org_id == org_id))
