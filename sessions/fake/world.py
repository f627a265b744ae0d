"""What there is without WhatsApp: phones, sessions, files and message ids in memory, and how sessions live."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from sessions.address import Address, Jid
from sessions.commands.base import Command
from sessions.commands.every import AnyResult
from sessions.delivery import Delivery
from sessions.engine import Listener
from sessions.errors import NotConnectedError, NotPairedError, NotRunningError
from sessions.events import (
    Connected,
    Event,
    Identified,
    OfflineSyncCompleted,
    Paired,
    PairingEnded,
    PresenceChanged,
    QrShown,
    ReceiptKind,
    ReceiptReceived,
    Report,
    Typing,
)
from sessions.fake.parts import FakePhone, FakeSession
from sessions.protocol import SessionSpec
from sessions.status import NEEDS_A_PERSON, Reason, SessionStatus
from sessions.tracking import TrackedSession, status_after

_FLEETING = (QrShown, PairingEnded, PresenceChanged, Typing)


class FakeWorld:
    """What every area of the fake stands on."""

    def __init__(self, *, listener: Listener) -> None:
        self._listener = listener
        self.sessions: dict[str, FakeSession] = {}
        self.phones: dict[str, FakePhone] = {}
        self.by_secret: dict[bytes, str] = {}
        self.files: dict[str, bytes] = {}
        self.accounts: dict[str, Any] = {}  #: what areas keep of accounts, by number
        self.channels: dict[str, Any] = {}
        self.calls: dict[str, Any] = {}  #: by the id that WhatsApp gives them
        self.ids = itertools.count(1)
        self.groups: Any = None  #: made by :mod:`sessions.fake.groups` when there is a first one

    def phone(self, number: str, name: str = "") -> FakePhone:
        """A phone with this number; made if there is none yet."""
        if number not in self.phones:
            lid = Jid(str(10**14 + int(number.removeprefix("+"))), "lid")
            self.phones[number] = FakePhone(number, name or number, Address.of(Jid.from_phone(number), lid))
        return self.phones[number]

    def known(self, who: Address) -> Address | None:
        """A person's full address, if there is such a phone."""
        for phone in self.phones.values():
            if who.pn == phone.address.pn or (who.pn is None and who.lid == phone.address.lid):
                return phone.address
        return None

    def new_id(self) -> str:
        return f"3EB0{next(self.ids):018X}"

    def session(self, spec: SessionSpec) -> FakeSession:
        session = self.sessions.get(spec.session_id)
        if session is None:
            delivery = Delivery(session_id=spec.session_id, listener=self._listener)
            tracked = TrackedSession(spec=spec, delivery=delivery, clock=time.time)
            session = self.sessions[spec.session_id] = FakeSession(tracked)
        session.tracked.spec = spec
        return session

    def report(self, session: FakeSession, event: Event) -> None:
        if not isinstance(event, _FLEETING):
            session.seq += 1
        report = Report(
            session_id=session.tracked.session_id,
            seq=0 if isinstance(event, _FLEETING) else session.seq,
            received_at=time.time(),
            event=event,
        )
        session.tracked.delivery.put_reports([report])
        session.tracked.take(event)

    def connect(self, session: FakeSession) -> None:
        assert session.phone is not None
        if session.tracked.status is not SessionStatus.RECONNECTING:
            session.tracked.set(SessionStatus.CONNECTING)
        self.report(session, Identified(me=session.phone.address, device=1, push_name=session.phone.name))
        self.report(session, Connected())
        self.report(session, OfflineSyncCompleted(count=0))

    def link(self, session: FakeSession, phone: FakePhone) -> None:
        session.qr = session.pair_code = None
        session.phone = phone
        session.wanted = True
        self.report(session, Identified(me=phone.address, device=1, push_name=""))
        self.report(session, Paired(me=phone.address, device=1, platform="android"))
        self.connect(session)

    def end_pairing(self, session: FakeSession, reason: Reason) -> None:
        session.qr = session.pair_code = None
        self.report(session, PairingEnded(reason=reason))
        session.tracked.set(status_after(reason), reason)

    def end(self, session: FakeSession, reason: Reason) -> None:
        session.wanted = False
        session.tracked.set(status_after(reason), reason)

    def check_connected(self, session: FakeSession) -> None:
        status = session.tracked.status
        if session.qr is not None or status is SessionStatus.LOGGED_OUT:
            raise NotPairedError
        if not session.wanted or status in NEEDS_A_PERSON:
            raise NotRunningError
        if status is not SessionStatus.CONNECTED:
            raise NotConnectedError

    def receipt(self, session: FakeSession, wa_id: str, kind: ReceiptKind) -> None:
        chat = next(sent.chat for _, sent in session.sent if sent.wa_id == wa_id)
        self.report(
            session,
            ReceiptReceived(chat=chat, by=chat, wa_ids=(wa_id,), receipt=kind, timestamp=float(int(time.time()))),
        )


#: What an area answers to its commands.
Answers = dict[type[Command], Callable[[FakeWorld, FakeSession, Any], AnyResult | None]]
