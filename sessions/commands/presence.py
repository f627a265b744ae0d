"""Commands about who is there and who types."""

from __future__ import annotations

from typing import Literal

from sessions.address import Address
from sessions.commands.base import Command


class SetTyping(Command, frozen=True, tag="typing"):
    chat: Address
    state: Literal["composing", "recording", "paused"]


class SetPresence(Command, frozen=True, tag="presence"):
    available: bool


class SubscribePresence(Command, frozen=True, tag="subscribe_presence"):
    who: Address


PresenceCommand = SetTyping | SetPresence | SubscribePresence
