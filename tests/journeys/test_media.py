"""Files on their way through the store, on the real engine: out of it to phones, from phones into it, and out of its doors."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.journeys.house import House, Line, Phone
from tests.media.samples import PDF, jpeg, needs_ffmpeg, ogg_opus, wav

pytestmark = pytest.mark.long


@pytest.fixture
async def anna(house: House) -> Phone:
    return await house.phone("Anna")


async def arrived(house: House, message_id: str) -> dict[str, Any]:
    """The file of a received message, once it is here."""
    message = await house.api.until(
        f"/messages/{message_id}", lambda found: bool(found[found["type"]]["media_state"] == "available")
    )
    return dict(message[message["type"]])


async def bytes_of(house: House, media_id: str, what: str = "content") -> bytes:
    answer = await house.api.ask("GET", f"/media/{media_id}/{what}", headers={"Accept": "*/*"})
    assert answer.status == 200
    return bytes(answer.body)


async def send_picture(house: House, sender: Phone, line: Line, content: bytes) -> dict[str, Any]:
    """What the line received of a picture that a phone has sent."""
    part = {"base64": base64.b64encode(content).decode(), "mimetype": "image/jpeg"}
    await house.phones.send(sender.number, line.phone.number, "image", image=part)
    [message] = await line.received(1)
    return dict(message)


async def usage(house: House, line: Line) -> dict[str, Any] | None:
    found = await house.api.get("/media/usage")
    return next((one for one in found["sessions"] if one["session"] == line.id), None)


@needs_ffmpeg
async def test_an_image_a_voice_note_and_a_document_go_out_and_come_in(
    house: House, line: Line, link: Any, tmp_path: Path
) -> None:
    other = await link("other")
    picture, sound = jpeg(640, 480), ogg_opus(tmp_path)
    files = {
        "image": await house.api.upload(picture, "image/jpeg"),
        "voice": await house.api.upload(wav(2.0), "audio/wav"),
        "document": await house.api.upload(PDF, "application/pdf", "bill.pdf"),
    }
    for kind, media in files.items():
        await line.send(other.phone, type=kind, **{kind: {"media_id": media["id"]}})
    await other.send(line.phone, type="voice", voice={"media_id": (await house.api.upload(sound, "audio/ogg"))["id"]})

    image, voice, document = [await arrived(house, one["id"]) for one in await other.received(3)]
    [answer] = [await arrived(house, one["id"]) for one in await line.received(1)]

    assert await bytes_of(house, image["media_id"]) == picture
    assert (image["media_id"], image["width"], image["height"]) == (files["image"]["id"], 640, 480)
    assert (voice["voice"], voice["mimetype"], voice["seconds"]) == (True, "audio/ogg; codecs=opus", 2)
    assert (document["filename"], document["media_id"]) == ("bill.pdf", files["document"]["id"])
    assert await bytes_of(house, answer["media_id"]) == sound
    small = await bytes_of(house, image["media_id"], "thumbnail")
    with Image.open(io.BytesIO(small)) as shown:
        assert (shown.format, shown.size) == ("JPEG", (100, 75))


async def test_a_file_is_known_by_its_bytes_and_not_by_its_name(house: House, line: Line, anna: Phone) -> None:
    media = await house.api.upload(jpeg(20, 20), "application/octet-stream", "bill.pdf")

    assert media["mimetype"] == "image/jpeg"
    await house.api.refused(
        415, "media_type_refused", "POST", "/media", data=b"<html></html>", headers={"Content-Type": "image/png"}
    )


async def test_a_link_gives_the_file_without_a_key_until_it_is_deleted(house: House) -> None:
    content = jpeg(30, 30, "plum")
    media = await house.api.upload(content, "image/jpeg", "plum.jpg")
    link = await house.api.get(f"/media/{media['id']}/link?expires_in=60")

    async with house.api.http.get(link["url"]) as whole:
        assert (whole.status, await whole.read()) == (200, content)
        assert whole.headers["Content-Disposition"].startswith("attachment")
    async with house.api.http.get(link["url"], headers={"Range": "bytes=0-1"}) as part:
        assert (part.status, await part.read()) == (206, content[:2])
    changed = link["url"][:-1] + ("A" if link["url"][-1] != "A" else "B")
    async with house.api.http.get(changed) as wrong:
        assert wrong.status == 404
    await house.api.delete(f"/media/{media['id']}")
    async with house.api.http.get(link["url"]) as gone:
        assert gone.status == 404


async def test_a_file_that_is_deleted_is_fetched_again_from_whatsapp(house: House, line: Line, anna: Phone) -> None:
    content = jpeg(50, 50, "navy")
    message = await send_picture(house, anna, line, content)
    file = await arrived(house, message["id"])
    await house.api.delete(f"/media/{file['media_id']}")
    expired = (await house.api.get(f"/messages/{message['id']}"))["image"]

    await house.api.post(f"/messages/{message['id']}/fetch-media")
    again = await arrived(house, message["id"])

    assert (expired["media_state"], expired["media_id"], expired["url"]) == ("expired", None, None)
    sha256 = hashlib.sha256(content).hexdigest()
    assert (await house.api.get(f"/media/{again['media_id']}"))["sha256"] == sha256


async def test_what_arrives_beyond_the_room_of_its_session_is_told_and_fetched_when_there_is_room(
    house: House, line: Line, anna: Phone
) -> None:
    content = jpeg(60, 60, "olive")
    await house.api.patch(f"/sessions/{line.id}", {"settings": {"media_quota_bytes": 10}})
    message = await send_picture(house, anna, line, content)
    path = f"/messages/{message['id']}"
    failed = await house.api.until(path, lambda found: bool(found["image"]["media_state"] == "failed"))
    before = await usage(house, line)

    await house.api.patch(f"/sessions/{line.id}", {"settings": {"media_quota_bytes": 1_000_000, "media_days": 30}})
    await house.api.post(f"{path}/fetch-media")
    await arrived(house, message["id"])

    assert failed["image"]["media_error"] == "media_quota_exceeded"
    assert before is None
    assert await usage(house, line) == {
        "session": line.id,
        "files": 1,
        "bytes": len(content),
        "quota_bytes": 1_000_000,
        "keep_days": 30,
    }
