"""The engine of the fake: what the daemon asks of it, with phones in memory behind."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Sequence

from sessions.capabilities import SUPPORTED
from sessions.commands.every import AnyCommand, AnyResult
from sessions.commands.linking import PairCodeIssued, RequestPairCode
from sessions.engine import Listener, StatusChange
from sessions.errors import InvalidRequestError, NotRunningError, PairingError
from sessions.events import Event, QrShown
from sessions.fake.answers import answer
from sessions.fake.calls import PlaysCalls
from sessions.fake.channels import PlaysChannels
from sessions.fake.files import PlaysFiles
from sessions.fake.groups import FakeGroups, groups_of
from sessions.fake.linking import PlaysLinking
from sessions.fake.messages import PlaysMessages
from sessions.fake.parts import FakePhone
from sessions.fake.world import FakeWorld
from sessions.liveness import Liveness
from sessions.protocol import Pulse, SessionSpec
from sessions.status import NEEDS_A_PERSON, Reason, SessionStatus

_CLOSE_SECONDS = 5.0
_QR_SECONDS = 60.0


class FakeEngine(PlaysMessages, PlaysFiles, PlaysLinking, PlaysChannels, PlaysCalls):
    """Satisfies :class:`sessions.engine.Engine`; what it inherits plays WhatsApp and the phones, an area each."""

    def __init__(self, *, listener: Listener) -> None:
        self._world = FakeWorld(listener=listener)

    @property
    def groups(self) -> FakeGroups:
        """The groups as WhatsApp has them."""
        return groups_of(self._world)

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset(SUPPORTED)

    async def self_check(self) -> Sequence[str]:
        return []

    async def start(self) -> None:
        """Nothing to get ready."""

    async def stop(self) -> None:
        for session_id in list(self._world.sessions):
            await self.halt(session_id)
        for session in self._world.sessions.values():
            await session.tracked.delivery.close(_CLOSE_SECONDS)
        self._world.sessions.clear()

    async def run(self, spec: SessionSpec) -> None:
        session = self._world.session(spec)
        if session.qr is not None or (session.wanted and session.tracked.status not in NEEDS_A_PERSON):
            return
        session.tracked.set(SessionStatus.STARTING)
        if session.phone is None:
            self._world.end(session, Reason.UNLINKED_FROM_PHONE)
            return
        session.wanted = True
        self._world.connect(session)

    async def halt(self, session_id: str) -> None:
        session = self._world.sessions.get(session_id)
        if session is None:
            return
        await self.cancel_pairing(session_id)
        session.wanted = False
        if session.tracked.status is not SessionStatus.STOPPED:
            session.tracked.set(SessionStatus.STOPPED, Reason.STOPPED_BY_REQUEST)

    async def pair(self, spec: SessionSpec) -> None:
        session = self._world.session(spec)
        if session.qr is not None:
            return
        if session.wanted:
            raise PairingError("The session is linked and running.")
        session.tracked.set(SessionStatus.PAIRING)
        session.qr = f"https://wa.me/settings/linked_devices#{secrets.token_urlsafe(24)}"
        self._world.report(session, QrShown(code=session.qr, valid_seconds=_QR_SECONDS, index=0))

    async def cancel_pairing(self, session_id: str) -> None:
        session = self._world.sessions.get(session_id)
        if session is not None and session.qr is not None:
            self._world.end_pairing(session, Reason.STOPPED_BY_REQUEST)

    async def call(self, session_id: str, command: AnyCommand, *, timeout_seconds: float = 90.0) -> AnyResult:
        session = self._world.sessions.get(session_id)
        if session is None:
            raise NotRunningError
        if isinstance(command, RequestPairCode) and session.qr is not None:
            session.pair_code = "-".join(secrets.token_hex(2).upper() for _ in range(2))
            return PairCodeIssued(code=session.pair_code)
        self._world.check_connected(session)
        session.asked.append(command)
        return answer(self._world, session, command)

    def status(self, session_id: str) -> StatusChange:
        session = self._world.sessions.get(session_id)
        if session is None:
            return StatusChange(session_id=session_id, status=SessionStatus.STOPPED, live=False)
        return session.tracked.change

    def liveness(self, session_id: str) -> Liveness:
        session = self._world.sessions.get(session_id)
        return session.tracked.liveness if session is not None else Liveness()

    async def find_by_secret(self, spec: SessionSpec, secret: bytes) -> str | None:
        return self._world.by_secret.get(secret)

    async def forget(self, spec: SessionSpec) -> None:
        session = self._world.sessions.get(spec.session_id)
        if session is not None and (session.wanted or session.qr is not None):
            raise InvalidRequestError("The session must be halted before it is forgotten.")
        if session is not None:
            del self._world.sessions[spec.session_id]
            await session.tracked.delivery.close(_CLOSE_SECONDS)
        await asyncio.to_thread(shutil.rmtree, spec.folder, ignore_errors=True)

    def phone(self, number: str, name: str = "") -> FakePhone:
        """A phone with this number; made if there is none yet."""
        return self._world.phone(number, name)

    def report(self, session_id: str, event: Event) -> None:
        """Let the session report anything."""
        self._world.report(self._world.sessions[session_id], event)

    def pulse(self, pulse: Pulse) -> None:
        """Let the session's worker say how it is."""
        self._world.sessions[pulse.session_id].tracked.take_pulse(pulse)

    @property
    def session_ids(self) -> list[str]:
        return list(self._world.sessions)

    def asked(self, session_id: str) -> list[AnyCommand]:
        """Every command that the session was given while connected, in order."""
        return self._world.sessions[session_id].asked
