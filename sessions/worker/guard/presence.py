"""Guarded calls about who is there and who types."""

from __future__ import annotations

from sessions.address import Jid
from sessions.errors import InvalidRequestError
from sessions.worker import jids
from sessions.worker.ffi import presence as ffi
from sessions.worker.guard.bounds import person, raise_for
from sessions.worker.guard.handle import Handle

_TYPING = {"composing": (0, 0), "recording": (0, 1), "paused": (1, 0)}


def set_typing(handle: Handle, chat: Jid, state: str) -> None:
    handle.gate.check_connected()
    if state not in _TYPING:
        raise InvalidRequestError("Typing is composing, recording or paused.")
    raise_for(handle.call(ffi.SEND_CHAT_PRESENCE, jids.encode(chat), *_TYPING[state]))


def set_presence(handle: Handle, *, available: bool) -> None:
    handle.gate.check_connected()
    raise_for(handle.call(ffi.SEND_PRESENCE, b"available" if available else b"unavailable"))


def subscribe_presence(handle: Handle, who: Jid) -> None:
    handle.gate.check_connected()
    raise_for(handle.call(ffi.SUBSCRIBE_PRESENCE, jids.encode(person(who))))
