"""An engine without WhatsApp: sessions and phones in memory, for fast tests of everything above the engine.

What it does is held to what the real one does by ``tests/engine/test_conformance.py``.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import secrets
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from sessions.address import Address, Jid
from sessions.capabilities import SUPPORTED
from sessions.content import Content, Envelope, MessageKey, RemoteFile, Sent
from sessions.delivery import Delivery
from sessions.engine import Listener, StatusChange
from sessions.errors import (
    InvalidRequestError,
    MediaUnavailableError,
    NotConnectedError,
    NotPairedError,
    NotRunningError,
    PairingError,
    RecipientUnknownError,
    SessionError,
)
from sessions.events import (
    Connected,
    Disconnected,
    Ended,
    Event,
    Identified,
    MessageReceived,
    OfflineSyncCompleted,
    Paired,
    PairingEnded,
    QrShown,
    ReceiptKind,
    ReceiptReceived,
    Report,
    Typing,
)
from sessions.fake_parts import FakePhone, FakeSession
from sessions.liveness import Liveness
from sessions.protocol import (
    AddressResolved,
    AnyCommand,
    AnyResult,
    CheckNumbers,
    Done,
    DownloadFile,
    FetchPicture,
    FileSaved,
    LogOut,
    MessageSent,
    NumberFound,
    NumbersChecked,
    PairCodeIssued,
    PictureFound,
    Pulse,
    RequestPairCode,
    ResolveAddress,
    SendMessage,
    SessionSpec,
)
from sessions.status import NEEDS_A_PERSON, Reason, SessionStatus
from sessions.tracking import TrackedSession, status_after

_CLOSE_SECONDS = 5.0
_QR_SECONDS = 60.0
_FLEETING = (QrShown, PairingEnded, Typing)


class FakeEngine:
    """Satisfies :class:`sessions.engine.Engine`; the methods after ``forget`` play WhatsApp and the phones."""

    def __init__(self, *, listener: Listener) -> None:
        self._listener = listener
        self._sessions: dict[str, FakeSession] = {}
        self._phones: dict[str, FakePhone] = {}
        self._ids = itertools.count(1)
        self._by_secret: dict[bytes, str] = {}
        self._files: dict[str, bytes] = {}

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset(SUPPORTED)

    async def self_check(self) -> Sequence[str]:
        return []

    async def start(self) -> None:
        """Nothing to get ready."""

    async def stop(self) -> None:
        for session_id in list(self._sessions):
            await self.halt(session_id)
        for session in self._sessions.values():
            await session.tracked.delivery.close(_CLOSE_SECONDS)
        self._sessions.clear()

    async def run(self, spec: SessionSpec) -> None:
        session = self._session(spec)
        if session.qr is not None or (session.wanted and session.tracked.status not in NEEDS_A_PERSON):
            return
        session.tracked.set(SessionStatus.STARTING)
        if session.phone is None:
            self._end(session, Reason.UNLINKED_FROM_PHONE)
            return
        session.wanted = True
        self._connect(session)

    async def halt(self, session_id: str) -> None:
        session = self._sessions.get(session_id)
        if session is None:
            return
        await self.cancel_pairing(session_id)
        session.wanted = False
        if session.tracked.status is not SessionStatus.STOPPED:
            session.tracked.set(SessionStatus.STOPPED, Reason.STOPPED_BY_REQUEST)

    async def pair(self, spec: SessionSpec) -> None:
        session = self._session(spec)
        if session.qr is not None:
            return
        if session.wanted:
            raise PairingError("The session is linked and running.")
        session.tracked.set(SessionStatus.PAIRING)
        session.qr = f"https://wa.me/settings/linked_devices#{secrets.token_urlsafe(24)}"
        self._report(session, QrShown(code=session.qr, valid_seconds=_QR_SECONDS, index=0))

    async def cancel_pairing(self, session_id: str) -> None:
        session = self._sessions.get(session_id)
        if session is not None and session.qr is not None:
            self._end_pairing(session, Reason.STOPPED_BY_REQUEST)

    async def call(self, session_id: str, command: AnyCommand, *, timeout_seconds: float = 90.0) -> AnyResult:
        session = self._sessions.get(session_id)
        if session is None:
            raise NotRunningError
        if isinstance(command, RequestPairCode) and session.qr is not None:
            session.pair_code = "-".join(secrets.token_hex(2).upper() for _ in range(2))
            return PairCodeIssued(code=session.pair_code)
        self._check_connected(session)
        session.asked.append(command)
        return self._carry_out(session, command)

    def status(self, session_id: str) -> StatusChange:
        session = self._sessions.get(session_id)
        if session is None:
            return StatusChange(session_id=session_id, status=SessionStatus.STOPPED, live=False)
        return session.tracked.change

    def liveness(self, session_id: str) -> Liveness:
        session = self._sessions.get(session_id)
        return session.tracked.liveness if session is not None else Liveness()

    async def find_by_secret(self, spec: SessionSpec, secret: bytes) -> str | None:
        return self._by_secret.get(secret)

    async def forget(self, spec: SessionSpec) -> None:
        session = self._sessions.get(spec.session_id)
        if session is not None and (session.wanted or session.qr is not None):
            raise InvalidRequestError("The session must be halted before it is forgotten.")
        if session is not None:
            del self._sessions[spec.session_id]
            await session.tracked.delivery.close(_CLOSE_SECONDS)
        await asyncio.to_thread(shutil.rmtree, spec.folder, ignore_errors=True)

    def phone(self, number: str, name: str = "") -> FakePhone:
        """A phone with this number; made if there is none yet."""
        if number not in self._phones:
            lid = Jid(str(10**14 + int(number.removeprefix("+"))), "lid")
            self._phones[number] = FakePhone(number, name or number, Address.of(Jid.from_phone(number), lid))
        return self._phones[number]

    def scan(self, qr: str, number: str) -> None:
        """The phone scans a QR code that is on offer, or has typed a code that was issued."""
        for session in self._sessions.values():
            if session.qr is not None and qr in (session.qr, session.pair_code):
                self._link(session, self.phone(number))
                return
        raise PairingError("No session offers this code.")

    def run_out(self, session_id: str) -> None:
        """Nobody has scanned the codes in time."""
        self._end_pairing(self._sessions[session_id], Reason.QR_EXPIRED)

    def end_pairing(self, session_id: str, reason: Reason) -> None:
        """WhatsApp ends the attempt for this reason."""
        self._end_pairing(self._sessions[session_id], reason)

    def incoming(self, session_id: str, sender: str, content: Content, *, wa_id: str | None = None) -> str:
        """The phone ``sender`` writes to the session; return the message's id."""
        phone = self.phone(sender)
        wa_id = wa_id or self._new_id()
        message = MessageReceived(
            key=MessageKey(chat=phone.address, wa_id=wa_id, from_me=False),
            sender=phone.address,
            push_name=phone.name,
            timestamp=time.time(),
            content=content,
        )
        self._report(self._sessions[session_id], message)
        return wa_id

    def receipt(self, session_id: str, wa_id: str, kind: ReceiptKind) -> None:
        """The recipient of a message that the session has sent says what happened to it."""
        session = self._sessions[session_id]
        chat = next(sent.chat for _, sent in session.sent if sent.wa_id == wa_id)
        self._report(
            session,
            ReceiptReceived(chat=chat, by=chat, wa_ids=(wa_id,), receipt=kind, timestamp=float(int(time.time()))),
        )

    def report(self, session_id: str, event: Event) -> None:
        """Let the session report anything else."""
        self._report(self._sessions[session_id], event)

    def fail_next(self, session_id: str, error: SessionError, *, reached_wire: bool = False) -> None:
        """Let the next message of the session end like this; ``reached_wire``: its id is filed all the same."""
        self._sessions[session_id].failures.append((error, reached_wire))

    def pulse(self, pulse: Pulse) -> None:
        """Let the session's worker say how it is."""
        self._sessions[pulse.session_id].tracked.take_pulse(pulse)

    def drop(self, session_id: str) -> None:
        """The connection to WhatsApp is cut and stays so until :meth:`reconnect`."""
        self._report(self._sessions[session_id], Disconnected())

    def reconnect(self, session_id: str) -> None:
        self._connect(self._sessions[session_id])

    def unlink(self, session_id: str) -> None:
        """The phone's owner removes the session from the linked devices."""
        session = self._sessions[session_id]
        session.phone = None
        session.wanted = False
        self._report(session, Ended(reason=Reason.UNLINKED_FROM_PHONE, code=401))

    def keep_file(self, data: bytes, mimetype: str) -> RemoteFile:
        """Put a file on the fake media host, for content that arrives."""
        file = RemoteFile(
            direct_path=f"/fake/{next(self._ids)}",
            media_key=secrets.token_bytes(32),
            sha256=hashlib.sha256(data).digest(),
            encrypted_sha256=secrets.token_bytes(32),
            size=len(data),
            mimetype=mimetype,
        )
        self._files[file.direct_path] = data
        return file

    @property
    def session_ids(self) -> list[str]:
        return list(self._sessions)

    def sent(self, session_id: str) -> list[tuple[Envelope, Sent]]:
        """Every message that the session has sent, in order."""
        return self._sessions[session_id].sent

    def asked(self, session_id: str) -> list[AnyCommand]:
        """Every command that the session was given while connected, in order."""
        return self._sessions[session_id].asked

    def _session(self, spec: SessionSpec) -> FakeSession:
        session = self._sessions.get(spec.session_id)
        if session is None:
            delivery = Delivery(session_id=spec.session_id, listener=self._listener)
            tracked = TrackedSession(spec=spec, delivery=delivery, clock=time.time)
            session = self._sessions[spec.session_id] = FakeSession(tracked)
        session.tracked.spec = spec
        return session

    def _report(self, session: FakeSession, event: Event) -> None:
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

    def _connect(self, session: FakeSession) -> None:
        assert session.phone is not None
        if session.tracked.status is not SessionStatus.RECONNECTING:
            session.tracked.set(SessionStatus.CONNECTING)
        self._report(session, Identified(me=session.phone.address, device=1, push_name=session.phone.name))
        self._report(session, Connected())
        self._report(session, OfflineSyncCompleted(count=0))

    def _link(self, session: FakeSession, phone: FakePhone) -> None:
        session.qr = session.pair_code = None
        session.phone = phone
        session.wanted = True
        self._report(session, Identified(me=phone.address, device=1, push_name=""))
        self._report(session, Paired(me=phone.address, device=1, platform="android"))
        self._connect(session)

    def _end_pairing(self, session: FakeSession, reason: Reason) -> None:
        session.qr = session.pair_code = None
        self._report(session, PairingEnded(reason=reason))
        session.tracked.set(status_after(reason), reason)

    def _end(self, session: FakeSession, reason: Reason) -> None:
        session.wanted = False
        session.tracked.set(status_after(reason), reason)

    def _check_connected(self, session: FakeSession) -> None:
        status = session.tracked.status
        if session.qr is not None or status is SessionStatus.LOGGED_OUT:
            raise NotPairedError
        if not session.wanted or status in NEEDS_A_PERSON:
            raise NotRunningError
        if status is not SessionStatus.CONNECTED:
            raise NotConnectedError

    def _carry_out(self, session: FakeSession, command: AnyCommand) -> AnyResult:
        match command:
            case SendMessage(envelope=envelope):
                return MessageSent(sent=self._send(session, envelope))
            case CheckNumbers(phones=phones):
                return NumbersChecked(numbers=tuple(self._number(phone) for phone in phones))
            case ResolveAddress(who=who):
                return AddressResolved(who=self._known(who) or who)
            case DownloadFile(file=file, path=path):
                return self._download(file, Path(path))
            case FetchPicture():
                return PictureFound(url=None)
            case LogOut():
                session.phone = None
                self._end(session, Reason.UNLINKED_HERE)
        return Done()

    def _send(self, session: FakeSession, envelope: Envelope) -> Sent:
        wa_id = self._new_id()
        error, reached_wire = session.failures.popleft() if session.failures else (None, True)
        chat = envelope.to if envelope.to.other is not None else self._known(envelope.to)
        if chat is None:
            raise RecipientUnknownError
        if reached_wire:
            self._by_secret[envelope.secret] = wa_id
        if error is not None:
            raise error
        assert session.phone is not None
        sent = Sent(wa_id=wa_id, chat=chat, sender=session.phone.address, timestamp=float(int(time.time())))
        session.sent.append((envelope, sent))
        if chat.other is None:
            self.receipt(session.tracked.session_id, wa_id, ReceiptKind.DELIVERED)
        return sent

    def _known(self, who: Address) -> Address | None:
        """A person's full address, if there is such a phone."""
        for phone in self._phones.values():
            if who.pn == phone.address.pn or (who.pn is None and who.lid == phone.address.lid):
                return phone.address
        return None

    def _number(self, phone: str) -> NumberFound:
        known = self._phones.get(phone)
        return NumberFound(phone=phone, address=known.address if known is not None else None)

    def _download(self, file: RemoteFile, path: Path) -> FileSaved:
        data = self._files.get(file.direct_path)
        if data is None:
            raise MediaUnavailableError
        with path.open("xb") as target:
            target.write(data)
        return FileSaved(size=len(data))

    def _new_id(self) -> str:
        return f"3EB0{next(self._ids):018X}"
