"""Swaps the engine's trust root in this process's memory, so that it talks to the loopback WhatsApp only."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

#: The key that vouches for WhatsApp's servers in the Noise handshake, as whatsmeow carries it.
_WHATSAPP_ROOT = bytes.fromhex("142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b")
_KEY_BYTES = 32


class TrustRootError(Exception):
    """The trust root is not where it should be; the library is another one than expected."""


def swap_root(library: Path, root_key: bytes) -> None:
    """Replace WhatsApp's root key by ours. From then on this process cannot talk to the real service."""
    if len(root_key) != _KEY_BYTES:
        raise TrustRootError("a root key has 32 bytes")
    found = [address for start, end in _writable_parts(library) for address in _find(start, end)]
    if len(found) != 1:
        raise TrustRootError(f"expected the root key once in the library's memory, found it {len(found)} times")
    ctypes.memmove(found[0], root_key, _KEY_BYTES)


def _writable_parts(library: Path) -> Iterator[tuple[int, int]]:
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5] == str(library) and fields[1].startswith("rw"):
            start, _, end = fields[0].partition("-")
            yield int(start, 16), int(end, 16)


def _find(start: int, end: int) -> Iterator[int]:
    memory = ctypes.string_at(start, end - start)
    position = memory.find(_WHATSAPP_ROOT)
    while position >= 0:
        yield start + position
        position = memory.find(_WHATSAPP_ROOT, position + 1)
