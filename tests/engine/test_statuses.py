"""Statuses between the real engine and scripted phones: whom they reach, and what is told of them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from sessions.address import Address, AddressKind
from sessions.content import Audio, Content, Envelope, Image, MessageKey, Revoke, Text, Video
from sessions.events import MessageReceived, ReceiptKind, ReceiptReceived
from sessions.sandbox.phones.writing import OutgoingMessage
from sessions.sandbox.state.statuses import STATUS
from tests.engine.test_media import file_at
from tests.engine.worlds import RealWorld, link, send, spec_for

pytestmark = pytest.mark.long

EVERYBODY = Address(other=STATUS)


class Bench:
    """One linked session, and two others with phones."""

    def __init__(self, world: RealWorld, folder: Path) -> None:
        self.world = world
        self.spec = spec_for(folder)
        self.ana = self.ben = self.cara = ""

    async def prepare(self) -> None:
        self.ana, self.ben, self.cara = [await self.world.phone(name) for name in ("Ana", "Ben", "Cara")]
        await link(self.world, self.spec, self.ana)

    async def show(self, content: Content) -> Any:
        return await send(self.world, self.spec.session_id, Envelope(to=EVERYBODY, content=content, secret=bytes(32)))

    def log_of(self, number: str) -> Any:
        return self.world.whatsapp.phones.get(number).log

    async def hear(self, number: str, kind: str, part: dict[str, Any]) -> MessageReceived:
        """Let a phone post a status, and give what the session reports of it."""
        message = OutgoingMessage.model_validate({"to": str(STATUS), "type": kind, kind: part})
        entry = await self.world.whatsapp.phones.get(number).send(message)

        def heard() -> MessageReceived | None:
            events = self.world.listener.events(MessageReceived)
            return next((event for event in events if event.key.wa_id == entry.id), None)

        found: MessageReceived | None = await self.world.listener.until(heard)
        assert found is not None
        return found


@pytest.fixture
async def bench(real: RealWorld, tmp_path: Path) -> Bench:
    bench = Bench(real, tmp_path)
    await bench.prepare()
    return bench


async def test_a_text_status_reaches_everybody_and_each_says_that_it_arrived(bench: Bench, eventually: Any) -> None:
    sent = await bench.show(Text(body="open till ten"))

    for number in (bench.ana, bench.ben, bench.cara):
        await eventually(lambda number=number: bench.log_of(number).find(sent.wa_id) is not None)
        entry = bench.log_of(number).find(sent.wa_id)
        assert (entry.chat, entry.type, entry.fields["text"]["body"]) == (str(STATUS), "text", "open till ten")

    def arrived() -> int:
        found = bench.world.listener.events(ReceiptReceived)
        who = {one.by for one in found if sent.wa_id in one.wa_ids and one.receipt is ReceiptKind.DELIVERED}
        return len(who)

    await bench.world.listener.until(lambda: arrived() >= 2)
    assert bench.world.whatsapp.service.unknown_iqs == []


@pytest.mark.parametrize("kind", ["image", "video", "voice"])
async def test_files_are_shown_as_statuses(bench: Bench, tmp_path: Path, eventually: Any, kind: str) -> None:
    types = {"image": "image/jpeg", "video": "video/mp4", "voice": "audio/ogg; codecs=opus"}
    file = file_at(tmp_path, mimetype=types[kind])
    contents = {
        "image": Image(file=file, caption="new"),
        "video": Video(file=file),
        "voice": Audio(file=file, voice=True),
    }

    sent = await bench.show(contents[kind])

    await eventually(lambda: bench.log_of(bench.ben).find(sent.wa_id) is not None)
    entry = bench.log_of(bench.ben).find(sent.wa_id)
    assert (entry.chat, entry.type) == (str(STATUS), kind)


async def test_a_status_is_taken_back(bench: Bench, eventually: Any) -> None:
    sent = await bench.show(Text(body="oops"))
    await eventually(lambda: bench.log_of(bench.ben).find(sent.wa_id) is not None)

    key = MessageKey(chat=EVERYBODY, wa_id=sent.wa_id, from_me=True)
    gone = await bench.show(Revoke(target=key))

    await eventually(lambda: bench.log_of(bench.ben).find(gone.wa_id) is not None)
    assert bench.log_of(bench.ben).find(gone.wa_id).type == "revoke"


async def test_the_statuses_of_others_name_their_authors(bench: Bench) -> None:
    text = await bench.hear(bench.ben, "text", {"body": "on the hill"})
    image = await bench.hear(
        bench.cara, "image", {"base64": base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(64)).decode(), "caption": "sea"}
    )

    assert text.key.chat.kind is AddressKind.STATUS
    assert text.sender.phone == bench.ben
    assert text.content == Text(body="on the hill")
    assert isinstance(image.content, Image)
    assert (image.sender.phone, image.content.caption) == (bench.cara, "sea")


async def test_a_status_is_found_by_its_secret_after_a_crash(bench: Bench) -> None:
    sent = await bench.show(Text(body="open till ten"))

    assert await bench.world.engine.find_by_secret(bench.spec, bytes(32)) == sent.wa_id
