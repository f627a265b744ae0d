"""Guarded calls about people: numbers, names and pictures."""

from __future__ import annotations

from typing import Any

from sessions.address import PN_SERVER, Jid
from sessions.errors import InvalidRequestError, RefusedError, SessionError
from sessions.protobuf import load
from sessions.worker import jids
from sessions.worker.ffi import people as ffi
from sessions.worker.guard.bounds import is_phone, person, raise_for
from sessions.worker.guard.handle import Handle

_neonize: Any = load("Neonize_pb2")

MAX_NUMBERS = 500


def check_numbers(handle: Handle, phones: tuple[str, ...]) -> dict[str, Jid]:
    """Those of the given E.164 numbers that are on WhatsApp, with their addresses."""
    handle.gate.check_connected()
    if not 0 < len(phones) <= MAX_NUMBERS or not all(is_phone(phone) for phone in phones):
        raise InvalidRequestError("The numbers are not E.164 numbers.")
    raw = handle.call(ffi.IS_ON_WHATSAPP, " ".join(phones).encode())
    answer = _neonize.IsOnWhatsAppReturnFunction.FromString(raw)
    if jids.text(answer.Error) == "Function returned nothing.":
        return {}
    raise_for(answer.Error)
    found = {}
    for item in answer.IsOnWhatsAppResponse:
        jid = jids.decode(item.JID)
        if item.IsIn and jid is not None:
            found[f"+{jids.text(item.Query).removeprefix('+')}"] = jid
    return found


def other_name(handle: Handle, jid: Jid) -> Jid | None:
    """A person's LID for a phone number and the other way round, if the engine knows it."""
    handle.gate.check_paired()
    encoded = jids.encode(person(jid).without_device)
    look_up = ffi.LID_FROM_PN if jid.server == PN_SERVER else ffi.PN_FROM_LID
    answer = _neonize.GetJIDFromStoreReturnFunction.FromString(handle.call(look_up, encoded))
    return jids.decode(answer.Jid) if not answer.Error and answer.HasField("Jid") else None


def picture_url(handle: Handle, who: Jid, *, preview: bool) -> str | None:
    handle.gate.check_connected()
    parameters = _neonize.GetProfilePictureParams(Preview=preview, ExistingID="", IsCommunity=False)
    raw = handle.call(ffi.PROFILE_PICTURE, jids.encode(who), parameters.SerializeToString())
    answer = _neonize.GetProfilePictureReturnFunction.FromString(raw)
    error = jids.text(answer.Error)
    if "hidden" in error or "does not have a profile picture" in error:
        return None
    raise_for(error)
    return jids.text(answer.Picture.URL) or None


def is_answered(handle: Handle) -> bool:
    """Ask WhatsApp for the address of the account's own picture, as any client does; whether an answer came."""
    me = handle.gate.me
    if me is None:
        return False
    try:
        picture_url(handle, me, preview=True)
    except RefusedError:
        return True
    except SessionError:
        return False
    return True
