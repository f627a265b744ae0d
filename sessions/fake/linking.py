"""How phones link to sessions of the fake, lose touch and unlink."""

from __future__ import annotations

from sessions.commands.linking import LogOut
from sessions.errors import PairingError
from sessions.events import Disconnected, Ended
from sessions.fake.parts import FakeSession
from sessions.fake.world import Answers, FakeWorld
from sessions.status import Reason


class PlaysLinking:
    """Scans codes, cuts connections and unlinks."""

    _world: FakeWorld

    def scan(self, qr: str, number: str) -> None:
        """The phone scans a QR code that is on offer, or has typed a code that was issued."""
        for session in self._world.sessions.values():
            if session.qr is not None and qr in (session.qr, session.pair_code):
                self._world.link(session, self._world.phone(number))
                return
        raise PairingError("No session offers this code.")

    def run_out(self, session_id: str) -> None:
        """Nobody has scanned the codes in time."""
        self._world.end_pairing(self._world.sessions[session_id], Reason.QR_EXPIRED)

    def end_pairing(self, session_id: str, reason: Reason) -> None:
        """WhatsApp ends the attempt for this reason."""
        self._world.end_pairing(self._world.sessions[session_id], reason)

    def drop(self, session_id: str) -> None:
        """The connection to WhatsApp is cut and stays so until :meth:`reconnect`."""
        self._world.report(self._world.sessions[session_id], Disconnected())

    def reconnect(self, session_id: str) -> None:
        self._world.connect(self._world.sessions[session_id])

    def unlink(self, session_id: str) -> None:
        """The phone's owner removes the session from the linked devices."""
        session = self._world.sessions[session_id]
        session.phone = None
        session.wanted = False
        self._world.report(session, Ended(reason=Reason.UNLINKED_FROM_PHONE, code=401))


def log_out(world: FakeWorld, session: FakeSession, command: LogOut) -> None:
    session.phone = None
    world.end(session, Reason.UNLINKED_HERE)


ANSWERS: Answers = {LogOut: log_out}
