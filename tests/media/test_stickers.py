"""Pictures become stickers as phones show them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from gateway.media.pictures import PictureRefusedError
from gateway.media.stickers import make_sticker
from tests.media.samples import png

MOST_PIXELS = 50_000_000


def gif(*colours: str, size: tuple[int, int] = (60, 40)) -> bytes:
    frames = [Image.new("RGB", size, colour) for colour in colours]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=200, loop=0)
    return out.getvalue()


def sticker_of(content: bytes, folder: Path) -> Image.Image:
    source, target = folder / "source", folder / "sticker.webp"
    source.write_bytes(content)
    make_sticker(source, target, max_pixels=MOST_PIXELS, max_side=10_000)
    assert target.stat().st_size <= 500 * 1024
    return Image.open(target)


def test_a_gif_becomes_a_sticker_that_moves(tmp_path: Path) -> None:
    with sticker_of(gif("red", "green", "blue"), tmp_path) as made:
        assert (made.format, made.size) == ("WEBP", (512, 512))
        assert (made.is_animated, made.n_frames) == (True, 3)
        colours = []
        for number in range(3):
            made.seek(number)
            colours.append(made.convert("RGB").getpixel((256, 256)))

    assert [max(range(3), key=colour.__getitem__) for colour in colours] == [0, 1, 2]


def test_a_picture_stands_in_the_middle_of_a_clear_square(tmp_path: Path) -> None:
    with sticker_of(png(100, 50), tmp_path) as made:
        assert not made.is_animated
        picture = made.convert("RGBA")

    assert picture.getpixel((256, 10))[3] == 0
    assert picture.getpixel((256, 256))[3] == 255


def test_what_would_take_too_much_memory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(gif("red", "green", size=(400, 400)))

    with pytest.raises(PictureRefusedError, match="too many pixels"):
        make_sticker(tmp_path / "source", tmp_path / "target", max_pixels=300_000, max_side=10_000)
