"""Who wants no marketing, and who wants nothing at all: what was said, with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.contacts import store
from gateway.contacts.models import Consent, ConsentEvent, ConsentSource, Contact
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.kit.clock import Clock
from gateway.kit.ids import IdGenerator
from gateway.principal import Principal, PrincipalKind


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """How we know."""

    source: ConsentSource
    note: str | None = None
    api_key_id: int | None = None
    user_id: int | None = None
    session_id: int | None = None
    message_id: int | None = None

    @classmethod
    def told_by(cls, principal: Principal, note: str | None) -> Evidence:
        """Somebody with a key or a sign-in says so."""
        return cls(
            source=ConsentSource.API,
            note=note,
            api_key_id=principal.subject_id if principal.kind is PrincipalKind.API_KEY else None,
            user_id=principal.subject_id if principal.kind is PrincipalKind.USER else None,
        )


class Consents:
    """Writes down what people say. Evidence is kept also where it changes nothing."""

    def __init__(self, *, ids: IdGenerator, clock: Clock, contacts: Contacts) -> None:
        self._ids = ids
        self._clock = clock
        self._contacts = contacts

    def opt_out(self, tx: Tx, contact: Contact, evidence: Evidence) -> bool:
        """They want no marketing any more; False where that was known."""
        self._keep(tx, contact, Consent.OPTED_OUT, evidence)
        if contact.opted_out_at is not None:
            return False
        contact.opted_out_at = contact.updated_at = self._clock.now()
        tx.session.flush()
        self._contacts.announce(tx, "contact.opted_out", contact, source=evidence.source.value)
        return True

    def opt_in(self, tx: Tx, contact: Contact, evidence: Evidence) -> bool:
        """They want to hear from us again; False where they never opted out."""
        self._keep(tx, contact, Consent.OPTED_IN, evidence)
        if contact.opted_out_at is None:
            return False
        contact.opted_out_at = None
        contact.updated_at = self._clock.now()
        tx.session.flush()
        self._contacts.announce(tx, "contact.opted_in", contact, source=evidence.source.value)
        return True

    def block(self, tx: Tx, contact: Contact, *, blocked: bool) -> None:
        """Send them nothing at all any more, or lift that again. WhatsApp is not told."""
        if (contact.blocked_at is not None) == blocked:
            return
        contact.updated_at = self._clock.now()
        contact.blocked_at = contact.updated_at if blocked else None
        tx.session.flush()
        self._contacts.announce(tx, "contact.blocked" if blocked else "contact.unblocked", contact)

    def page(self, tx: Tx, contact: Contact, *, limit: int, before_id: int | None = None) -> Sequence[ConsentEvent]:
        """The evidence about one contact, newest first."""
        return store.list_consents(tx, org_id=contact.org_id, contact_id=contact.id, limit=limit, before_id=before_id)

    def _keep(self, tx: Tx, contact: Contact, consent: Consent, evidence: Evidence) -> None:
        tx.add(
            ConsentEvent(
                id=self._ids.new(),
                org_id=contact.org_id,
                contact_id=contact.id,
                consent=consent,
                source=evidence.source,
                at=self._clock.now(),
                note=evidence.note,
                api_key_id=evidence.api_key_id,
                user_id=evidence.user_id,
                session_id=evidence.session_id,
                message_id=evidence.message_id,
            )
        )
