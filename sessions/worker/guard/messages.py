"""Guarded calls about messages."""

from __future__ import annotations

from typing import Any

from sessions.address import AddressKind, Jid
from sessions.content import Sent
from sessions.errors import InvalidRequestError
from sessions.protobuf import load
from sessions.worker import jids
from sessions.worker.ffi import messages as ffi
from sessions.worker.guard.bounds import raise_for
from sessions.worker.guard.handle import Handle

_neonize: Any = load("Neonize_pb2")

MAX_READ_IDS = 1000


def send(handle: Handle, to: Jid, message: bytes) -> Sent:
    handle.gate.check_connected()
    raw = handle.call(ffi.SEND_MESSAGE, _recipient(to), message)
    answer = _neonize.SendMessageReturnFunction.FromString(raw)
    raise_for(answer.Error)
    response = answer.SendResponse
    return Sent(
        wa_id=jids.text(response.ID),
        chat=jids.address(response.Chat, jids.message(to)),
        sender=jids.address(response.Sender),
        timestamp=float(response.Timestamp),
    )


def mark_read(handle: Handle, chat: Jid, wa_ids: tuple[str, ...], sender: Jid, *, played: bool, now: float) -> None:
    handle.gate.check_connected()
    if not 0 < len(wa_ids) <= MAX_READ_IDS or any(" " in wa_id or not wa_id for wa_id in wa_ids):
        raise InvalidRequestError("The message ids are not ids.")
    ids = " ".join(wa_ids).encode()
    kind = b"played" if played else b"read"
    raise_for(handle.call(ffi.MARK_READ, ids, int(now), jids.encode(chat), jids.encode(sender), kind))


def _recipient(to: Jid) -> bytes:
    if to.device:
        raise InvalidRequestError("A message goes to an account, not to one of its devices.")
    if to.kind is AddressKind.BROADCAST:
        raise InvalidRequestError("Messages to broadcast lists cannot be sent.")
    return jids.encode(to)
