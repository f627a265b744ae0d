"""Draws QR codes: as one SVG path, as PNG, and as text for a terminal."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections import OrderedDict
from collections.abc import Iterator

import msgspec
import qrcode
from qrcode.constants import ERROR_CORRECT_L

_BORDER = 4  #: modules of quiet zone, as the standard demands
_PNG_SCALE = 8
_KEPT = 64

Row = tuple[bool, ...]


class QrDrawing(msgspec.Struct, frozen=True, kw_only=True):
    """The modules of one code, dark ones true, without a border."""

    rows: tuple[Row, ...]

    @property
    def size(self) -> int:
        """Modules per side, quiet zone included."""
        return len(self.rows) + 2 * _BORDER

    def svg_path(self) -> str:
        """All dark modules as horizontal runs of one path, one unit per module."""
        return "".join(
            f"M{start + _BORDER} {y + _BORDER}h{length}v1h-{length}z"
            for y, row in enumerate(self.rows)
            for start, length in _dark_runs(row)
        )

    def svg(self) -> str:
        """A picture of its own."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.size} {self.size}" role="img" '
            'aria-label="QR code" shape-rendering="crispEdges">'
            f'<path fill="#fff" d="M0 0h{self.size}v{self.size}H0z"/><path d="{self.svg_path()}"/></svg>'
        )

    def png(self) -> bytes:
        """A one-bit picture, eight pixels per module."""
        lines = []
        for row in self._bordered():
            bits = "".join(("0" if dark else "1") * _PNG_SCALE for dark in row)
            packed = int(bits, 2).to_bytes(len(bits) // 8, "big")
            lines.append((b"\0" + packed) * _PNG_SCALE)
        side = self.size * _PNG_SCALE
        header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
        return (
            b"\x89PNG\r\n\x1a\n"
            + _chunk(b"IHDR", header)
            + _chunk(b"IDAT", zlib.compress(b"".join(lines), 9))
            + _chunk(b"IEND", b"")
        )

    def text(self) -> str:
        """Half blocks for a dark terminal: two rows of modules per line, light modules drawn."""
        rows = list(self._bordered())
        if len(rows) % 2:
            rows.append((False,) * self.size)
        glyphs = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
        pairs = zip(rows[::2], rows[1::2], strict=True)
        return "\n".join("".join(glyphs[pair] for pair in zip(*two, strict=True)) for two in pairs) + "\n"

    def _bordered(self) -> Iterator[Row]:
        empty = (False,) * self.size
        side = (False,) * _BORDER
        yield from [empty] * _BORDER
        yield from (side + row + side for row in self.rows)
        yield from [empty] * _BORDER


class QrArtist:
    """Draws in a thread, and each code once: many may watch the same one."""

    def __init__(self) -> None:
        self._drawn: OrderedDict[str, asyncio.Future[QrDrawing]] = OrderedDict()

    async def draw(self, code: str) -> QrDrawing:
        """The drawing of this text."""
        drawing = self._drawn.get(code)
        if drawing is None:
            drawing = asyncio.ensure_future(asyncio.to_thread(draw, code))
            self._drawn[code] = drawing
            if len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
        return await asyncio.shield(drawing)


def draw(code: str) -> QrDrawing:
    """Compute the modules. Takes some milliseconds."""
    picture: qrcode.QRCode[object] = qrcode.QRCode(error_correction=ERROR_CORRECT_L, border=0)
    picture.add_data(code, optimize=0)
    picture.make(fit=True)
    return QrDrawing(rows=tuple(tuple(bool(module) for module in row) for row in picture.get_matrix()))


def _dark_runs(row: Row) -> Iterator[tuple[int, int]]:
    """Start and length of each run of dark modules."""
    start = None
    for x, dark in enumerate((*row, False)):
        if dark and start is None:
            start = x
        elif not dark and start is not None:
            yield start, x - start
            start = None


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
