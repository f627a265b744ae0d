"""Keeps calls, follows what becomes of them, and tells of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from gateway.calls import store
from gateway.calls.models import WA_ID_LIMIT, CallState, PhoneCall
from gateway.calls.render import render_call
from gateway.contacts.models import Contact
from gateway.contacts.service import Contacts
from gateway.db.tx import Tx
from gateway.events.service import EventLog
from gateway.fleet.ignoring import is_ignored
from gateway.fleet.models import Session
from gateway.kit.clock import Clock
from gateway.kit.errors import NotFoundError
from gateway.kit.ids import IdGenerator
from gateway.kit.times import from_epoch
from sessions.address import Address, Jid
from sessions.events import CallReceived, Report

#: WhatsApp lets a phone ring for about a minute. When nothing was heard for twice as long, nobody answered.
LONGEST_RING: Final = timedelta(minutes=2)
#: What WhatsApp gives as the reason when another device of the account dealt with a call.
_ELSEWHERE = {"accepted_elsewhere": CallState.ACCEPTED, "rejected_elsewhere": CallState.REJECTED}
_STEPS = {
    CallState.RINGING: (CallState.ACCEPTED, CallState.REJECTED, CallState.MISSED),
    CallState.ACCEPTED: (CallState.ENDED,),
}
#: What may be heard of a call late, when the gateway had given up on it.
_LATE_STEPS = {CallState.MISSED: (CallState.ACCEPTED, CallState.REJECTED)}


class Calls:
    """Calls of every organization. Reports may come twice; each step is told once."""

    def __init__(self, *, ids: IdGenerator, clock: Clock, events: EventLog, contacts: Contacts) -> None:
        self._ids = ids
        self._clock = clock
        self._events = events
        self._contacts = contacts
        contacts.when_merged(
            lambda tx, org, gone, kept: store.move_to_contact(tx, org_id=org, from_id=gone, into_id=kept)
        )

    def reported(self, tx: Tx, session: Session, report: Report) -> None:
        """A :class:`sessions.events.CallReceived`. What follows a call of which nobody heard is left aside."""
        fact = report.event
        assert isinstance(fact, CallReceived)
        call = store.find_by_wa_id(tx, org_id=session.org_id, session_id=session.id, wa_id=_kept_id(fact.call_id))
        at = from_epoch(fact.timestamp)
        if call is None:
            # Of other addresses than people's nothing is known, not even how long they are.
            caller = fact.caller.lid or fact.caller.pn
            if fact.phase == "offer" and caller is not None and not self.ignores(tx, session, fact.caller):
                self._ring(tx, session, fact, caller, at)
        elif fact.phase == "accept":
            self._step(tx, call, CallState.ACCEPTED, at)
        elif fact.phase == "terminate":
            over = CallState.ENDED if call.state == CallState.ACCEPTED else CallState.MISSED
            self._step(tx, call, _ELSEWHERE.get(fact.reason, over), at, is_certain=fact.reason in _ELSEWHERE)

    def ignores(self, tx: Tx, session: Session, caller: Address) -> bool:
        """Whether the session does not want to hear of who calls, under any name that is known."""
        names = [caller]
        if caller.pn is not None or caller.lid is not None:
            contact = self._contacts.find_by_address(tx, org_id=session.org_id, address=caller)
            names += [contact.address] if contact is not None else []
        return any(is_ignored(session.settings, name) for name in names)

    def rejected(self, tx: Tx, *, org_id: int, session_id: int, wa_id: str) -> None:
        """We declined a call."""
        call = store.find_by_wa_id(tx, org_id=org_id, session_id=session_id, wa_id=_kept_id(wa_id))
        if call is not None:
            self._step(tx, call, CallState.REJECTED, self._clock.now())

    def lapse(self, tx: Tx, *, call_ids: Collection[int]) -> int:
        """Nobody will hear any more how these calls ended; give how many still rang."""
        ringing = store.find_ringing(tx, call_ids=call_ids)
        for call in ringing:
            self._step(tx, call, CallState.MISSED, min(call.offered_at + LONGEST_RING, self._clock.now()))
        return len(ringing)

    def page(
        self, tx: Tx, session: Session, *, limit: int, before_id: int | None
    ) -> Sequence[tuple[PhoneCall, Contact | None]]:
        """Calls to a session, newest first."""
        return store.list_page(tx, org_id=session.org_id, session_id=session.id, limit=limit, before_id=before_id)

    def get(self, tx: Tx, session: Session, call_id: int) -> tuple[PhoneCall, Contact | None]:
        """The call with who called; raises NotFoundError."""
        call = store.find(tx, org_id=session.org_id, session_id=session.id, call_id=call_id)
        if call is None:
            raise NotFoundError("There is no such call.", code="call_not_found")
        return call, self._caller(tx, call)

    def _ring(self, tx: Tx, session: Session, fact: CallReceived, caller: Jid, at: datetime) -> None:
        now = self._clock.now()
        address = Address.of(fact.caller.pn, fact.caller.lid)
        contact = self._contacts.identify(tx, org_id=session.org_id, address=address)
        call = PhoneCall(
            id=self._ids.new(),
            org_id=session.org_id,
            session_id=session.id,
            contact_id=contact.id,
            wa_id=_kept_id(fact.call_id),
            caller=str(caller),
            video=fact.video,
            state=CallState.RINGING,
            offered_at=at,
            created_at=now,
            updated_at=now,
        )
        tx.add(call)
        self._tell(tx, call, "call.received", contact)

    def _step(self, tx: Tx, call: PhoneCall, state: CallState, at: datetime, *, is_certain: bool = False) -> None:
        before = CallState(call.state)
        late = _LATE_STEPS.get(before, ()) if is_certain else ()
        if state not in (*_STEPS.get(before, ()), *late):
            return
        call.state, call.updated_at = state, self._clock.now()
        # WhatsApp's clock has whole seconds.
        call.ended_at = None if state is CallState.ACCEPTED else max(at, call.offered_at)
        tx.session.flush()
        self._tell(tx, call, f"call.{state}", self._caller(tx, call))

    def _caller(self, tx: Tx, call: PhoneCall) -> Contact | None:
        if call.contact_id is None:
            return None
        return self._contacts.get(tx, org_id=call.org_id, contact_id=call.contact_id)

    def _tell(self, tx: Tx, call: PhoneCall, event_type: str, contact: Contact | None) -> None:
        self._events.emit(
            tx,
            org_id=call.org_id,
            type=event_type,
            subject=("call", call.id),
            data=render_call(call, contact),
            session_id=call.session_id,
        )


def _kept_id(call_id: str) -> str:
    """A call's id as it is kept and looked up: callers make it, so it may be anything."""
    return call_id.replace("\x00", "")[:WA_ID_LIMIT]
