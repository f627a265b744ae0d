"""Makes stickers of pictures: a WebP of 512 x 512 with a clear background, moving where the picture moves."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from gateway.media.pictures import PictureRefusedError

_FORMATS = ("JPEG", "PNG", "GIF")
_PIXELS = 512
_MOST_FRAMES = 120
_SHORTEST_FRAME_MS = 20
#: WhatsApp shows no larger ones.
_STILL_BYTES, _MOVING_BYTES = 100 * 1024, 500 * 1024
_QUALITIES = (90, 75, 60, 40, 20)


def make_sticker(source: Path, target: Path, *, max_pixels: int) -> None:
    """Write the sticker. Takes time: call it in a thread. Raises PictureRefusedError."""
    try:
        with Image.open(source, formats=_FORMATS) as image:
            if image.width * image.height * min(getattr(image, "n_frames", 1), _MOST_FRAMES) > max_pixels:
                raise PictureRefusedError("the picture has too many pixels")
            _write(image, target)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureRefusedError("the picture has too many pixels") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise PictureRefusedError("the picture cannot be read") from error


def _write(image: Image.Image, target: Path) -> None:
    frames, durations = [], []
    for number, frame in enumerate(ImageSequence.Iterator(image)):
        if number >= _MOST_FRAMES:
            break
        durations.append(max(int(frame.info.get("duration", 100)), _SHORTEST_FRAME_MS))
        frames.append(_square(frame))
    moving = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0}
    most = _MOVING_BYTES if len(frames) > 1 else _STILL_BYTES
    for quality in _QUALITIES:
        frames[0].save(target, "WEBP", quality=quality, method=4, **(moving if len(frames) > 1 else {}))
        if target.stat().st_size <= most:
            return


def _square(frame: Image.Image) -> Image.Image:
    small = ImageOps.contain(ImageOps.exif_transpose(frame).convert("RGBA"), (_PIXELS, _PIXELS))
    canvas = Image.new("RGBA", (_PIXELS, _PIXELS), (0, 0, 0, 0))
    canvas.paste(small, ((_PIXELS - small.width) // 2, (_PIXELS - small.height) // 2))
    return canvas
