"""Tells what a file is from its first bytes, whatever its name or sender says."""

from __future__ import annotations

import re
from pathlib import Path

HEAD_BYTES = 4096
UNKNOWN = "application/octet-stream"

#: What a declared type must look like to be one; anything else says nothing.
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,48}/[a-z0-9][a-z0-9!#$&^_.+-]{0,98}")
_ACTIVE = ("html", "xml", "svg", "script", "flash", "css", "wasm")

_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"#!AMR", "audio/amr"),
    (b"PK\x03\x04", "application/zip"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", "application/x-executable"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_AUDIO_BRANDS = (b"M4A ", b"M4B ")
_IMAGE_BRANDS = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"avif": "image/avif"}

#: What the layer bits of a frame say. Layer I is left out: nobody uses it, and text in UTF-16 begins like that.
_MPEG_LAYERS = {0x00: "audio/aac", 0x02: "audio/mpeg", 0x04: "audio/mpeg"}

#: Families whose files are always known by their first bytes: a file that claims to be one must look like one.
_PROVEN_FAMILIES = ("image", "video", "audio")

#: Containers that hold sound or pictures alike; the declared type is believed within these.
_CONTAINERS = (
    frozenset({"video/mp4", "audio/mp4", "audio/x-m4a", "audio/aac", "video/3gpp", "audio/3gpp", "video/quicktime"}),
    frozenset({"video/webm", "audio/webm", "video/x-matroska"}),
    frozenset({"audio/ogg", "video/ogg", "application/ogg", "audio/opus"}),
)


def read_head(path: Path) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def sniff(head: bytes) -> str:
    """The MIME type that the bytes show, or application/octet-stream."""
    for prefix, mimetype in _PREFIXES:
        if head.startswith(prefix):
            return mimetype
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[4:8] == b"ftyp":
        return _sniff_iso(head[8:12])
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return _MPEG_LAYERS.get(head[1] & 0x06, UNKNOWN)
    return UNKNOWN


def agree(declared: str | None, shown: str) -> str | None:
    """The type to go by; None when the declaration and the bytes contradict each other."""
    plain = (declared or "").partition(";")[0].strip().lower()
    if plain in (UNKNOWN, "binary/octet-stream") or not _TYPE.fullmatch(plain):
        return shown
    family, shown_family = plain.partition("/")[0], shown.partition("/")[0]
    if plain == shown or any(plain in group and shown in group for group in _CONTAINERS):
        return plain
    if family in _PROVEN_FAMILIES or shown_family in _PROVEN_FAMILIES:
        return shown if family == shown_family else None
    if shown in ("application/pdf", "application/zip", UNKNOWN):
        return plain if shown != "application/pdf" else None
    return shown


def is_active(mimetype: str) -> bool:
    """Whether a browser might run what such a file holds."""
    return any(word in mimetype for word in _ACTIVE)


def is_ogg_opus(head: bytes) -> bool:
    """Whether this is what WhatsApp plays as a voice note."""
    return head.startswith(b"OggS") and b"OpusHead" in head[:128]


def _sniff_iso(brand: bytes) -> str:
    if brand in _AUDIO_BRANDS:
        return "audio/mp4"
    if brand == b"qt  ":
        return "video/quicktime"
    if brand.startswith(b"3g"):
        return "video/3gpp"
    return _IMAGE_BRANDS.get(brand, "video/mp4")
