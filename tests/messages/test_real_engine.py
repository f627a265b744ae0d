"""The same slice on the real engine, joined to the loopback WhatsApp."""

from __future__ import annotations

import base64
import itertools
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from gateway.fleet.models import Session
from gateway.kit.clock import SystemClock
from gateway.kit.ids import IdGenerator
from sessions.protocol import Loopback
from sessions.sandbox.faults.kinds import parse_fault
from sessions.sandbox.loopback import LoopbackWhatsApp
from sessions.sandbox.phones.writing import FileInput, OutgoingMessage, TextInput
from sessions.settings import EngineSettings
from sessions.supervisor import Supervisor
from tests.media.samples import PDF, jpeg, needs_ffmpeg, wav
from tests.messages.world import World, poll

pytestmark = pytest.mark.long

_numbers = itertools.count(15558000001)


@pytest.fixture(scope="module")
async def whatsapp(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LoopbackWhatsApp]:
    started = LoopbackWhatsApp(folder=tmp_path_factory.mktemp("whatsapp"))
    await started.start()
    yield started
    assert started.service.unknown_iqs == []
    await started.stop()


class Real:
    """A gateway with one linked session, and a customer."""

    def __init__(self, world: World, whatsapp: LoopbackWhatsApp) -> None:
        self.world, self.whatsapp = world, whatsapp
        self.shop, self.anna = f"+{next(_numbers)}", f"+{next(_numbers)}"
        self.session: Session

    async def open(self) -> None:
        await self.whatsapp.phones.add(self.shop, "Shop")
        await self.whatsapp.phones.add(self.anna, "Anna")
        await self.world.open()
        await self.world.start()
        self.session = await self.world.link(scan=self.whatsapp.phones.get(self.shop).scan)

    async def send(self, **fields: Any) -> int:
        entry = await self.world.queue(to=self.anna, **fields)
        return entry.message.id

    async def write(self, **parts: Any) -> None:
        await self.whatsapp.phones.get(self.anna).send(OutgoingMessage(to=self.shop, type=next(iter(parts)), **parts))

    async def fault(self, **fault: Any) -> None:
        await self.whatsapp.faults.inject(parse_fault(fault))

    def texts(self) -> list[str]:
        """The texts that reached Anna, doubles included."""
        log = self.whatsapp.phones.get(self.anna).log
        return [entry.fields["text"]["body"] for entry in log if entry.reached and entry.type == "text"]

    def kinds(self) -> list[str]:
        return [entry.type for entry in self.whatsapp.phones.get(self.anna).log if entry.reached]


@pytest.fixture
async def real(database: Any, org: Any, whatsapp: LoopbackWhatsApp, tmp_path: Path) -> AsyncIterator[Real]:
    loopback = Loopback(proxy_url=whatsapp.proxy_url, ca_file=str(whatsapp.ca_file), root_key=whatsapp.root_key)
    settings = EngineSettings(loopback=loopback, backoff_first_seconds=0.2)
    clock = SystemClock()
    world = World(
        database=database,
        clock=clock,
        ids=IdGenerator(clock=clock, chance=random.Random(5)),
        folder=tmp_path,
        make_engine=lambda listener: Supervisor(settings=settings, listener=listener),
    )
    made = Real(world, whatsapp)
    await made.open()
    yield made
    whatsapp.faults.clear()
    await world.close()


async def test_a_text_is_delivered_read_and_answered(real: Real) -> None:
    message_id = await real.send(body="Good morning")
    await real.world.when(message_id, "delivered")

    await real.whatsapp.phones.get(real.anna).mark_read()
    await real.write(text=TextInput(body="Morning!"))

    await real.world.when(message_id, "read")
    [answer] = await real.world.incoming()
    assert answer.message.body == "Morning!"
    assert answer.contact is not None
    assert (answer.contact.phone, answer.contact.push_name) == (real.anna, "Anna")
    assert answer.contact.id == (await real.world.find(message_id)).message.contact_id
    assert real.texts() == ["Good morning"]


async def test_the_other_side_sees_typing_before_the_message(real: Real) -> None:
    await real.world.when(await real.send(body="hello"), "delivered")
    seen: list[object] = []

    with real.whatsapp.phones.news() as news:
        await real.world.when(await real.send(body="a word with you", typing=True), "delivered")
        while not news.empty():
            event = news.get_nowait()
            if event is not None and event.number == real.anna.removeprefix("+"):
                seen.append(event.details["state"] if event.kind == "typing" else event.kind)

    assert seen[:3] == ["composing", "paused", "message"]


@needs_ffmpeg
async def test_every_kind_of_file_arrives(real: Real) -> None:
    parts: dict[str, dict[str, Any]] = {
        "image": {"base64": encoded(jpeg(64, 48)), "caption": "look"},
        "voice": {"base64": encoded(wav(1))},
        "document": {"base64": encoded(PDF), "filename": "bill.pdf"},
        "location": {"latitude": 52.5, "longitude": 13.4},
    }

    for kind, part in parts.items():
        message_id = await real.send(type=kind, text=None, **{kind: part})
        await real.world.when(message_id, "delivered")

    assert real.kinds() == list(parts)
    data, entry = await real.whatsapp.phones.get(real.anna).file_of(3)
    assert data == PDF
    assert entry.fields["document"]["filename"] == "bill.pdf"


async def test_a_picture_that_arrives_is_fetched(real: Real) -> None:
    picture = jpeg(320, 200)

    await real.write(image=FileInput(base64=encoded(picture), mimetype="image/jpeg", caption="see"))

    await poll(lambda: real.world.told("media.available"))
    [entry] = await real.world.incoming()
    media = await real.world.database.read(
        lambda tx: real.world.library.get(tx, org_id=1, media_id=entry.message.media_id or 0)
    )
    assert real.world.library.path_of(media).read_bytes() == picture
    assert entry.message.body == "see"


async def test_a_refusal_of_new_chats_is_told_by_its_code(real: Real) -> None:
    await real.fault(kind="refuse", number=real.shop, code=463)

    failed = await real.world.when(await real.send(body="hello"), "failed")

    assert failed.message.error_code == "new_chats_refused"
    assert real.texts() == []


async def test_a_worker_killed_before_the_answer_leaves_no_double_and_no_loss(real: Real) -> None:
    await real.send(body="first")
    await poll(lambda: _holds(real.texts() == ["first"]))
    await real.fault(kind="no_ack", number=real.shop, count=1)
    message_id = await real.send(body="second")
    await poll(lambda: _holds("second" in real.texts()))

    kill_workers()
    third = await real.send(body="third")

    settled = await real.world.when(message_id, "uncertain", "delivered")
    assert settled.message.wa_id is not None
    await real.world.when(message_id, "delivered")
    await real.world.when(third, "delivered")
    assert real.texts() == ["first", "second", "third"]


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def kill_workers() -> None:
    """End this process's workers as a crash would."""
    workers = [child for child in psutil.Process().children() if "sessions.worker" in " ".join(child.cmdline())]
    assert workers, "a session runs in a worker"
    for worker in workers:
        worker.send_signal(signal.SIGKILL)


async def _holds(condition: bool) -> bool:
    return condition
