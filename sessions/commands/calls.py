"""Commands about calls."""

from __future__ import annotations

from sessions.address import Address
from sessions.commands.base import Command


class RejectCall(Command, frozen=True, tag="reject_call"):
    """Let a call ring no more."""

    call_id: str
    caller: Address


CallCommand = RejectCall
