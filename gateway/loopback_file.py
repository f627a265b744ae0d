"""The file that tells a gateway where a loopback WhatsApp is."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sessions.protocol import Loopback


class LoopbackFileError(Exception):
    """The file that should say where the loopback WhatsApp is cannot be used."""


class _LoopbackFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    proxy: str
    ca_file: str
    root_key: str


def read_loopback(path: Path) -> Loopback:
    """What the loopback WhatsApp said of itself when it came up."""
    try:
        told = msgspec.json.decode(path.read_bytes(), type=_LoopbackFile)
        root_key = bytes.fromhex(told.root_key)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise LoopbackFileError(f"{path}: cannot be read as the address of a loopback WhatsApp: {error}") from None
    if len(root_key) != 32:
        raise LoopbackFileError(f"{path}: root_key must be 32 bytes in hexadecimal")
    return Loopback(proxy_url=told.proxy, ca_file=told.ca_file, root_key=root_key)
