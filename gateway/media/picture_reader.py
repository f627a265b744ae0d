"""Has pictures looked at by a process of their own, so that a file made to harm a decoder harms nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import msgspec

from gateway.media.own_process import run_module
from gateway.media.pictures import Picture, PictureRefusedError, Refusal
from gateway.media.programs import ProgramFailedError

_READABLE: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
_LOOK_SECONDS: Final = 20.0
_AT_ONCE: Final = 2
#: Enough for the largest picture that is accepted, twice over, and for the interpreter.
_BYTES_PER_PIXEL: Final = 16
_BASE_BYTES: Final = 512 * 1024**2


class PictureReader:
    """Looks at one or two pictures at a time."""

    def __init__(self, *, max_pixels: int, max_side: int) -> None:
        self._bounds = (str(max_pixels), str(max_side))
        self._memory_bytes = _BASE_BYTES + max_pixels * _BYTES_PER_PIXEL
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def look_at(self, path: Path) -> Picture:
        """What the picture is; raises PictureRefusedError."""
        return await self._run("pictures", str(path))

    async def make_sticker(self, source: Path, target: Path) -> None:
        """Write the picture as a sticker; raises PictureRefusedError."""
        await self._run("stickers", str(source), str(target))

    async def _run(self, module: str, *paths: str) -> Picture:
        async with self._turns:
            try:
                printed = await run_module(
                    module, *paths, *self._bounds, timeout_seconds=_LOOK_SECONDS, memory_bytes=self._memory_bytes
                )
                found = msgspec.json.decode(printed, type=Picture | Refusal)
            except (ProgramFailedError, msgspec.DecodeError) as error:
                raise PictureRefusedError("the picture cannot be read") from error
        if isinstance(found, Refusal):
            raise PictureRefusedError(found.why)
        return found


def is_readable(mimetype: str) -> bool:
    """Whether pictures of this type are looked at."""
    return mimetype in _READABLE
