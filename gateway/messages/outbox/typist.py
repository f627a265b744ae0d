"""Shows the other side that somebody is typing, before the message comes."""

from __future__ import annotations

import asyncio

import structlog

from gateway.kit.ids import render_id
from gateway.messages.outbox.trying import Claim
from sessions.commands.presence import SetTyping
from sessions.engine import Engine
from sessions.errors import SessionError

log = structlog.get_logger(__name__)

_TIMEOUT_SECONDS = 10.0


class Typist:
    """Only the session's own lane waits meanwhile. What goes wrong is logged, and the message goes all the same."""

    def __init__(self, *, engine: Engine) -> None:
        self._engine = engine

    async def type(self, claim: Claim, *, hurry: asyncio.Event) -> None:
        """Type for as long as the claim says, or until there is no more time."""
        if claim.typing_seconds <= 0 or hurry.is_set() or not await self._show(claim, "composing"):
            return
        try:
            async with asyncio.timeout(claim.typing_seconds):
                await hurry.wait()
        except TimeoutError:
            pass  # the usual end: it was typed
        await self._show(claim, "paused")

    async def _show(self, claim: Claim, state: str) -> bool:
        command = SetTyping(chat=claim.envelope.to, state="composing" if state == "composing" else "paused")
        try:
            await self._engine.call(claim.spec.session_id, command, timeout_seconds=_TIMEOUT_SECONDS)
        except SessionError as error:
            message_id = render_id("msg", claim.message_id)
            log.info("typing not shown", session_id=claim.spec.session_id, message_id=message_id, code=error.code)
            return False
        return True
