"""Looks at films and sound: how long, how large, and a first picture to show. Needs ffmpeg; knows nothing without."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import msgspec

from gateway.media.programs import PLAIN_FILES_ONLY, ProgramFailedError, run_program

_LOOK_SECONDS = 15.0
_CONVERT_SECONDS = 60.0
_THUMBNAIL_PIXELS = 100

#: The reader for each type, named so that a file cannot choose another one by what it holds.
_READERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/3gpp": "mov",
    "audio/mp4": "mov",
    "audio/x-m4a": "mov",
    "video/webm": "matroska",
    "audio/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/aac": "aac",
    "audio/amr": "amr",
}


class _Stream(msgspec.Struct, frozen=True):
    codec_type: str = ""
    width: int | None = None
    height: int | None = None


class _Format(msgspec.Struct, frozen=True):
    duration: str | None = None


class _Probe(msgspec.Struct, frozen=True):
    streams: tuple[_Stream, ...] = ()
    format: _Format = _Format()


class FilmReader:
    """Asks ffprobe and ffmpeg, one file at a time."""

    def __init__(self, *, probe: str = "ffprobe", program: str = "ffmpeg") -> None:
        self._probe = shutil.which(probe)
        self._program = shutil.which(program)
        self._turn = asyncio.Semaphore(1)

    async def look_at(self, path: Path, mimetype: str) -> dict[str, Any]:
        """``width``, ``height``, ``seconds`` and ``thumbnail`` as far as they can be known; never fails."""
        reader = _READERS.get(mimetype)
        if reader is None or self._probe is None or self._program is None:
            return {}
        async with self._turn:
            try:
                facts = await self._measure(path, reader)
                if facts.get("width"):
                    facts["thumbnail"] = await self._first_picture(path, reader)
            except ProgramFailedError:
                return {}
        return facts

    async def from_gif(self, source: Path, target: Path) -> None:
        """Write a GIF as the silent film that phones play in its place; raises ProgramFailedError."""
        if self._program is None:
            raise ProgramFailedError("ffmpeg is not installed")
        even = "scale=trunc(iw/2)*2:trunc(ih/2)*2"
        async with self._turn:
            await run_program(
                self._program,
                *("-nostdin", "-v", "error", *PLAIN_FILES_ONLY, "-y", "-f", "gif", "-i", str(source)),
                *("-an", "-vf", even, "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-f", "mp4", str(target)),
                timeout_seconds=_CONVERT_SECONDS,
            )

    async def _measure(self, path: Path, reader: str) -> dict[str, Any]:
        assert self._probe is not None
        wanted = ("-v", "error", "-of", "json", "-show_entries", "format=duration:stream=codec_type,width,height")
        printed = await run_program(
            self._probe, *wanted, *PLAIN_FILES_ONLY, "-f", reader, str(path), timeout_seconds=_LOOK_SECONDS
        )
        return _facts(printed)

    async def _first_picture(self, path: Path, reader: str) -> bytes | None:
        assert self._program is not None
        size = f"scale={_THUMBNAIL_PIXELS}:{_THUMBNAIL_PIXELS}:force_original_aspect_ratio=decrease"
        picture = await run_program(
            self._program,
            *("-nostdin", "-v", "error", *PLAIN_FILES_ONLY, "-f", reader, "-i", str(path)),
            *("-frames:v", "1", "-vf", size, "-f", "mjpeg", "pipe:1"),
            timeout_seconds=_LOOK_SECONDS,
        )
        return picture or None


def _facts(printed: bytes) -> dict[str, Any]:
    try:
        probe = msgspec.json.decode(printed, type=_Probe)
        seconds = float(probe.format.duration or 0)
    except (msgspec.DecodeError, ValueError) as error:
        raise ProgramFailedError("the answer cannot be read") from error
    film = next((stream for stream in probe.streams if stream.codec_type == "video"), None)
    facts: dict[str, Any] = {"seconds": max(round(seconds), 1)} if seconds > 0 else {}
    if film is not None:
        facts |= {"width": film.width, "height": film.height}
    return facts
