"""The only way to call the library: checks state and bounds first, since it aborts the process where others fail.

Blocking; used from the call threads of one session.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from sessions.address import PN_SERVER, AddressKind, Jid
from sessions.content import MediaKind, RemoteFile, Sent
from sessions.errors import (
    EngineError,
    InvalidRequestError,
    MediaUnavailableError,
    NotConnectedError,
    NotPairedError,
    RefusedError,
    SessionError,
)
from sessions.protobuf import load
from sessions.worker import jids
from sessions.worker.ffi import Library
from sessions.worker.outbound.parts import Uploaded
from sessions.worker.refusals import error_for

_neonize: Any = load("Neonize_pb2")

#: How the engine counts kinds of files, and what WhatsApp's media host calls them.
_MEDIA_TYPES: dict[MediaKind, tuple[int, bytes]] = {
    "image": (0, b"image"),
    "video": (1, b"video"),
    "audio": (2, b"audio"),
    "document": (3, b"document"),
    "sticker": (0, b"image"),
}
_TYPING = {"composing": (0, 0), "recording": (0, 1), "paused": (1, 0)}
MAX_FILE_BYTES = 2_000 * 1024 * 1024
MAX_NUMBERS = 500
MAX_READ_IDS = 1000
_PAIR_CLIENT_CHROME = 1
_PAIR_CLIENT_NAME = "Chrome (Linux)"


@dataclass
class Gate:
    """What is known about a session; written by its engine thread, read before every call."""

    started: bool = False  #: the engine knows the session: calls do not abort the process
    paired: bool = False
    connected: bool = False
    closing: bool = False
    me: Jid | None = None  #: who is linked

    def check_started(self) -> None:
        if not self.started or self.closing:
            raise NotConnectedError

    def check_paired(self) -> None:
        self.check_started()
        if not self.paired:
            raise NotPairedError

    def check_connected(self) -> None:
        self.check_paired()
        if not self.connected:
            raise NotConnectedError


class Guard:
    """Calls on one session, safe to make at any time and with anything."""

    def __init__(self, *, library: Library, session: bytes, gate: Gate) -> None:
        self._library = library
        self._session = session
        self._gate = gate

    def send(self, to: Jid, message: bytes) -> Sent:
        self._gate.check_connected()
        raw = self._library.send_message(self._session, _recipient(to), message)
        answer = _neonize.SendMessageReturnFunction.FromString(raw)
        _raise_for(answer.Error)
        response = answer.SendResponse
        return Sent(
            wa_id=jids.text(response.ID),
            chat=jids.address(response.Chat, jids.message(to)),
            sender=jids.address(response.Sender),
            timestamp=float(response.Timestamp),
        )

    def upload(self, kind: MediaKind, data: bytes, now: float) -> Uploaded:
        self._gate.check_connected()
        if not 0 < len(data) <= MAX_FILE_BYTES:
            raise InvalidRequestError("The file is empty or too large.")
        answer = _neonize.UploadReturnFunction.FromString(
            self._library.upload(self._session, data, _media_type(kind)[0])
        )
        _raise_for(answer.Error)
        response = answer.UploadResponse
        return Uploaded(
            url=jids.text(response.url),
            direct_path=jids.text(response.DirectPath),
            media_key=bytes(response.MediaKey),
            sha256=bytes(response.FileSHA256),
            encrypted_sha256=bytes(response.FileEncSHA256),
            size=len(data),
            uploaded_at=now,
        )

    def download(self, kind: MediaKind, file: RemoteFile) -> bytes:
        self._gate.check_connected()
        if not file.direct_path or not file.media_key or file.size > MAX_FILE_BYTES:
            raise MediaUnavailableError
        media_type, mms_type = _media_type(kind)
        raw = self._library.download(
            self._session,
            direct_path=file.direct_path.encode(),
            encrypted_sha256=file.encrypted_sha256,
            sha256=file.sha256,
            media_key=file.media_key,
            size=file.size,
            media_type=media_type,
            mms_type=mms_type,
        )
        answer = _neonize.DownloadReturnFunction.FromString(raw)
        _raise_for(answer.Error)
        return bytes(answer.Binary)

    def mark_read(self, chat: Jid, wa_ids: tuple[str, ...], sender: Jid, *, played: bool, now: float) -> None:
        self._gate.check_connected()
        if not 0 < len(wa_ids) <= MAX_READ_IDS or any(" " in wa_id or not wa_id for wa_id in wa_ids):
            raise InvalidRequestError("The message ids are not ids.")
        ids = " ".join(wa_ids).encode()
        kind = b"played" if played else b"read"
        where = (jids.encode(chat), jids.encode(sender))
        _raise_for(self._library.mark_read(self._session, ids, int(now), *where, kind))

    def set_typing(self, chat: Jid, state: str) -> None:
        self._gate.check_connected()
        if state not in _TYPING:
            raise InvalidRequestError("Typing is composing, recording or paused.")
        _raise_for(self._library.send_chat_presence(self._session, jids.encode(chat), *_TYPING[state]))

    def set_presence(self, *, available: bool) -> None:
        self._gate.check_connected()
        _raise_for(self._library.send_presence(self._session, b"available" if available else b"unavailable"))

    def subscribe_presence(self, who: Jid) -> None:
        self._gate.check_connected()
        _raise_for(self._library.subscribe_presence(self._session, jids.encode(_person(who))))

    def check_numbers(self, phones: tuple[str, ...]) -> dict[str, Jid]:
        """Those of the given E.164 numbers that are on WhatsApp, with their addresses."""
        self._gate.check_connected()
        if not 0 < len(phones) <= MAX_NUMBERS or not all(_is_phone(phone) for phone in phones):
            raise InvalidRequestError("The numbers are not E.164 numbers.")
        raw = self._library.is_on_whatsapp(self._session, " ".join(phones).encode())
        answer = _neonize.IsOnWhatsAppReturnFunction.FromString(raw)
        if jids.text(answer.Error) == "Function returned nothing.":
            return {}
        _raise_for(answer.Error)
        found = {}
        for item in answer.IsOnWhatsAppResponse:
            jid = jids.decode(item.JID)
            if item.IsIn and jid is not None:
                found[f"+{jids.text(item.Query).removeprefix('+')}"] = jid
        return found

    def other_name(self, jid: Jid) -> Jid | None:
        """A person's LID for a phone number and the other way round, if the engine knows it."""
        self._gate.check_paired()
        encoded = jids.encode(_person(jid).without_device)
        look_up = self._library.lid_from_pn if jid.server == PN_SERVER else self._library.pn_from_lid
        raw = look_up(self._session, encoded)
        answer = _neonize.GetJIDFromStoreReturnFunction.FromString(raw)
        return jids.decode(answer.Jid) if not answer.Error and answer.HasField("Jid") else None

    def picture_url(self, who: Jid, *, preview: bool) -> str | None:
        self._gate.check_connected()
        parameters = _neonize.GetProfilePictureParams(Preview=preview, ExistingID="", IsCommunity=False)
        raw = self._library.profile_picture(self._session, jids.encode(who), parameters.SerializeToString())
        answer = _neonize.GetProfilePictureReturnFunction.FromString(raw)
        error = jids.text(answer.Error)
        if "hidden" in error or "does not have a profile picture" in error:
            return None
        _raise_for(error)
        return jids.text(answer.Picture.URL) or None

    def is_answered(self) -> bool:
        """Ask WhatsApp for the address of the account's own picture, as any client does; whether an answer came."""
        me = self._gate.me
        if me is None:
            return False
        try:
            self.picture_url(me, preview=True)
        except RefusedError:
            return True
        except SessionError:
            return False
        return True

    def pair_code(self, phone: str, shown: threading.Event, *, wait_seconds: float) -> str:
        """A code to type on the phone. Only possible once the first QR code has come, so that is waited for."""
        if not _is_phone(phone):
            raise InvalidRequestError("The number is not an E.164 number.")
        if not shown.wait(wait_seconds) or self._gate.closing:
            raise NotConnectedError
        parameters = _neonize.PairPhoneParams(
            phone=phone.removeprefix("+"),
            showPushNotification=True,
            clientType=_PAIR_CLIENT_CHROME,
            clientDisplayName=_PAIR_CLIENT_NAME,
        )
        raw = self._library.pair_phone(self._session, parameters.SerializeToString())
        answer = _neonize.PairPhoneReturnFunction.FromString(raw)
        _raise_for(answer.Error)
        return jids.text(answer.Code)

    def log_out(self) -> None:
        self._gate.check_connected()
        _raise_for(self._library.logout(self._session))

    def disconnect(self) -> None:
        """Close the connection; events that are on their way still come. Does nothing before the engine knows it."""
        if self._gate.started:
            self._library.disconnect(self._session)


def _raise_for(error: str | bytes) -> None:
    if error:
        raise error_for(jids.text(error))


def _recipient(to: Jid) -> bytes:
    if to.device:
        raise InvalidRequestError("A message goes to an account, not to one of its devices.")
    if to.kind is AddressKind.BROADCAST:
        raise InvalidRequestError("Messages to broadcast lists cannot be sent.")
    return jids.encode(to)


def _person(jid: Jid) -> Jid:
    if jid.kind is not AddressKind.PERSON:
        raise InvalidRequestError("This is only possible for a person.")
    return jid


def _media_type(kind: MediaKind) -> tuple[int, bytes]:
    if kind not in _MEDIA_TYPES:
        raise EngineError("This kind of file is not known.")
    return _MEDIA_TYPES[kind]


def _is_phone(phone: str) -> bool:
    digits = phone.removeprefix("+")
    return phone.startswith("+") and digits.isascii() and digits.isdecimal() and 7 <= len(digits) <= 15
