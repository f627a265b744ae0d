"""Calls that a phone makes and gets: they ring, are taken, declined or given up. Nobody ever speaks."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from sessions.address import Jid
from sessions.sandbox.state.directory import Account
from sessions.sandbox.state.errors import SandboxError
from sessions.sandbox.wire.node import Attrs, Node


class CallUnknownError(SandboxError):
    """No such call rings or goes on here."""

    code = "call_unknown"


@dataclass
class PlacedCall:
    """One call. It is forgotten when the sandbox ends."""

    id: str
    to: str
    video: bool
    state: Literal["ringing", "accepted", "rejected", "ended"] = "ringing"


class Calls:
    """The calls of one phone, oldest first."""

    def __init__(self, *, account: Account, send: Callable[[Node], Awaitable[None]]) -> None:
        self._account = account
        self._send = send
        self.placed: dict[str, PlacedCall] = {}
        self._ringing: dict[str, Node] = {}

    async def place(self, to: Account, *, video: bool) -> PlacedCall:
        """Let it ring."""
        call = PlacedCall(id=secrets.token_hex(16).upper(), to=to.number, video=video)
        self.placed[call.id] = call
        attrs: Attrs = {"call-id": call.id, "call-creator": self._account.lid, "caller_pn": self._account.pn}
        media = [Node("audio", {"enc": "opus", "rate": "16000"})]
        offer = Node("offer", attrs, [*media, Node("video", {"enc": "vp8"})] if video else media)
        await self._send(Node("call", {"to": to.lid, "id": call.id, "t": int(time.time())}, [offer]))
        return call

    def heard(self, stanza: Node) -> None:
        """The other side did something about a call."""
        step = stanza.children[0] if stanza.children else Node("nothing")
        name, call = step.text("call-id"), self.placed.get(step.text("call-id"))
        if step.tag == "offer":
            self._ringing[name] = stanza
        elif step.tag == "terminate":
            self._ringing.pop(name, None)
        elif step.tag == "reject" and call is not None:
            call.state = "rejected"
        elif step.tag == "accept" and call is not None:
            call.state = "accepted"

    async def answer(self, call_id: str, *, accepts: bool) -> None:
        """Take a call that rings here, or decline it."""
        offer = self._ringing.pop(call_id, None)
        if offer is None:
            raise CallUnknownError
        step = offer.children[0]
        attrs: Attrs = {"call-id": call_id, "call-creator": step.require_jid("call-creator")}
        await self._step(offer.require_jid("from"), Node("accept" if accepts else "reject", attrs))

    async def hang_up(self, call_id: str, to: Account) -> PlacedCall:
        """Give up a call that this phone made, or end it."""
        call = self.placed.get(call_id)
        if call is None or call.state not in ("ringing", "accepted"):
            raise CallUnknownError
        reason = "timeout" if call.state == "ringing" else "hangup"
        call.state = "ended"
        attrs: Attrs = {"call-id": call.id, "call-creator": self._account.lid, "reason": reason}
        await self._step(to.lid, Node("terminate", attrs))
        return call

    async def _step(self, to: Jid, step: Node) -> None:
        await self._send(Node("call", {"to": to, "id": secrets.token_hex(8), "t": int(time.time())}, [step]))
