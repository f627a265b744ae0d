"""Converts sound with PyAV, for hosts without ffmpeg. Needs the extra `media`.

Runs in a process of its own, see :mod:`gateway.media.sound`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

import av

_OPUS_RATE: Final = 48_000
_OPUS_BITS: Final = 32_000
_OPTIONS: Final = {"protocol_whitelist": "file"}


def main(arguments: list[str]) -> None:
    """``voice SOURCE TARGET`` writes Ogg Opus; ``samples SOURCE RATE`` prints raw samples of 16 bits."""
    if arguments[0] == "voice":
        write_voice(arguments[1], arguments[2])
    else:
        print_samples(arguments[1], int(arguments[2]))


def write_voice(source: str, target: str) -> None:
    """Write the sound as Ogg Opus, mono, the way phones record it."""
    with av.open(target, "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=_OPUS_RATE, options={"application": "voip"}, layout="mono")
        stream.bit_rate = _OPUS_BITS
        for frame in _frames(source, rate=_OPUS_RATE, format="s16"):
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def print_samples(source: str, rate: int) -> None:
    """Print the sound, mono and raw."""
    for frame in _frames(source, rate=rate, format="s16"):
        sys.stdout.buffer.write(bytes(frame.planes[0])[: frame.samples * 2])


def _frames(source: str, *, rate: int, format: str) -> Iterator[av.AudioFrame]:
    resampler = av.AudioResampler(format=format, layout="mono", rate=rate)
    with av.open(source, options=_OPTIONS) as sound:
        for frame in sound.decode(sound.streams.audio[0]):
            yield from resampler.resample(frame)
        yield from resampler.resample(None)
