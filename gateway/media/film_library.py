"""Looks at films and makes films of GIFs with PyAV, for hosts without ffmpeg. Needs the extra `media`.

Runs in a process of its own, see :mod:`gateway.media.films`.
"""

from __future__ import annotations

import base64
import json
import sys
from io import BytesIO
from typing import Final

import av
from av.video.frame import VideoFrame

_OPTIONS: Final = {"protocol_whitelist": "file"}
_SECOND: Final = 1_000_000  #: in what PyAV tells the length of a file in


def main(arguments: list[str]) -> None:
    """``look SOURCE READER PIXELS`` prints what is known, as JSON; ``film SOURCE TARGET`` makes a film of a GIF."""
    if arguments[0] == "look":
        print_look(arguments[1], arguments[2], int(arguments[3]))
    else:
        write_film(arguments[1], arguments[2])


def print_look(source: str, reader: str, pixels: int) -> None:
    """Print ``seconds``, ``width``, ``height`` and ``thumbnail``, a JPEG in base64, as far as the file has them."""
    with av.open(source, format=reader, options=_OPTIONS) as film:
        found: dict[str, object] = {}
        if film.duration:
            found["seconds"] = film.duration / _SECOND
        if film.streams.video:
            stream = film.streams.video[0]
            found |= {"width": stream.width, "height": stream.height}
            first = next(film.decode(stream), None)
            if first is not None:
                found["thumbnail"] = base64.b64encode(_small(first, pixels)).decode()
    sys.stdout.write(json.dumps(found))


def write_film(source: str, target: str) -> None:
    """Write a GIF as the silent film that phones play in its place."""
    with (
        av.open(source, format="gif", options=_OPTIONS) as moving,
        av.open(target, "w", format="mp4", options={"movflags": "+faststart"}) as out,
    ):
        pictures = moving.streams.video[0]
        film = out.add_stream("libx264", rate=pictures.average_rate or 10)
        # H.264 halves the colours: it takes no odd sides.
        film.width, film.height = max(pictures.width // 2 * 2, 2), max(pictures.height // 2 * 2, 2)
        film.pix_fmt = "yuv420p"
        film.time_base = pictures.time_base
        for frame in moving.decode(pictures):
            out.mux(film.encode(frame.reformat(width=film.width, height=film.height, format="yuv420p")))
        out.mux(film.encode(None))


def _small(frame: VideoFrame, pixels: int) -> bytes:
    picture = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV types all but this
    picture.thumbnail((pixels, pixels))
    written = BytesIO()
    picture.convert("RGB").save(written, "JPEG", quality=70)
    return written.getvalue()
