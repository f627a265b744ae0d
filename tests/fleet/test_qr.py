"""QR codes as pictures and as text."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from gateway.fleet.negotiation import QR_TYPES, best_type
from gateway.fleet.qr import QrArtist, QrDrawing, draw

CODE = "2@" + "Ab3/" * 50 + ",key=,identity=,secret="


@pytest.fixture(scope="module")
def drawing() -> QrDrawing:
    return draw(CODE)


def test_the_png_shows_the_modules_with_a_quiet_zone(drawing: QrDrawing) -> None:
    picture = Image.open(io.BytesIO(drawing.png())).convert("L")

    assert picture.size == (drawing.size * 8, drawing.size * 8)
    for y, row in enumerate(drawing.rows):
        for x, dark in enumerate(row):
            assert (picture.getpixel(((x + 4) * 8 + 4, (y + 4) * 8 + 4)) == 0) is dark
    assert picture.getpixel((4, 4)) == 255


def test_the_svg_path_covers_exactly_the_dark_modules(drawing: QrDrawing) -> None:
    covered = set()
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", drawing.svg_path()):
        covered |= {(int(x) + step, int(y)) for step in range(int(length))}

    dark = {(x + 4, y + 4) for y, row in enumerate(drawing.rows) for x, on in enumerate(row) if on}
    assert covered == dark


def test_the_text_is_square_and_light_around(drawing: QrDrawing) -> None:
    lines = drawing.text().splitlines()

    assert {len(line) for line in lines} == {drawing.size}
    assert len(lines) == (drawing.size + 1) // 2
    assert set(lines[0]) == {"█"}


async def test_one_code_is_drawn_once_for_all_who_watch() -> None:
    artist = QrArtist()

    assert await artist.draw(CODE) is await artist.draw(CODE)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("image/*", "image/png"),
        ("image/*;q=0.2, text/plain;q=0.8", "text/plain"),
        ("text/html", None),
        ("image/png;q=0, image/*", "image/svg+xml"),
        ("image/png;q=high, text/plain", "text/plain"),
    ],
)
def test_the_form_follows_what_is_accepted(accept: str, chosen: str | None) -> None:
    assert best_type(accept, QR_TYPES) == chosen
