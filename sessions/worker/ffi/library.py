"""The loaded WhatsApp library: its functions are declared with their types, and what they give back is copied and freed."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, c_bool, c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any

from sessions.worker.ffi.function import Function, Gives, Takes
from sessions.worker.ffi.table import FUNCTIONS

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


_C_TYPES: dict[Takes, tuple[Any, ...]] = {
    Takes.TEXT: (c_char_p,),
    Takes.DATA: (c_char_p, c_int),
    Takes.NUMBER: (c_int,),
    Takes.LONG: (c_int64,),
    Takes.FLAG: (c_bool,),
}
_DATA = _C_TYPES[Takes.DATA]
_NEONIZE = (
    c_char_p,  # key store
    c_char_p,  # session
    *_DATA,  # JID, never given
    c_int,  # new device, never asked for
    c_char_p,  # log level
    LINE_CALLBACK,
    LINE_CALLBACK,
    EVENT_CALLBACK,
    LOG_CALLBACK,
    *_DATA,  # event codes
    *_DATA,  # device properties
    *_DATA,  # phone to pair, never given
    POINTER(ProxySettings),
)

#: What the library must export for us to work with it.
EXPORTS = (
    *(function.name for function in FUNCTIONS),
    *("Neonize", "TestStruct", "Disconnect", "FreeBytesStruct", "FreeString", "GetVersion"),
)


class Library:
    """Calls block; none of them checks more of what it is given than its types."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._c = ctypes.CDLL(str(path))
        self._declare("FreeBytesStruct", (POINTER(_Buffer),), None)
        self._declare("FreeString", (c_void_p,), None)
        self._declare("GetVersion", (), c_char_p)
        self._declare("Disconnect", (c_char_p,), None)
        self._declare("Neonize", _NEONIZE, c_void_p).errcheck = self._take_text
        self._declare("TestStruct", (), POINTER(_Buffer)).errcheck = self._take_message
        for function in FUNCTIONS:
            self._declare_function(function)

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

    def call(self, function: Function, session: bytes, *arguments: bytes | int) -> bytes:
        """Call a function on a session with the arguments that are written down for it."""
        flat: list[bytes | int] = []
        for takes, argument in zip(function.takes, arguments, strict=True):
            flat += _sized(argument) if takes is Takes.DATA and isinstance(argument, bytes) else (argument,)
        return self._call(function.name, session, *flat)

    def _declare_function(self, function: Function) -> None:
        arguments = (c_char_p, *(each for takes in function.takes for each in _C_TYPES[takes]))
        if function.gives is Gives.TEXT:
            self._declare(function.name, arguments, c_void_p).errcheck = self._take_text
        else:
            self._declare(function.name, arguments, POINTER(_Buffer)).errcheck = self._take_message

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
