"""The C interface of the WhatsApp library: every function we call with its types, one method each, no logic."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, c_bool, c_char_p, c_int, c_size_t, c_void_p
from pathlib import Path
from typing import Any

LINE_CALLBACK = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)
EVENT_CALLBACK = ctypes.CFUNCTYPE(None, c_char_p, c_void_p, c_int, c_int)
LOG_CALLBACK = ctypes.CFUNCTYPE(None, c_void_p, c_int)


class _Buffer(ctypes.Structure):
    """Bytes that the library has allocated and that we give back after copying."""

    _fields_ = (("pointer", c_void_p), ("size", c_size_t))


class ProxySettings(ctypes.Structure):
    """Where the library dials to instead of WhatsApp."""

    _fields_ = (
        ("address", c_char_p),
        ("no_websocket", c_bool),
        ("only_login", c_bool),
        ("no_media", c_bool),
    )


_PROTOBUF = (c_char_p, c_int)
_NEONIZE = (
    c_char_p,  # key store
    c_char_p,  # session
    *_PROTOBUF,  # JID, never given
    c_int,  # new device, never asked for
    c_char_p,  # log level
    LINE_CALLBACK,
    LINE_CALLBACK,
    EVENT_CALLBACK,
    LOG_CALLBACK,
    *_PROTOBUF,  # event codes
    *_PROTOBUF,  # device properties
    *_PROTOBUF,  # phone to pair, never given
    POINTER(ProxySettings),
)

#: Functions that give back a C string, with their arguments.
_TEXT: dict[str, tuple[Any, ...]] = {
    "Neonize": _NEONIZE,
    "Logout": (c_char_p,),
    "MarkRead": (c_char_p, c_char_p, c_int, *_PROTOBUF, *_PROTOBUF, c_char_p),
    "SendChatPresence": (c_char_p, *_PROTOBUF, c_int, c_int),
    "SendPresence": (c_char_p, c_char_p),
    "SubscribePresence": (c_char_p, *_PROTOBUF),
}

#: Functions that give back a buffer holding a protobuf message, with their arguments.
_MESSAGE: dict[str, tuple[Any, ...]] = {
    "TestStruct": (),
    "SendMessage": (c_char_p, *_PROTOBUF, *_PROTOBUF),
    "Upload": (c_char_p, c_char_p, c_int, c_int),
    "DownloadMediaWithPath": (c_char_p, c_char_p, *_PROTOBUF, *_PROTOBUF, *_PROTOBUF, c_int, c_int, c_char_p),
    "IsOnWhatsApp": (c_char_p, c_char_p),
    "GetLIDFromPN": (c_char_p, *_PROTOBUF),
    "GetPNFromLID": (c_char_p, *_PROTOBUF),
    "GetProfilePicture": (c_char_p, *_PROTOBUF, *_PROTOBUF),
    "PairPhone": (c_char_p, *_PROTOBUF),
}

#: What the library must export for us to work with it.
EXPORTS = (*_TEXT, *_MESSAGE, "Disconnect", "FreeBytesStruct", "FreeString", "GetVersion")


class Library:
    """The loaded WhatsApp library. Methods block; none of them checks what it is given."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._c = ctypes.CDLL(str(path))
        self._declare("FreeBytesStruct", (POINTER(_Buffer),), None)
        self._declare("FreeString", (c_void_p,), None)
        self._declare("GetVersion", (), c_char_p)
        self._declare("Disconnect", (c_char_p,), None)
        for name, arguments in _TEXT.items():
            self._declare(name, arguments, c_void_p).errcheck = self._take_text
        for name, arguments in _MESSAGE.items():
            self._declare(name, arguments, POINTER(_Buffer)).errcheck = self._take_message

    def exports(self, name: str) -> bool:
        """Whether the library has a function of that name."""
        return hasattr(self._c, name)

    def version(self) -> str:
        return bytes(self._c.GetVersion()).decode()

    def test_struct(self) -> bytes:
        return self._call("TestStruct")

    def neonize(
        self,
        *,
        store: bytes,
        session: bytes,
        log_level: bytes,
        on_qr: Callable[[int, int], None],
        on_login_status: Callable[[int, int], None],
        on_event: Callable[[bytes, int, int, int], None],
        on_log: Callable[[int, int], None],
        subscribed: bytes,
        device: bytes,
        proxy: ProxySettings | None,
    ) -> bytes:
        """Run a session on the calling thread; return an error text when it has ended."""
        callbacks = (
            LINE_CALLBACK(on_qr),
            LINE_CALLBACK(on_login_status),
            EVENT_CALLBACK(on_event),
            LOG_CALLBACK(on_log),
        )
        return self._call(
            "Neonize",
            store,
            session,
            *(b"", 0),
            0,
            log_level,
            *callbacks,
            *_sized(subscribed),
            *_sized(device),
            *(b"", 0),
            ctypes.byref(proxy) if proxy is not None else None,
        )

    def disconnect(self, session: bytes) -> None:
        self._c.Disconnect(session)

    def logout(self, session: bytes) -> bytes:
        return self._call("Logout", session)

    def pair_phone(self, session: bytes, parameters: bytes) -> bytes:
        return self._call("PairPhone", session, *_sized(parameters))

    def send_message(self, session: bytes, to: bytes, message: bytes) -> bytes:
        return self._call("SendMessage", session, *_sized(to), *_sized(message))

    def upload(self, session: bytes, data: bytes, media_type: int) -> bytes:
        return self._call("Upload", session, *_sized(data), media_type)

    def download(
        self,
        session: bytes,
        *,
        direct_path: bytes,
        encrypted_sha256: bytes,
        sha256: bytes,
        media_key: bytes,
        size: int,
        media_type: int,
        mms_type: bytes,
    ) -> bytes:
        hashes = (*_sized(encrypted_sha256), *_sized(sha256), *_sized(media_key))
        return self._call("DownloadMediaWithPath", session, direct_path, *hashes, size, media_type, mms_type)

    def mark_read(self, session: bytes, ids: bytes, seconds: int, chat: bytes, sender: bytes, kind: bytes) -> bytes:
        return self._call("MarkRead", session, ids, seconds, *_sized(chat), *_sized(sender), kind)

    def send_chat_presence(self, session: bytes, chat: bytes, state: int, media: int) -> bytes:
        return self._call("SendChatPresence", session, *_sized(chat), state, media)

    def send_presence(self, session: bytes, presence: bytes) -> bytes:
        return self._call("SendPresence", session, presence)

    def subscribe_presence(self, session: bytes, who: bytes) -> bytes:
        return self._call("SubscribePresence", session, *_sized(who))

    def is_on_whatsapp(self, session: bytes, phones: bytes) -> bytes:
        return self._call("IsOnWhatsApp", session, phones)

    def lid_from_pn(self, session: bytes, pn: bytes) -> bytes:
        return self._call("GetLIDFromPN", session, *_sized(pn))

    def pn_from_lid(self, session: bytes, lid: bytes) -> bytes:
        return self._call("GetPNFromLID", session, *_sized(lid))

    def profile_picture(self, session: bytes, who: bytes, parameters: bytes) -> bytes:
        return self._call("GetProfilePicture", session, *_sized(who), *_sized(parameters))

    def _declare(self, name: str, arguments: tuple[Any, ...], result: Any) -> Any:
        function = getattr(self._c, name)
        function.argtypes = list(arguments)
        function.restype = result
        return function

    def _call(self, name: str, *arguments: Any) -> bytes:
        # The errcheck functions below have turned the result into bytes.
        result: bytes = getattr(self._c, name)(*arguments)
        return result

    def _take_text(self, result: int | None, function: Any, arguments: Any) -> bytes:
        if not result:
            return b""
        try:
            return ctypes.string_at(result)
        finally:
            self._c.FreeString(result)

    def _take_message(self, result: Any, function: Any, arguments: Any) -> bytes:
        if not result:
            return b""
        try:
            buffer = result.contents
            return ctypes.string_at(buffer.pointer, buffer.size) if buffer.pointer and buffer.size else b""
        finally:
            self._c.FreeBytesStruct(result)


def _sized(data: bytes) -> tuple[bytes, int]:
    return data, len(data)
