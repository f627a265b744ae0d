"""Calls of the fake: phones ring sessions, and hear what becomes of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from sessions.address import AddressKind
from sessions.commands.calls import RejectCall
from sessions.errors import InvalidRequestError
from sessions.events import CallReceived
from sessions.fake.parts import FakePhone, FakeSession
from sessions.fake.world import Answers, FakeWorld

_ID_LIMIT = 200


@dataclass
class FakeCall:
    """One call, as its caller sees it."""

    id: str
    caller: FakePhone
    video: bool
    state: Literal["ringing", "accepted", "rejected", "ended"] = "ringing"


class PlaysCalls:
    """Lets sessions ring."""

    _world: FakeWorld

    def ring(self, session_id: str, caller: str, *, video: bool = False, seconds_ago: float = 0.0) -> str:
        """The phone ``caller`` calls the session, or did so while nobody listened; return the call's id."""
        call = FakeCall(id=self._world.new_id(), caller=self._world.phone(caller), video=video)
        self._world.calls[call.id] = call
        self._tell(session_id, call, "offer", seconds_ago=seconds_ago)
        return call.id

    def hang_up(self, session_id: str, call_id: str) -> None:
        """The caller gives up, or ends what was answered."""
        call = self._world.calls[call_id]
        reason = "timeout" if call.state == "ringing" else "hangup"
        call.state = "ended"
        self._tell(session_id, call, "terminate", reason=reason)

    def answer_on_phone(self, session_id: str, call_id: str, *, accepts: bool) -> None:
        """The linked phone itself takes the call, or declines it."""
        call = self._world.calls[call_id]
        call.state = "accepted" if accepts else "rejected"
        self._tell(session_id, call, "terminate", reason=f"{call.state}_elsewhere")

    def call_state(self, call_id: str) -> str:
        """What became of a call, as its caller sees it."""
        state: str = self._world.calls[call_id].state
        return state

    def _tell(self, session_id: str, call: FakeCall, phase: str, *, reason: str = "", seconds_ago: float = 0.0) -> None:
        fact = CallReceived(
            call_id=call.id,
            caller=call.caller.address,
            phase=phase,
            video=call.video and phase == "offer",
            timestamp=float(int(time.time() - seconds_ago)),
            reason=reason,
        )
        self._world.report(self._world.sessions[session_id], fact)


def reject(world: FakeWorld, session: FakeSession, command: RejectCall) -> None:
    """As with WhatsApp, nobody says whether there was such a call, and whoever declines it is told nothing more."""
    if command.caller.kind is not AddressKind.PERSON or not 1 <= len(command.call_id) <= _ID_LIMIT:
        raise InvalidRequestError
    call = world.calls.get(command.call_id)
    if call is not None and call.state == "ringing":
        call.state = "rejected"


ANSWERS: Answers = {RejectCall: reject}
