"""The one door before the engine: may this message go now?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.messages.models import Message


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Now, later, or not at all. ``reason`` is stored with the message and shown."""

    now: bool
    wait_until: datetime | None = None
    reason: str | None = None


NOW = Verdict(now=True)


class Gate:
    """Says when a message may go to the engine.

    Expiry is the only rule so far. Blocks, opt-outs, quiet hours, caps and pacing each become one more rule here,
    and nothing else in the gateway decides about them.
    """

    def may_send(self, message: Message, *, at: datetime) -> Verdict:
        """The verdict on one queued message."""
        if message.expires_at is not None and message.expires_at <= at:
            return Verdict(now=False, reason="expired")
        return NOW
