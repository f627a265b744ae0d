"""Calls that a phone makes: they ring, and may be declined. Nobody ever speaks."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from sessions.sandbox.state.directory import Account
from sessions.sandbox.wire.node import Attrs, Node


@dataclass
class PlacedCall:
    """One call. It is forgotten when the sandbox ends."""

    id: str
    to: str
    video: bool
    state: Literal["ringing", "rejected"] = "ringing"


class Calls:
    """The calls of one phone, oldest first."""

    def __init__(self, *, account: Account, send: Callable[[Node], Awaitable[None]]) -> None:
        self._account = account
        self._send = send
        self.placed: dict[str, PlacedCall] = {}

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
        rejected = stanza.child("reject")
        call = self.placed.get(rejected.text("call-id")) if rejected is not None else None
        if call is not None:
            call.state = "rejected"
