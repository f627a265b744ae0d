"""Looks at pictures: their size, and a small JPEG to show before the file itself is there."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_READABLE = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
_THUMBNAIL_PIXELS = 100
_THUMBNAIL_QUALITY = 55


class PictureRefusedError(Exception):
    """The file cannot be read as a picture, or would take too much memory to read."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    width: int
    height: int
    thumbnail: bytes  #: JPEG


def is_readable(mimetype: str) -> bool:
    """Whether :func:`look_at` knows this type."""
    return mimetype in _READABLE


def look_at(path: Path, *, max_pixels: int) -> Picture:
    """Read a picture. Takes time: call it in a thread. Raises PictureRefusedError."""
    try:
        with Image.open(path, formats=_FORMATS) as image:
            if image.width * image.height > max_pixels:
                raise PictureRefusedError("the picture has too many pixels")
            width, height = _upright_size(image)
            # Decodes a JPEG at a fraction of its size; afterwards the image says it is that small.
            image.draft("RGB", (_THUMBNAIL_PIXELS * 2, _THUMBNAIL_PIXELS * 2))
            return Picture(width=width, height=height, thumbnail=_thumbnail(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureRefusedError("the picture has too many pixels") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise PictureRefusedError("the picture cannot be read") from error


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height as shown: cameras note that a picture lies on its side."""
    width, height = image.size
    return (height, width) if image.getexif().get(0x0112) in (5, 6, 7, 8) else (width, height)


def _thumbnail(image: Image.Image) -> bytes:
    small = ImageOps.exif_transpose(image)
    small.thumbnail((_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS))
    flat = Image.new("RGB", small.size, "white")
    with_alpha = small.convert("RGBA")
    flat.paste(with_alpha, mask=with_alpha.getchannel("A"))
    out = io.BytesIO()
    flat.save(out, "JPEG", quality=_THUMBNAIL_QUALITY, optimize=True)
    return out.getvalue()
