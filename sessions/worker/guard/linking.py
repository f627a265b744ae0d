"""Guarded calls about the tie between a session and its phone."""

from __future__ import annotations

import threading
from typing import Any

from sessions.errors import InvalidRequestError, NotConnectedError
from sessions.protobuf import load
from sessions.worker import jids
from sessions.worker.ffi import linking as ffi
from sessions.worker.guard.bounds import is_phone, raise_for
from sessions.worker.guard.handle import Handle

_neonize: Any = load("Neonize_pb2")

_PAIR_CLIENT_CHROME = 1
_PAIR_CLIENT_NAME = "Chrome (Linux)"


def pair_code(handle: Handle, phone: str, shown: threading.Event, *, wait_seconds: float) -> str:
    """A code to type on the phone. Only possible once the first QR code has come, so that is waited for."""
    if not is_phone(phone):
        raise InvalidRequestError("The number is not an E.164 number.")
    if not shown.wait(wait_seconds) or handle.gate.closing:
        raise NotConnectedError
    parameters = _neonize.PairPhoneParams(
        phone=phone.removeprefix("+"),
        showPushNotification=True,
        clientType=_PAIR_CLIENT_CHROME,
        clientDisplayName=_PAIR_CLIENT_NAME,
    )
    raw = handle.call(ffi.PAIR_PHONE, parameters.SerializeToString())
    answer = _neonize.PairPhoneReturnFunction.FromString(raw)
    raise_for(answer.Error)
    return jids.text(answer.Code)


def log_out(handle: Handle) -> None:
    handle.gate.check_connected()
    raise_for(handle.call(ffi.LOG_OUT))
