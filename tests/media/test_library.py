"""Files are kept once, known for what they are, and refused when they are not what they claim."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image

from gateway.kit.errors import GatewayError
from gateway.kit.guard import AddressGuard, AddressRefusedError
from gateway.kit.guarded_http import GuardedHttp
from gateway.media.errors import (
    MediaEmptyError,
    MediaFetchError,
    MediaNotFoundError,
    MediaTooLargeError,
    MediaTypeRefusedError,
    VoiceNeedsOpusError,
)
from gateway.media.library import MediaLibrary, clean_filename
from gateway.media.models import Media
from gateway.media.sniff import agree, sniff
from gateway.media.sound import SoundConverter
from tests.media.conftest import LIMIT_BYTES
from tests.media.samples import MP4, PDF, film, jpeg, needs_ffmpeg, ogg_opus, png, wav

Serve = Callable[..., Awaitable[TestServer]]


async def keep(library: MediaLibrary, content: bytes, declared: str | None = None, name: str | None = None) -> Media:
    return await library.save_bytes(org_id=1, content=content, declared_type=declared, filename=name)


async def test_a_picture_is_kept_with_its_size_and_a_small_view_of_it(library: MediaLibrary) -> None:
    content = jpeg(800, 600)

    media = await keep(library, content, "image/jpeg", "holiday.jpg")

    assert (media.mimetype, media.size, media.width, media.height) == ("image/jpeg", len(content), 800, 600)
    assert library.path_of(media).read_bytes() == content
    with Image.open(io.BytesIO(media.thumbnail or b"")) as small:
        assert small.format == "JPEG"
        assert max(small.size) == 100
    assert oct(library.path_of(media).stat().st_mode & 0o777) == "0o600"


async def test_a_picture_that_lies_on_its_side_is_measured_as_it_is_shown(library: MediaLibrary) -> None:
    out = io.BytesIO()
    picture = Image.new("RGB", (80, 40))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(out, "JPEG", exif=exif)

    media = await keep(library, out.getvalue())

    assert (media.width, media.height) == (40, 80)


async def test_the_same_bytes_are_kept_once(library: MediaLibrary) -> None:
    first = await keep(library, PDF, "application/pdf")
    second = await keep(library, PDF)

    assert first.id == second.id


async def test_bytes_that_are_uploaded_again_take_the_new_name_and_keep_it_when_somebody_sends_them(
    library: MediaLibrary, tmp_path: Path
) -> None:
    async def upload(filename: str | None) -> str | None:
        return (await keep(library, PDF, name=filename)).filename

    arrived = tmp_path / "arrived"
    arrived.write_bytes(PDF)
    names = [await upload(None), await upload("bill.pdf"), await upload("march.pdf"), await upload(None)]
    received = await library.adopt(arrived, org_id=1, declared_type="application/pdf", filename="theirs.pdf")

    assert names == [None, "bill.pdf", "march.pdf", "march.pdf"]
    assert received.filename == "march.pdf"


async def test_nothing_is_left_in_the_spool(library: MediaLibrary, tmp_path: Path) -> None:
    await keep(library, PDF)
    for content in (b"", b"x" * (LIMIT_BYTES + 1)):
        with pytest.raises(GatewayError):
            await keep(library, content)

    assert list((tmp_path / "spool").iterdir()) == []


async def test_a_file_over_the_limit_is_refused_before_it_is_read_whole(library: MediaLibrary) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 100_000

    with pytest.raises(MediaTooLargeError):
        await library.save(org_id=1, pieces=endless(), declared_type=None, filename=None)

    assert taken == 4


async def test_an_empty_file_is_refused(library: MediaLibrary) -> None:
    with pytest.raises(MediaEmptyError):
        await keep(library, b"")


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (PDF, "image/png"),
        (b"<html><script>alert(1)</script>", "image/png"),
        (jpeg(5, 5), "application/pdf"),
        (PDF, "text/html"),
        (MP4, "image/jpeg"),
        (b"MZ\x90\x00" + b"\x00" * 60, "image/gif"),
    ],
)
async def test_a_file_that_is_not_what_it_claims_is_refused(
    library: MediaLibrary, content: bytes, declared: str
) -> None:
    with pytest.raises(MediaTypeRefusedError):
        await keep(library, content, declared)


async def test_a_picture_with_too_many_pixels_is_refused(library: MediaLibrary) -> None:
    bomb = png(1500, 1000)
    assert len(bomb) < 20_000

    with pytest.raises(MediaTypeRefusedError, match="too many pixels"):
        await keep(library, bomb)


async def test_a_broken_picture_is_refused_from_callers_and_kept_from_phones(library: MediaLibrary) -> None:
    broken = jpeg(200, 200)[:300]
    with pytest.raises(MediaTypeRefusedError):
        await keep(library, broken, "image/jpeg")
    path = library.spool.new_path()
    path.write_bytes(broken)

    media = await library.adopt(path, org_id=1, declared_type="image/jpeg", filename=None)

    assert library.path_of(media).read_bytes() == broken
    assert not path.exists()


@pytest.mark.parametrize(
    ("head", "mimetype"),
    [
        (jpeg(1, 1), "image/jpeg"),
        (png(1, 1), "image/png"),
        (PDF, "application/pdf"),
        (MP4, "video/mp4"),
        (wav(0.1), "audio/wav"),
        (b"OggS\x00\x02", "audio/ogg"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"\xff\xf1\x50", "audio/aac"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x18ftypM4A ", "audio/mp4"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm", "video/webm"),
        (b"PK\x03\x04", "application/zip"),
        (b"just words", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_the_first_bytes_tell_the_type(head: bytes, mimetype: str) -> None:
    assert sniff(head) == mimetype


@pytest.mark.parametrize(
    ("declared", "shown", "agreed"),
    [
        (None, "image/png", "image/png"),
        ("image/jpg", "image/jpeg", "image/jpeg"),
        ("text/plain; charset=utf-8", "application/octet-stream", "text/plain"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/zip",
         "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("audio/mp4", "video/mp4", "audio/mp4"),
        ("audio/ogg; codecs=opus", "audio/ogg", "audio/ogg"),
        ("video/mp4", "image/png", None),
        ("application/octet-stream", "image/png", "image/png"),
    ],
)  # fmt: skip
def test_a_declared_type_is_believed_as_far_as_the_bytes_allow(
    declared: str | None, shown: str, agreed: str | None
) -> None:
    assert agree(declared, shown) == agreed


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("inv\u202egpj.exe\x00", "invgpj.exe"),
        ("...", None),
        (None, None),
        ("a" * 300 + ".pdf", "a" * 251 + ".pdf"),
    ],
)
def test_a_file_name_is_only_ever_a_name(given: str | None, kept: str | None) -> None:
    assert clean_filename(given) == kept


async def test_a_file_of_another_organization_is_not_there(library: MediaLibrary, database: Any) -> None:
    media = await keep(library, PDF)

    with pytest.raises(MediaNotFoundError):
        await database.read(lambda tx: library.get(tx, org_id=2, media_id=media.id))


async def test_a_url_is_fetched_with_the_type_its_server_says(library: MediaLibrary, aiohttp_server: Serve) -> None:
    server = await serve_file(aiohttp_server, png(30, 20), "image/png")

    media = await library.fetch(org_id=1, url=str(server.make_url("/pictures/caf%C3%A9.png?size=big")))

    assert (media.mimetype, media.width, media.filename) == ("image/png", 30, "café.png")


@pytest.mark.parametrize("path", ["/redirect", "/missing", "/hang"])
async def test_a_url_that_does_not_give_the_file_is_refused(
    library: MediaLibrary, aiohttp_server: Serve, path: str
) -> None:
    server = await serve_file(aiohttp_server, PDF, "application/pdf")

    with pytest.raises(MediaFetchError):
        await library.fetch(org_id=1, url=str(server.make_url(path)))


@pytest.mark.parametrize("path", ["/large", "/endless"])
async def test_a_url_with_too_much_behind_it_is_refused(
    library: MediaLibrary, aiohttp_server: Serve, path: str
) -> None:
    server = await serve_file(aiohttp_server, b"x" * (LIMIT_BYTES + 1), "text/plain")

    with pytest.raises(MediaTooLargeError):
        await library.fetch(org_id=1, url=str(server.make_url(path)))


async def test_a_url_that_leads_inside_is_refused(
    database: Any, clock: Any, ids: Any, tmp_path: Path, library: MediaLibrary
) -> None:
    guarded = GuardedHttp(guard=AddressGuard(), user_agent="wagate-test")
    await guarded.start()
    strict = MediaLibrary(
        database=database, ids=ids, clock=clock, http=guarded,
        folder=tmp_path / "m", spool_folder=tmp_path / "s", limits=library.limits,
    )  # fmt: skip

    with pytest.raises(AddressRefusedError):
        await strict.fetch(org_id=1, url="http://127.0.0.1/secret")

    await guarded.stop()


@needs_ffmpeg
async def test_a_voice_note_is_known_by_its_length_and_its_loudness(library: MediaLibrary, tmp_path: Path) -> None:
    media = await keep(library, ogg_opus(tmp_path, seconds=3), "audio/ogg")

    assert media.mimetype == "audio/ogg; codecs=opus"
    assert media.seconds == 3
    assert media.waveform is not None
    assert len(media.waveform) == 64
    assert max(media.waveform) == 100
    assert media.waveform[0] < 30 < media.waveform[-1]
    assert await library.as_voice(media) is media


@needs_ffmpeg
async def test_other_sound_becomes_a_voice_note(library: MediaLibrary) -> None:
    media = await keep(library, wav(2.0), "audio/wav")

    voice = await library.as_voice(media)

    assert voice.mimetype == "audio/ogg; codecs=opus"
    assert voice.seconds == 2
    assert library.path_of(voice).read_bytes()[:4] == b"OggS"


@needs_ffmpeg
async def test_a_film_is_measured_and_shows_its_first_picture(library: MediaLibrary, tmp_path: Path) -> None:
    media = await keep(library, film(tmp_path), "video/mp4")

    assert (media.mimetype, media.width, media.height, media.seconds) == ("video/mp4", 320, 180, 2)
    with Image.open(io.BytesIO(media.thumbnail or b"")) as small:
        assert (small.format, small.size) == ("JPEG", (100, 56))


@needs_ffmpeg
async def test_sound_is_measured(library: MediaLibrary) -> None:
    assert (await keep(library, wav(3), "audio/wav")).seconds == 3


async def test_what_cannot_be_measured_is_kept_all_the_same(library: MediaLibrary) -> None:
    media = await keep(library, MP4, "video/mp4")

    assert (media.seconds, media.width, media.thumbnail) == (None, None, None)


async def test_without_a_converter_only_ogg_opus_can_be_a_voice_note(library: MediaLibrary) -> None:
    media = await keep(library, wav(0.2), "audio/wav")
    library._sound = SoundConverter(timeout_seconds=1, program="no-such-program", library="no_such_library")

    with pytest.raises(VoiceNeedsOpusError):
        await library.as_voice(media)


@needs_ffmpeg
async def test_what_is_no_sound_cannot_be_a_voice_note(library: MediaLibrary) -> None:
    media = await keep(library, b"RIFF\x00\x00\x00\x00WAVE" + b"\x00" * 200, "audio/wav")

    with pytest.raises(MediaTypeRefusedError):
        await library.as_voice(media)


async def serve_file(serve: Serve, content: bytes, mimetype: str) -> TestServer:
    """A server that gives the file, and every kind of trouble."""

    async def give(_request: web.Request) -> web.Response:
        return web.Response(body=content, headers={"Content-Type": mimetype})

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(content)
        return response

    async def redirect(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/pictures/a.png")

    async def hang(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    app = web.Application()
    for path, handler in (
        ("/pictures/{name}", give),
        ("/large", give),
        ("/endless", endless),
        ("/redirect", redirect),
        ("/hang", hang),
    ):
        app.router.add_get(path, handler)
    return await serve(app)
