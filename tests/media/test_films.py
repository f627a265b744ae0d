"""Films are looked at, and made of GIFs, with whatever the host has."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from gateway.media.films import FilmReader
from gateway.media.programs import ProgramFailedError
from tests.media.samples import MP4, PDF

pytest.importorskip("av", reason="needs the extra `media`")


def without_ffmpeg(library: str = "av") -> FilmReader:
    return FilmReader(probe="no-such-program", program="no-such-program", library=library)


def moving(folder: Path) -> Path:
    """A GIF of ten pictures, a fifth of a second each, with odd sides."""
    frames = [Image.new("RGB", (201, 101), (25 * number, 0, 200)) for number in range(10)]
    frames[0].save(folder / "moving.gif", "GIF", save_all=True, append_images=frames[1:], duration=200)
    return folder / "moving.gif"


async def test_a_gif_becomes_a_film_that_is_measured_without_ffmpeg(tmp_path: Path) -> None:
    target = tmp_path / "film"

    await without_ffmpeg().from_gif(moving(tmp_path), target)
    facts = await without_ffmpeg().look_at(target, "video/mp4")

    assert (facts["width"], facts["height"], facts["seconds"]) == (200, 100, 2)
    with Image.open(io.BytesIO(facts["thumbnail"])) as small:
        assert (small.format, small.size) == ("JPEG", (100, 50))
        red, _, blue = small.convert("RGB").getpixel((50, 25))
        assert red < 60 < 150 < blue


@pytest.mark.parametrize("content", [MP4, PDF, b""], ids=["cut", "pdf", "empty"])
async def test_what_is_no_film_tells_nothing_and_becomes_none(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "source"
    source.write_bytes(content)

    assert await without_ffmpeg().look_at(source, "video/mp4") == {}
    with pytest.raises(ProgramFailedError):
        await without_ffmpeg().from_gif(source, tmp_path / "target")


async def test_a_host_with_neither_says_what_is_missing(tmp_path: Path) -> None:
    bare = without_ffmpeg(library="no_such_library")

    assert await bare.look_at(moving(tmp_path), "video/mp4") == {}
    with pytest.raises(ProgramFailedError, match="neither ffmpeg nor the extra `media`"):
        await bare.from_gif(moving(tmp_path), tmp_path / "target")
