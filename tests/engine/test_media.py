"""Files both ways, through the real library and the loopback media host."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from sessions.commands.files import DownloadFile, FileSaved
from sessions.content import Audio, Document, Image, OutgoingFile, RemoteFile, Sticker, Video
from sessions.errors import InvalidRequestError, MediaUnavailableError
from sessions.events import MessageReceived
from sessions.sandbox.phones.writing import OutgoingMessage
from tests.engine.worlds import RealWorld, envelope, link, send, spec_for

pytestmark = pytest.mark.long

DATA = bytes(range(256)) * 300


def file_at(folder: Path, mimetype: str, data: bytes = DATA) -> OutgoingFile:
    path = folder / "outgoing"
    path.write_bytes(data)
    return OutgoingFile(
        path=str(path),
        size=len(data),
        mimetype=mimetype,
        sha256=hashlib.sha256(data).hexdigest(),
        filename="a file.bin",
        width=40,
        height=30,
        seconds=5,
        waveform=bytes(64),
    )


@pytest.mark.parametrize(
    ("kind", "mimetype", "kept_as"),
    [
        (Image, "image/jpeg", "image"),
        (Video, "video/mp4", "video"),
        (Audio, "audio/ogg; codecs=opus", "audio"),
        (Document, "application/pdf", "document"),
        (Sticker, "image/webp", "sticker"),
    ],
)
async def test_a_file_reaches_the_phone_whole(
    real: RealWorld, tmp_path: Path, kind: Any, mimetype: str, kept_as: str
) -> None:
    spec, number, other = spec_for(tmp_path), await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec, number)

    await send(real, spec.session_id, envelope(other, kind(file=file_at(tmp_path, mimetype))))

    phone = real.whatsapp.phones.get(other)
    entry = await _first_in(phone)
    plain, _ = await phone.file_of(entry.sequence)
    assert plain == DATA
    assert entry.type == kept_as
    assert entry.fields[kept_as]["mimetype"] == mimetype


async def test_a_file_from_the_phone_is_saved_whole(real: RealWorld, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec, number)
    file = await _write_image(real, other, number)

    saved = await real.engine.call(spec.session_id, DownloadFile(kind="image", file=file, path=str(tmp_path / "saved")))

    assert saved == FileSaved(size=len(DATA))
    assert (tmp_path / "saved").read_bytes() == DATA
    assert (tmp_path / "saved").stat().st_mode & 0o777 == 0o600


async def test_a_file_is_never_written_over_another(real: RealWorld, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec, number)
    file = await _write_image(real, other, number)
    (tmp_path / "mine").write_text("keep")

    with pytest.raises(InvalidRequestError):
        await real.engine.call(spec.session_id, DownloadFile(kind="image", file=file, path=str(tmp_path / "mine")))

    assert (tmp_path / "mine").read_text() == "keep"


async def test_a_file_that_the_media_host_does_not_have_is_unavailable(real: RealWorld, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec, number)
    file = await _write_image(real, other, number)
    gone = RemoteFile(
        direct_path=file.direct_path.replace("/v/", "/v/not-there-"),
        media_key=file.media_key,
        sha256=file.sha256,
        encrypted_sha256=file.encrypted_sha256,
        size=file.size,
        mimetype=file.mimetype,
    )

    with pytest.raises(MediaUnavailableError):
        await real.engine.call(spec.session_id, DownloadFile(kind="image", file=gone, path=str(tmp_path / "saved")))

    assert not (tmp_path / "saved").exists()


async def test_a_file_that_changed_since_it_was_announced_is_not_sent(real: RealWorld, tmp_path: Path) -> None:
    spec, number, other = spec_for(tmp_path), await real.phone("Ana"), await real.phone("Ben")
    await link(real, spec, number)
    file = file_at(tmp_path, "image/jpeg")
    Path(file.path).write_bytes(b"something else")

    with pytest.raises(InvalidRequestError):
        await send(real, spec.session_id, envelope(other, Image(file=file)))


async def _write_image(world: RealWorld, sender: str, to: str) -> RemoteFile:
    picture = {"base64": base64.b64encode(DATA).decode(), "mimetype": "image/jpeg"}
    message = OutgoingMessage.model_validate({"to": to, "type": "image", "image": picture})
    await world.whatsapp.phones.get(sender).send(message)
    received = await world.listener.until(lambda: world.listener.events(MessageReceived))
    content = received[0].content
    assert isinstance(content, Image)
    assert isinstance(content.file, RemoteFile)
    return content.file


async def _first_in(phone: Any) -> Any:
    async with asyncio.timeout(10):
        while True:
            for entry in phone.log:
                if entry.reached:
                    return entry
            await asyncio.sleep(0.005)
