"""Guarded calls about the linked account, and about what people tell of themselves."""

from __future__ import annotations

from typing import Any

from sessions.address import Address, Jid
from sessions.commands.account import Person, PrivacyName, PrivacyValue
from sessions.errors import BusyError, InvalidRequestError
from sessions.protobuf import load
from sessions.worker import jids
from sessions.worker.ffi import account as ffi
from sessions.worker.guard.bounds import person, raise_for
from sessions.worker.guard.handle import Handle
from sessions.worker.inbound.account import read_privacy

_neonize: Any = load("Neonize_pb2")

MAX_PEOPLE = 100
MAX_PICTURE_BYTES = 5 * 1024 * 1024
MAX_NAME, MAX_ABOUT = 25, 139
_JPEG = b"\xff\xd8\xff"

#: What WhatsApp calls our settings.
WIRE_NAMES: dict[PrivacyName, bytes] = {
    "last_seen": b"last",
    "online": b"online",
    "about": b"status",
    "picture": b"profile",
    "read_receipts": b"readreceipts",
    "groups": b"groupadd",
    "calls": b"calladd",
}
#: WhatsApp takes nothing else. ``contacts_except`` needs a list that the engine cannot give.
PRIVACY_CHOICES: dict[PrivacyName, tuple[PrivacyValue, ...]] = {
    "last_seen": ("all", "contacts", "none"),
    "online": ("all", "match_last_seen"),
    "about": ("all", "contacts", "none"),
    "picture": ("all", "contacts", "none"),
    "read_receipts": ("all", "none"),
    "groups": ("all", "contacts", "none"),
    "calls": ("all", "known"),
}


def fetch_people(handle: Handle, who: tuple[Jid, ...]) -> list[Person]:
    handle.gate.check_connected()
    if not 0 < len(who) <= MAX_PEOPLE:
        raise InvalidRequestError("Too many people at once.")
    asked = _neonize.JIDArray(JIDS=[jids.message(person(jid).without_device) for jid in who])
    answer = _neonize.GetUserInfoReturnFunction.FromString(handle.call(ffi.USER_INFO, asked.SerializeToString()))
    raise_for(answer.Error)
    return [_person(found) for found in answer.UsersInfo]


def set_name(handle: Handle, name: str) -> None:
    handle.gate.check_connected()
    raise_for(handle.call(ffi.SET_PUSH_NAME, _text(name, shortest=1, longest=MAX_NAME)))


def set_about(handle: Handle, about: str) -> None:
    handle.gate.check_connected()
    raise_for(handle.call(ffi.SET_STATUS_MESSAGE, _text(about, shortest=0, longest=MAX_ABOUT)))


def set_picture(handle: Handle, jpeg: bytes) -> str:
    handle.gate.check_connected()
    if not jpeg.startswith(_JPEG) or len(jpeg) > MAX_PICTURE_BYTES:
        raise InvalidRequestError("The picture is no JPEG, or too large.")
    answer = _neonize.SetGroupPhotoReturnFunction.FromString(handle.call(ffi.SET_PROFILE_PHOTO, jpeg))
    raise_for(answer.Error)
    return jids.text(answer.PictureID)


def fetch_privacy(handle: Handle) -> dict[PrivacyName, PrivacyValue]:
    handle.gate.check_connected()
    settings = read_privacy(_neonize.PrivacySettings.FromString(handle.call(ffi.PRIVACY_SETTINGS)))
    if not settings:
        # The engine gives nothing at all where it could not ask.
        raise BusyError("WhatsApp did not tell the privacy settings.")
    return settings


def set_privacy(handle: Handle, name: PrivacyName, value: PrivacyValue) -> dict[PrivacyName, PrivacyValue]:
    handle.gate.check_connected()
    if value not in PRIVACY_CHOICES.get(name, ()):
        raise InvalidRequestError("This setting does not take this value.")
    raw = handle.call(ffi.SET_PRIVACY_SETTING, WIRE_NAMES[name], value.encode())
    answer = _neonize.SetPrivacySettingReturnFunction.FromString(raw)
    raise_for(answer.Error)
    return read_privacy(answer.settings)


def fetch_blocklist(handle: Handle) -> list[Jid]:
    handle.gate.check_connected()
    return _blocked(handle.call(ffi.BLOCKLIST))


def set_blocked(handle: Handle, who: Jid, *, blocked: bool) -> list[Jid]:
    handle.gate.check_connected()
    action = b"block" if blocked else b"unblock"
    return _blocked(handle.call(ffi.UPDATE_BLOCKLIST, jids.encode(person(who).without_device), action))


def reject_call(handle: Handle, caller: Jid, call_id: str) -> None:
    handle.gate.check_connected()
    raise_for(handle.call(ffi.REJECT_CALL, jids.encode(person(caller).without_device), _text(call_id, 1, 200)))


def _blocked(raw: bytes) -> list[Jid]:
    answer = _neonize.GetBlocklistReturnFunction.FromString(raw)
    raise_for(answer.Error)
    return [jid for jid in map(jids.decode, answer.Blocklist.JIDs) if jid is not None]


def _person(found: Any) -> Person:
    info = found.UserInfo
    return Person(
        address=jids.address(found.JID),
        about=jids.text(info.Status) or None,
        picture_id=jids.text(info.PictureID) or None,
        devices=tuple(sorted(int(device.Device) for device in info.Devices)),
        verified_name=jids.text(info.VerifiedName.Details.verifiedName) or None,
    )


def _text(text: str, shortest: int, longest: int) -> bytes:
    if not shortest <= len(text) <= longest or "\x00" in text:
        raise InvalidRequestError("The text is empty, too long, or holds a zero character.")
    return text.encode()


def full(found: Person, other: Jid | None) -> Person:
    """Somebody under both names."""
    address = Address.of(found.address.pn, found.address.lid, other)
    return Person(
        address=address,
        about=found.about,
        picture_id=found.picture_id,
        devices=found.devices,
        verified_name=found.verified_name,
    )
