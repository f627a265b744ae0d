"""Makes stickers of pictures: a WebP of 512 x 512 with a clear background, moving where the picture moves.

Runs in a process of its own, see :mod:`gateway.media.picture_reader`.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps, ImageSequence

from gateway.media.pictures import Picture, answer, demand_bearable, opened

_FORMATS = ("JPEG", "PNG", "GIF")
_PIXELS = 512
_MOST_FRAMES = 120
_SHORTEST_FRAME_MS = 20
#: WhatsApp shows no larger ones.
_STILL_BYTES, _MOVING_BYTES = 100 * 1024, 500 * 1024
_QUALITIES = (90, 75, 60, 40, 20)


def main(arguments: list[str]) -> None:
    """Make one sticker and print what it is: source, target, most pixels, longest side."""
    source, target, max_pixels, max_side = arguments
    answer(lambda: make_sticker(Path(source), Path(target), max_pixels=int(max_pixels), max_side=int(max_side)))


def make_sticker(source: Path, target: Path, *, max_pixels: int, max_side: int) -> Picture:
    """Write the sticker; raises PictureRefusedError."""
    with opened(source, formats=_FORMATS) as image:
        frames = min(getattr(image, "n_frames", 1), _MOST_FRAMES)
        demand_bearable(image, max_pixels=max_pixels, max_side=max_side, frames=frames)
        _write(image, target)
    return Picture(width=_PIXELS, height=_PIXELS, thumbnail=b"")


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
