"""Finds out what a file is: its type by its bytes, its size on a screen, its length, a small picture of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.media.errors import MediaTooLargeError, MediaTypeRefusedError
from gateway.media.films import FilmReader
from gateway.media.limits import MediaLimits
from gateway.media.picture_reader import PictureReader, is_readable
from gateway.media.pictures import PictureRefusedError
from gateway.media.sniff import agree, is_ogg_opus, read_head, sniff
from gateway.media.sound import SoundConverter, opus_seconds
from gateway.media.spool import SpoolFile


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a file is; ``facts`` are columns of the table of files."""

    mimetype: str
    facts: dict[str, Any] = field(default_factory=dict)


class Inspector:
    """Looks at files that nobody refers to yet."""

    def __init__(
        self, *, limits: MediaLimits, sound: SoundConverter, films: FilmReader, pictures: PictureReader
    ) -> None:
        self._limits = limits
        self._sound = sound
        self._films = films
        self._pictures = pictures

    async def inspect(self, file: SpoolFile, *, declared: str | None, is_lenient: bool) -> Found:
        """Raises MediaTypeRefusedError or MediaTooLargeError. What phones sent is taken as it is: ``is_lenient``."""
        mimetype = await self._settle_type(file.path, declared, is_lenient=is_lenient)
        if file.size > self._limits.most_bytes(mimetype):
            most = self._limits.most_bytes(mimetype)
            raise MediaTooLargeError(f"Files of type {mimetype} may have {most} bytes at most.")
        return Found(mimetype=mimetype, facts=await self._look_at(file.path, mimetype, is_lenient=is_lenient))

    async def _settle_type(self, path: Path, declared: str | None, *, is_lenient: bool) -> str:
        head = await asyncio.to_thread(read_head, path)
        shown = sniff(head)
        agreed = agree(declared, shown)
        if agreed is None and not is_lenient:
            raise MediaTypeRefusedError("The file's bytes do not match its declared type.")
        mimetype = (agreed or shown)[:100]
        return "audio/ogg; codecs=opus" if is_ogg_opus(head) else mimetype

    async def _look_at(self, path: Path, mimetype: str, *, is_lenient: bool) -> dict[str, Any]:
        if is_readable(mimetype):
            try:
                picture = await self._pictures.look_at(path)
            except PictureRefusedError as error:
                if is_lenient:
                    return {}
                raise MediaTypeRefusedError(f"{str(error).capitalize()}.") from error
            return {"width": picture.width, "height": picture.height, "thumbnail": picture.thumbnail}
        if mimetype.startswith("audio/ogg"):
            return {
                "seconds": await asyncio.to_thread(opus_seconds, path),
                "waveform": await self._sound.waveform(path),
            }
        return await self._films.look_at(path, mimetype)
