"""Sound becomes voice notes with whatever the host has."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.media.errors import MediaTypeRefusedError, VoiceNeedsOpusError
from gateway.media.sound import SoundConverter, opus_seconds
from tests.media.samples import PDF, wav

pytest.importorskip("av", reason="needs the extra `media`")


def without_ffmpeg(timeout_seconds: float = 30.0) -> SoundConverter:
    return SoundConverter(timeout_seconds=timeout_seconds, program="no-such-program")


async def test_sound_becomes_a_voice_note_without_ffmpeg(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(wav(3.0))

    await without_ffmpeg().to_voice(source, target)

    assert target.read_bytes()[:4] == b"OggS"
    assert b"OpusHead" in target.read_bytes()[:128]
    assert opus_seconds(target) == 3
    waveform = await without_ffmpeg().waveform(target)
    assert waveform is not None
    assert (len(waveform), max(waveform)) == (64, 100)


async def test_what_is_no_sound_is_refused_without_ffmpeg_too(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(PDF)

    with pytest.raises(MediaTypeRefusedError):
        await without_ffmpeg().to_voice(tmp_path / "source", tmp_path / "target")


async def test_a_host_with_neither_says_what_is_missing(tmp_path: Path) -> None:
    bare = SoundConverter(timeout_seconds=1.0, program="no-such-program", library="no_such_library")

    with pytest.raises(VoiceNeedsOpusError) as caught:
        await bare.to_voice(tmp_path / "source", tmp_path / "target")

    assert caught.value.status == 501
    assert not bare.is_present
