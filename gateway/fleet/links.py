"""One-time, expiring links to a page on which a customer links the phone."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from gateway.db.tx import Tx
from gateway.fleet import store
from gateway.fleet.errors import PairingLinkGoneError, SessionNotFoundError
from gateway.fleet.models import PairingLink, Session
from gateway.kit.clock import Clock
from gateway.kit.errors import NotFoundError
from gateway.kit.ids import IdGenerator

_TOKEN_BYTES = 32
_KEPT_DAYS = 30  #: so that an old link says that it has expired rather than that it never was


class PairingLinks:
    """Makes, opens and voids pairing links. The token is given out once; the store has its hash."""

    def __init__(self, *, clock: Clock, ids: IdGenerator) -> None:
        self._clock = clock
        self._ids = ids

    def create(self, tx: Tx, session: Session, *, valid_seconds: int) -> tuple[PairingLink, str]:
        """A link to the session's pairing page; gives the row and the token."""
        now = self._clock.now()
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        link = PairingLink(
            id=self._ids.new(),
            org_id=session.org_id,
            session_id=session.id,
            token_hash=hash_token(token),
            created_at=now,
            expires_at=now + timedelta(seconds=valid_seconds),
        )
        tx.add(link)
        return link, token

    def void(self, tx: Tx, session: Session) -> int:
        """Make every open link of the session useless; give how many there were."""
        return store.void_links(tx, session_id=session.id, org_id=session.org_id, now=self._clock.now())

    def forget_old(self, tx: Tx) -> int:
        """Delete links that expired long ago; give how many went."""
        return store.delete_old_links(tx, before=self._clock.now() - timedelta(days=_KEPT_DAYS))

    def open(self, tx: Tx, token: str) -> tuple[PairingLink, Session]:
        """The link and its session; raises unless it still works.

        A link whose phone has been linked stays readable for as long as it would have been open, so that the page
        can be reloaded and say so: look at ``used_at``.
        """
        link = store.find_link(tx, token_hash=hash_token(token))
        if link is None:
            raise NotFoundError("There is no such link.", code="pairing_link_unknown")
        if link.voided_at is not None:
            raise PairingLinkGoneError("This link has been withdrawn. Ask for a new one.", code="pairing_link_void")
        if link.expires_at <= self._clock.now():
            raise PairingLinkGoneError
        session = store.find(tx, org_id=link.org_id, session_id=link.session_id)
        if session is None:
            raise SessionNotFoundError
        return link, session


def hash_token(token: str) -> bytes:
    """What the store knows of a token: it has 256 random bits, so a plain hash will do."""
    return hashlib.sha256(token.encode()).digest()
