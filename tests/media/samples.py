"""Small real files of every kind."""

from __future__ import annotations

import io
import math
import shutil
import struct
import subprocess
import wave
from pathlib import Path

import pytest
from PIL import Image

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2mp41" + b"\x00" * 64

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def jpeg(width: int, height: int, colour: str = "teal") -> bytes:
    return picture("JPEG", width, height, colour)


def png(width: int, height: int) -> bytes:
    return picture("PNG", width, height, "orange")


def picture(kind: str, width: int, height: int, colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, kind)
    return out.getvalue()


def wav(seconds: float = 1.0) -> bytes:
    """A tone that grows louder."""
    rate = 8000
    count = int(rate * seconds)
    samples = (int(20_000 * position / count * math.sin(position / 5)) for position in range(count))
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return out.getvalue()


def film(folder: Path) -> bytes:
    """Two seconds of a test picture; needs ffmpeg."""
    target = folder / "film.mp4"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=duration=2:size=320x180:rate=10"]
    subprocess.run([*command, "-pix_fmt", "yuv420p", str(target)], check=True)
    return target.read_bytes()


def ogg_opus(folder: Path, seconds: float = 3.0) -> bytes:
    """A voice note as phones make it; needs ffmpeg."""
    source, target = folder / "tone.wav", folder / "tone.ogg"
    source.write_bytes(wav(seconds))
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(source), "-c:a", "libopus", str(target)]
    subprocess.run(command, check=True)
    return target.read_bytes()
