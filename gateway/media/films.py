"""Looks at films and sound: how long, how large, and a first picture to show.

Asks ffmpeg where the host has it, else PyAV where the extra `media` is installed; with neither it knows nothing.
"""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
from pathlib import Path
from typing import Any

import msgspec

from gateway.media.own_process import run_module
from gateway.media.programs import PLAIN_FILES_ONLY, ProgramFailedError, run_program

_LOOK_SECONDS = 15.0
_CONVERT_SECONDS = 60.0
_THUMBNAIL_PIXELS = 100
_LIBRARY_BYTES = 2 * 1024**3

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


class _Look(msgspec.Struct, frozen=True):
    """What our own process tells."""

    seconds: float | None = None
    width: int | None = None
    height: int | None = None
    thumbnail: bytes | None = None


class FilmReader:
    """Asks ffprobe and ffmpeg, else PyAV, one file at a time."""

    def __init__(self, *, probe: str = "ffprobe", program: str = "ffmpeg", library: str = "av") -> None:
        self._probe = shutil.which(probe)
        self._program = shutil.which(program)
        self._has_library = importlib.util.find_spec(library) is not None
        self._turn = asyncio.Semaphore(1)

    async def look_at(self, path: Path, mimetype: str) -> dict[str, Any]:
        """``width``, ``height``, ``seconds`` and ``thumbnail`` as far as they can be known; never fails."""
        reader = _READERS.get(mimetype)
        if reader is None:
            return {}
        async with self._turn:
            try:
                if self._probe is not None and self._program is not None:
                    return await self._ask_programs(path, reader)
                return await self._ask_library(path, reader) if self._has_library else {}
            except ProgramFailedError:
                return {}

    async def from_gif(self, source: Path, target: Path) -> None:
        """Write a GIF as the silent film that phones play in its place; raises ProgramFailedError."""
        if self._program is None:
            await self._from_gif_by_library(source, target)
            return
        even = "scale=trunc(iw/2)*2:trunc(ih/2)*2"
        async with self._turn:
            await run_program(
                self._program,
                *("-nostdin", "-v", "error", *PLAIN_FILES_ONLY, "-y", "-f", "gif", "-i", str(source)),
                *("-an", "-vf", even, "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-f", "mp4", str(target)),
                timeout_seconds=_CONVERT_SECONDS,
            )

    async def _from_gif_by_library(self, source: Path, target: Path) -> None:
        if not self._has_library:
            raise ProgramFailedError("neither ffmpeg nor the extra `media` is installed")
        async with self._turn:
            await self._run_library("film", str(source), str(target), timeout_seconds=_CONVERT_SECONDS)

    async def _ask_library(self, path: Path, reader: str) -> dict[str, Any]:
        asked = ("look", str(path), reader, str(_THUMBNAIL_PIXELS))
        printed = await self._run_library(*asked, timeout_seconds=_LOOK_SECONDS)
        try:
            look = msgspec.json.decode(printed, type=_Look)
        except msgspec.DecodeError as error:
            raise ProgramFailedError("the answer cannot be read") from error
        facts: dict[str, Any] = {"seconds": max(round(look.seconds), 1)} if look.seconds else {}
        if look.width:
            facts |= {"width": look.width, "height": look.height, "thumbnail": look.thumbnail}
        return facts

    async def _run_library(self, *arguments: str, timeout_seconds: float) -> bytes:
        return await run_module(
            "film_library", *arguments, timeout_seconds=timeout_seconds, memory_bytes=_LIBRARY_BYTES
        )

    async def _ask_programs(self, path: Path, reader: str) -> dict[str, Any]:
        facts = await self._measure(path, reader)
        if facts.get("width"):
            facts["thumbnail"] = await self._first_picture(path, reader)
        return facts

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
