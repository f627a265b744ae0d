"""The dictionary of WhatsApp's binary XML, read out of the installed engine's own library at run time.

Nothing third-party is stored here, and a library with another layout or dictionary fails loudly.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from sessions.protobuf import package_folder

DICTIONARY_VERSION = 3
SINGLE_BYTE_TOKENS = 236
DOUBLE_BYTE_TABLES = 4
DOUBLE_BYTE_TOKENS = 256

_LONGEST_TOKEN = 200
_GO_STRING_BYTES = 16  # a Go string is a pointer and a length, eight bytes each
_RELATIVE_RELOCATIONS = frozenset({8, 1027})  # R_X86_64_RELATIVE, R_AARCH64_RELATIVE
_NO_BITS = 8  # a section that takes no room in the file


class TokensNotFoundError(LookupError):
    """The engine's library does not hold the dictionary that this codec speaks."""


@dataclass(frozen=True)
class Tokens:
    """Words that travel as one byte, and words that travel as two."""

    single: tuple[str, ...]
    double: tuple[tuple[str, ...], ...]


class _Anchor(NamedTuple):
    """Two neighbouring words by which a table is recognised, and where in the table the first of them stands."""

    first: str
    second: str
    position: int


_SINGLE_ANCHOR = _Anchor("xmlstreamstart", "xmlstreamend", 1)
_DOUBLE_ANCHORS = (
    _Anchor("read-self", "active", 0),
    _Anchor("reject", "dirty", 0),
    _Anchor("64", "ptt_playback_speed_enabled", 0),
    _Anchor("1724", "profile_picture", 0),
)


def read_tokens(library: Path | None = None) -> Tokens:
    """Read the dictionary out of the engine's library; takes a few tenths of a second."""
    image = _Image((library or _installed_library()).read_bytes())
    starts = _find_tables(image)
    single = _table(image, starts[_SINGLE_ANCHOR], SINGLE_BYTE_TOKENS)
    double = tuple(_table(image, starts[anchor], DOUBLE_BYTE_TOKENS) for anchor in _DOUBLE_ANCHORS)
    return Tokens(single, double)


def _installed_library() -> Path:
    libraries = sorted(package_folder().glob("neonize-*.so"))
    if not libraries:
        raise TokensNotFoundError("neonize's library is not installed for this platform")
    return libraries[0]


def _find_tables(image: _Image) -> dict[_Anchor, int]:
    anchors = {anchor.first: anchor for anchor in (_SINGLE_ANCHOR, *_DOUBLE_ANCHORS)}
    found: dict[_Anchor, int] = {}
    for address in image.pointers:
        anchor = anchors.get(image.go_string(address) or "")
        if anchor and image.go_string(address + _GO_STRING_BYTES) == anchor.second:
            found[anchor] = address - _GO_STRING_BYTES * anchor.position
    missing = [anchor.first for anchor in anchors.values() if anchor not in found]
    if missing:
        raise TokensNotFoundError(f"the dictionary tables of {', '.join(missing)} are not in the engine's library")
    return found


def _table(image: _Image, start: int, size: int) -> tuple[str, ...]:
    return tuple(image.go_string(start + _GO_STRING_BYTES * index) or "" for index in range(size))


class _Section(NamedTuple):
    kind: int
    address: int
    offset: int
    size: int


class _Image:
    """An ELF file with Go data in it, addressed as it would be in memory."""

    def __init__(self, data: bytes) -> None:
        if data[:5] != b"\x7fELF\x02":
            raise TokensNotFoundError("the engine's library is not a 64-bit ELF file")
        self._data = data
        self._sections = dict(self._read_sections())

    @cached_property
    def pointers(self) -> dict[int, int]:
        """Every address that holds a pointer, with where it points."""
        table = self._sections.get(".rela.dyn")
        if table is None:
            raise TokensNotFoundError("the engine's library has no relocations")
        entries = struct.iter_unpack("<QQq", self._data[table.offset : table.offset + table.size])
        return {where: target for where, info, target in entries if info & 0xFFFFFFFF in _RELATIVE_RELOCATIONS}

    def go_string(self, address: int) -> str | None:
        """The Go string whose header lies at this address; None where there is no plausible one."""
        header = self._offset(address)
        if header is None:
            return None
        (size,) = struct.unpack_from("<Q", self._data, header + 8)
        target = self.pointers.get(address)
        if target is None or not 0 < size <= _LONGEST_TOKEN:
            return "" if size == 0 else None
        start = self._offset(target)
        return None if start is None else self._data[start : start + size].decode("utf-8", "replace")

    def _offset(self, address: int) -> int | None:
        for section in self._sections.values():
            if section.kind != _NO_BITS and 0 < section.address <= address < section.address + section.size:
                return address - section.address + section.offset
        return None

    def _read_sections(self) -> Iterator[tuple[str, _Section]]:
        (headers,) = struct.unpack_from("<Q", self._data, 40)
        entry_size, count, names_index = struct.unpack_from("<HHH", self._data, 58)
        raw = [struct.unpack_from("<IIQQQQ", self._data, headers + index * entry_size) for index in range(count)]
        names = raw[names_index][4]
        for name, kind, _, address, offset, size in raw:
            start = names + name
            yield self._data[start : self._data.index(b"\0", start)].decode(), _Section(kind, address, offset, size)
