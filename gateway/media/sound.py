"""Voice notes: how long they are, how they look, and how other sound becomes one."""

from __future__ import annotations

import array
import asyncio
import importlib.util
import shutil
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from gateway.media.errors import MediaTypeRefusedError, VoiceNeedsOpusError
from gateway.media.own_process import run_module
from gateway.media.programs import PLAIN_FILES_ONLY, ProgramFailedError, run_program

_OPUS_RATE = 48_000
_TAIL_BYTES = 65_536
_WAVEFORM_SAMPLES = 64
_WAVEFORM_RATE = 8_000
#: Samples behind one peak at first, and peaks at most; then two become one.
_FIRST_SPAN = 8
_MOST_PEAKS = 4096
_NO_GRANULE = (1 << 64) - 1
_LIBRARY_BYTES = 2 * 1024**3


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
    """Runs ``ffmpeg`` where the host has it, else PyAV where it is installed: one at a time and bounded in time."""

    def __init__(self, *, timeout_seconds: float, program: str = "ffmpeg", library: str = "av") -> None:
        self._timeout_seconds = timeout_seconds
        self._program = shutil.which(program)
        self._has_library = importlib.util.find_spec(library) is not None
        self._turn = asyncio.Semaphore(1)

    @property
    def is_present(self) -> bool:
        """Whether anything can be converted here."""
        return self._program is not None or self._has_library

    async def to_voice(self, source: Path, target: Path) -> None:
        """Write the sound as Ogg Opus, mono, the way phones record it."""
        options = ("-vn", "-ac", "1", "-ar", str(_OPUS_RATE), "-c:a", "libopus", "-b:a", "32k")
        voip = ("-application", "voip", "-map_metadata", "-1", "-f", "ogg", str(target))
        await self._run(source, (*options, *voip), ("voice", str(source), str(target)))

    async def waveform(self, source: Path) -> bytes | None:
        """64 samples of loudness, 0 to 100; None when the host cannot tell."""
        if not self.is_present:
            return None
        loudness = Loudness()
        options = ("-vn", "-ac", "1", "-ar", str(_WAVEFORM_RATE), "-f", "s16le", "pipe:1")
        try:
            await self._run(source, options, ("samples", str(source), str(_WAVEFORM_RATE)), take=loudness.take)
        except MediaTypeRefusedError:
            return None
        return loudness.samples()

    async def _run(
        self,
        source: Path,
        options: tuple[str, ...],
        for_library: tuple[str, ...],
        take: Callable[[bytes], None] | None = None,
    ) -> None:
        if not self.is_present:
            raise VoiceNeedsOpusError
        seconds = self._timeout_seconds
        arguments = ("-nostdin", "-v", "error", *PLAIN_FILES_ONLY, "-y", "-i", str(source), *options)
        async with self._turn:
            try:
                if self._program is not None:
                    await run_program(self._program, *arguments, timeout_seconds=seconds, take=take)
                else:
                    await run_module(
                        "sound_library", *for_library, timeout_seconds=seconds, memory_bytes=_LIBRARY_BYTES, take=take
                    )
            except ProgramFailedError as error:
                raise MediaTypeRefusedError(f"The sound cannot be converted: {error}.") from error


class Loudness:
    """Peaks of raw sound that streams past: a bounded number of them, however long it is."""

    def __init__(self) -> None:
        self._peaks: list[int] = []
        self._span = _FIRST_SPAN
        self._rest = b""

    def take(self, piece: bytes) -> None:
        """The next bytes, 16 bits a sample."""
        raw = self._rest + piece
        at, size = 0, self._span * 2
        while len(raw) - at >= size:
            self._peaks.append(_peak(raw[at : at + size]))
            at += size
            if len(self._peaks) == _MOST_PEAKS:
                self._peaks = [max(self._peaks[one : one + 2]) for one in range(0, _MOST_PEAKS, 2)]
                self._span *= 2
                size = self._span * 2
        self._rest = raw[at:]

    def samples(self) -> bytes | None:
        """64 values from 0 to 100; None for what is too short to tell."""
        if len(self._peaks) < _WAVEFORM_SAMPLES:
            return None
        bounds = [len(self._peaks) * edge // _WAVEFORM_SAMPLES for edge in range(_WAVEFORM_SAMPLES + 1)]
        peaks = [max(self._peaks[begin:end]) for begin, end in pairwise(bounds)]
        loudest = max(peaks) or 1
        return bytes(round(peak * 100 / loudest) for peak in peaks)


def _peak(raw: bytes) -> int:
    samples = array.array("h", raw)
    if sys.byteorder == "big":
        samples.byteswap()
    return max(max(samples), -min(samples))
