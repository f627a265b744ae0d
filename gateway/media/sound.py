"""Voice notes: how long they are, how they look, and how other sound becomes one."""

from __future__ import annotations

import array
import asyncio
import shutil
import sys
from pathlib import Path

from gateway.media.errors import MediaTypeRefusedError, VoiceNeedsOpusError
from gateway.media.programs import PLAIN_FILES_ONLY, ProgramFailedError, run_program

_OPUS_RATE = 48_000
_TAIL_BYTES = 65_536
_WAVEFORM_SAMPLES = 64
_WAVEFORM_RATE = 8_000
_NO_GRANULE = (1 << 64) - 1


def opus_seconds(path: Path) -> int | None:
    """The length of an Ogg Opus file, read from its last page; None when there is no such page."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - _TAIL_BYTES, 0))
        tail = file.read()
    position = tail.rfind(b"OggS")
    granule = int.from_bytes(tail[position + 6 : position + 14], "little")
    if position < 0 or granule == _NO_GRANULE or not granule:
        return None
    return max(round(granule / _OPUS_RATE), 1)


class SoundConverter:
    """Runs ``ffmpeg`` where the host has it, one at a time and bounded in time."""

    def __init__(self, *, timeout_seconds: float, program: str = "ffmpeg") -> None:
        self._timeout_seconds = timeout_seconds
        self._program = shutil.which(program)
        self._turn = asyncio.Semaphore(1)

    @property
    def is_present(self) -> bool:
        """Whether anything can be converted here."""
        return self._program is not None

    async def to_voice(self, source: Path, target: Path) -> None:
        """Write the sound as Ogg Opus, mono, the way phones record it."""
        options = ("-vn", "-ac", "1", "-ar", str(_OPUS_RATE), "-c:a", "libopus", "-b:a", "32k")
        await self._run(source, *options, "-application", "voip", "-map_metadata", "-1", "-f", "ogg", str(target))

    async def waveform(self, source: Path) -> bytes | None:
        """64 samples of loudness, 0 to 100; None when the host cannot tell."""
        if not self.is_present:
            return None
        try:
            raw = await self._run(source, "-vn", "-ac", "1", "-ar", str(_WAVEFORM_RATE), "-f", "s16le", "pipe:1")
        except MediaTypeRefusedError:
            return None
        return await asyncio.to_thread(_loudness, raw)

    async def _run(self, source: Path, *options: str) -> bytes:
        if self._program is None:
            raise VoiceNeedsOpusError
        arguments = ("-nostdin", "-v", "error", *PLAIN_FILES_ONLY, "-y", "-i", str(source), *options)
        async with self._turn:
            try:
                return await run_program(self._program, *arguments, timeout_seconds=self._timeout_seconds)
            except ProgramFailedError as error:
                raise MediaTypeRefusedError(f"The sound cannot be converted: {error}.") from error


def _loudness(raw: bytes) -> bytes | None:
    samples = array.array("h", raw[: len(raw) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    if len(samples) < _WAVEFORM_SAMPLES:
        return None
    span = len(samples) // _WAVEFORM_SAMPLES
    peaks = [max(map(abs, samples[start * span : (start + 1) * span])) for start in range(_WAVEFORM_SAMPLES)]
    loudest = max(peaks) or 1
    return bytes(round(peak * 100 / loudest) for peak in peaks)
