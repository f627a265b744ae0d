"""Addresses as the engine writes them: protobuf JIDs to ours and back."""

from __future__ import annotations

import math
from typing import Any

from sessions.address import Address, Jid, names_somebody
from sessions.protobuf import load

_neonize: Any = load("Neonize_pb2")
_LONGEST_SECONDS = 2**31 - 1


def encode(jid: Jid) -> bytes:
    """The engine's form of an address; every field must be there or the engine aborts the process."""
    return bytes(message(jid).SerializeToString())


def message(jid: Jid) -> Any:
    return _neonize.JID(User=jid.user, Server=jid.server, Device=jid.device, RawAgent=0, Integrator=0, IsEmpty=False)


def decode(jid: Any) -> Jid | None:
    """Our form of the engine's address; None where it has none."""
    user, server = text(jid.User), text(jid.Server)
    if jid.IsEmpty or not server or not names_somebody(user, server):
        return None
    return Jid(user, server, int(jid.Device))


def address(*found: Any) -> Address:
    """One partner under all the names the engine gives for it."""
    return Address.of(*(decode(jid) for jid in found))


def finite(value: float) -> float:
    """A number that can be written down: whoever writes a message may put there what is none."""
    return value if math.isfinite(value) else 0.0


def seconds(value: int) -> int:
    """A span of time that fits in 31 bits, whatever was written."""
    return min(max(0, int(value)), _LONGEST_SECONDS)


def text(value: str | bytes) -> str:
    """The engine's strings come as bytes when they are not UTF-8. The zero byte says nothing, and not all stores take it."""
    plain = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return plain.replace("\x00", "")
