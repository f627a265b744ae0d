"""People: how the first one gets in, how they sign in and out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from gateway.access import secrets, store
from gateway.access.errors import EmailTakenError, SetupLinkUnusableError, WrongPasswordError
from gateway.access.models import Role, SetupLink, SignIn, User
from gateway.access.passwords import Passwords
from gateway.access.throttle import SignInThrottle
from gateway.db.tx import Database, Tx
from gateway.kit.clock import Clock
from gateway.kit.errors import FieldError, InvalidError
from gateway.kit.ids import IdGenerator, render_id

log = structlog.get_logger(__name__)

_SETUP_LINK_HOURS: Final = 24
_EMAIL: Final = re.compile(r"[^\s@<>\"]{1,64}@[^\s@<>\"]{1,189}")


@dataclass(frozen=True)
class SignedIn:
    """Who has signed in, and the token for their cookie, which is known only now."""

    user: User
    token: str
    max_age_seconds: int


class Accounts:
    """Users and their sign-ins. Hashing passwords takes long, so these work outside transactions, too."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        ids: IdGenerator,
        passwords: Passwords,
        throttle: SignInThrottle,
        sign_in_days: float = 30,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._passwords = passwords
        self._throttle = throttle
        self._sign_in_life = timedelta(days=sign_in_days)
        self._sign_out_listeners: list[Callable[[], None]] = []

    def when_signed_out(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called on the event loop once a sign-out is committed."""
        self._sign_out_listeners.append(callback)

    async def make_setup_link(self, *, org_id: int) -> str | None:
        """The token of a new set-up link, in place of older ones; None when somebody can sign in already."""
        token = secrets.make_token()
        made = await self._database.write(lambda tx: self._make_setup_link(tx, org_id, token))
        return token if made else None

    async def is_usable_setup_link(self, token: str) -> bool:
        """Whether a set-up link still opens, for the page behind it."""
        found = await self._database.read(lambda tx: store.find_setup_link(tx, secrets.digest(token)))
        return found is not None and found.used_at is None and found.expires_at > self._clock.now()

    async def set_up(self, *, token: str, name: str, email: str, password: str) -> SignedIn:
        """Make the owner, use the link up and sign them in; raises SetupLinkUnusableError."""
        if not await self.is_usable_setup_link(token):
            raise SetupLinkUnusableError
        address = clean_email(email)
        password_hash = await self._passwords.hash(password)

        def work(tx: Tx) -> SignedIn:
            link = store.find_setup_link(tx, secrets.digest(token))
            if link is None or not store.use_setup_link(tx, link.token_hash, now=self._clock.now()):
                raise SetupLinkUnusableError
            owner = self._add_user(tx, link.org_id, name, address, password_hash, Role.OWNER)
            return self._sign_in(tx, owner)

        signed_in = await self._database.write(work)
        log.info("owner set up", user_id=render_id("usr", signed_in.user.id))
        return signed_in

    async def add_user(self, *, org_id: int, name: str, email: str, password: str, role: Role = Role.ADMIN) -> User:
        """A new user; raises EmailTakenError."""
        address = clean_email(email)
        password_hash = await self._passwords.hash(password)
        return await self._database.write(lambda tx: self._add_user(tx, org_id, name, address, password_hash, role))

    async def sign_in(self, *, email: str, password: str, address: str) -> SignedIn:
        """Sign a user in from a network address; raises WrongPasswordError or TooManyError."""
        account = email.strip().lower()
        self._throttle.attempt(account, address)
        user = await self._database.read(lambda tx: store.find_user_by_email(tx, account))
        known_hash = user.password_hash if user is not None and user.active else None
        if not await self._passwords.verify(password, known_hash) or user is None:
            log.info("sign-in refused")
            raise WrongPasswordError
        self._throttle.succeeded(account, address)
        renewed = await self._passwords.hash(password) if self._passwords.is_outdated(user.password_hash) else None
        signed_in = await self._database.write(lambda tx: self._sign_in_again(tx, user, renewed))
        log.info("user signed in", user_id=render_id("usr", user.id))
        return signed_in

    async def sign_out(self, token: str) -> None:
        """End the sign-in behind a cookie's token; one that has ended already is fine."""

        def work(tx: Tx) -> None:
            store.end_sign_in(tx, secrets.digest(token))
            for callback in self._sign_out_listeners:
                tx.after_commit(callback)

        await self._database.write(work)

    def forget_expired_sign_ins(self, tx: Tx) -> int:
        """Delete what no longer signs anybody in; give how many went."""
        return store.drop_expired_sign_ins(tx, self._clock.now())

    async def find_user(self, *, org_id: int, user_id: int) -> User | None:
        """A user of an organization."""
        return await self._database.read(lambda tx: store.find_user(tx, org_id=org_id, user_id=user_id))

    def _make_setup_link(self, tx: Tx, org_id: int, token: str) -> bool:
        store.drop_setup_links(tx, org_id=org_id)
        if store.has_users(tx, org_id=org_id):
            return False
        now = self._clock.now()
        tx.add(
            SetupLink(
                id=self._ids.new(),
                org_id=org_id,
                token_hash=secrets.digest(token),
                created_at=now,
                expires_at=now + timedelta(hours=_SETUP_LINK_HOURS),
            )
        )
        return True

    def _add_user(self, tx: Tx, org_id: int, name: str, email: str, password_hash: str, role: Role) -> User:
        if store.find_user_by_email(tx, email) is not None:
            raise EmailTakenError
        now = self._clock.now()
        user = User(
            id=self._ids.new(),
            org_id=org_id,
            email=email,
            name=name,
            role=role,
            password_hash=password_hash,
            active=True,
            created_at=now,
            updated_at=now,
        )
        tx.add(user)
        return user

    def _sign_in_again(self, tx: Tx, known: User, renewed_hash: str | None) -> SignedIn:
        user = store.find_user(tx, org_id=known.org_id, user_id=known.id)
        if user is None or not user.active or user.password_hash != known.password_hash:
            raise WrongPasswordError  # changed while the password was being verified
        if renewed_hash is not None:
            user.password_hash = renewed_hash
        return self._sign_in(tx, user)

    def _sign_in(self, tx: Tx, user: User) -> SignedIn:
        now = self._clock.now()
        token = secrets.make_token()
        user.signed_in_at = now
        tx.add(
            SignIn(
                id=self._ids.new(),
                org_id=user.org_id,
                user_id=user.id,
                token_hash=secrets.digest(token),
                created_at=now,
                seen_at=now,
                expires_at=now + self._sign_in_life,
            )
        )
        return SignedIn(user=user, token=token, max_age_seconds=int(self._sign_in_life.total_seconds()))


def clean_email(text: str) -> str:
    """An e-mail address in the form that we keep; raises InvalidError."""
    address = text.strip().lower()
    if _EMAIL.fullmatch(address) is None:
        raise InvalidError(fields=(FieldError(path="email", problem="Must be an e-mail address"),))
    return address
