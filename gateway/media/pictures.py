"""Looks at pictures: their size, and a small JPEG to show before the file itself is there.

Runs in a process of its own, see :mod:`gateway.media.picture_reader`: decoders meet here what anybody has made.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
from PIL import Image, ImageOps, UnidentifiedImageError

_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
_THUMBNAIL_PIXELS: Final = 100
_THUMBNAIL_QUALITY: Final = 55


class PictureRefusedError(Exception):
    """The file cannot be read as a picture, or would take too much memory to read."""


class Picture(msgspec.Struct, frozen=True, kw_only=True, tag="picture"):
    width: int
    height: int
    thumbnail: bytes  #: JPEG


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    why: str


def look_at(path: Path, *, max_pixels: int, max_side: int) -> Picture:
    """Read a picture. Raises PictureRefusedError."""
    with opened(path, formats=_FORMATS) as image:
        demand_bearable(image, max_pixels=max_pixels, max_side=max_side)
        width, height = _upright_size(image)
        # Decodes a JPEG at a fraction of its size; afterwards the image says it is that small.
        image.draft("RGB", (_THUMBNAIL_PIXELS * 2, _THUMBNAIL_PIXELS * 2))
        return Picture(width=width, height=height, thumbnail=_thumbnail(image))


def main(arguments: list[str]) -> None:
    """Look at one file and print what was found: path, most pixels, longest side."""
    path, max_pixels, max_side = arguments
    answer(lambda: look_at(Path(path), max_pixels=int(max_pixels), max_side=int(max_side)))


def answer(work: Callable[[], Picture]) -> None:
    """Do it, and print what was found or why not."""
    try:
        found: Picture | Refusal = work()
    except PictureRefusedError as error:
        found = Refusal(why=str(error))
    sys.stdout.buffer.write(msgspec.json.encode(found))


@contextlib.contextmanager
def opened(path: Path, *, formats: tuple[str, ...]) -> Iterator[Image.Image]:
    """A picture to be read in the block; raises PictureRefusedError for whatever is wrong with it."""
    Image.MAX_IMAGE_PIXELS = None  # our own bounds come before anything is decoded
    try:
        with Image.open(path, formats=formats) as image:
            yield image
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise PictureRefusedError("the picture cannot be read") from error


def demand_bearable(image: Image.Image, *, max_pixels: int, max_side: int, frames: int = 1) -> None:
    """Raise PictureRefusedError for what would take too much memory."""
    if max(image.size) > max_side:
        raise PictureRefusedError(f"the picture is more than {max_side} pixels wide or high")
    if image.width * image.height * frames > max_pixels:
        raise PictureRefusedError("the picture has too many pixels")


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height as shown: cameras note that a picture lies on its side."""
    width, height = image.size
    return (height, width) if image.getexif().get(0x0112) in (5, 6, 7, 8) else (width, height)


def _thumbnail(image: Image.Image) -> bytes:
    image.thumbnail((_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS))
    small = ImageOps.exif_transpose(image)
    flat = Image.new("RGB", small.size, "white")
    with_alpha = small.convert("RGBA")
    flat.paste(with_alpha, mask=with_alpha.getchannel("A"))
    out = io.BytesIO()
    flat.save(out, "JPEG", quality=_THUMBNAIL_QUALITY, optimize=True)
    return out.getvalue()
