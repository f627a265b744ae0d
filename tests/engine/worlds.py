"""An engine with WhatsApp around it: the fake in memory, and the real one with the loopback WhatsApp, played alike."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sessions.address import Address, Jid
from sessions.commands.messages import MessageSent, SendMessage
from sessions.content import Content, Envelope, Sent, Text
from sessions.engine import Engine, StatusChange
from sessions.events import Event, MessageReceived, QrShown, ReceiptKind, ReceiptReceived, Report
from sessions.fake.engine import FakeEngine
from sessions.protocol import Loopback, SessionSpec
from sessions.sandbox.faults.kinds import parse_fault
from sessions.sandbox.loopback import LoopbackWhatsApp
from sessions.sandbox.phones.reading import E2E
from sessions.sandbox.phones.writing import OutgoingMessage, TextInput
from sessions.sandbox.traffic.newsletters import new_post_id
from sessions.settings import EngineSettings
from sessions.status import SessionStatus
from sessions.supervisor import Supervisor

T = TypeVar("T")
E = TypeVar("E", bound=Event)
_numbers = itertools.count(15557000001)
_secrets = itertools.count(1)
DEADLINE_SECONDS = 20.0


class Recorder:
    """A listener that keeps everything and lets tests wait for it."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.changes: list[StatusChange] = []
        self.refusing = False
        self.refused = 0
        self._changed = asyncio.Condition()

    async def on_reports(self, reports: Sequence[Report]) -> None:
        async with self._changed:
            self._changed.notify_all()
            if self.refusing:
                self.refused += 1
                raise RuntimeError("the listener refuses")
            self.reports += reports

    async def on_status(self, change: StatusChange) -> None:
        async with self._changed:
            self.changes.append(change)
            self._changed.notify_all()

    async def until(self, condition: Callable[[], T], seconds: float = DEADLINE_SECONDS) -> T:
        """The condition's first true value; it is looked at whenever something arrives."""
        async with self._changed, asyncio.timeout(seconds):
            return await self._changed.wait_for(condition)

    def events(self, kind: type[E], session_id: str | None = None) -> list[E]:
        return [
            report.event
            for report in self.reports
            if isinstance(report.event, kind) and session_id in (None, report.session_id)
        ]

    def statuses(self, session_id: str) -> list[SessionStatus]:
        """The statuses of a session in order, each once."""
        found = [change.status for change in self.changes if change.session_id == session_id]
        return [status for status, _ in itertools.groupby(found)]

    def texts(self, session_id: str) -> list[str]:
        messages = self.events(MessageReceived, session_id)
        return [message.content.body for message in messages if isinstance(message.content, Text)]

    def receipts(self, wa_id: str) -> list[ReceiptKind]:
        return [event.receipt for event in self.events(ReceiptReceived) if wa_id in event.wa_ids]


class World(Protocol):
    """What tests need around an engine."""

    engine: Engine
    listener: Recorder

    async def phone(self, name: str) -> str: ...
    async def scan(self, code: str, number: str) -> None: ...
    async def type_code(self, code: str, number: str) -> None: ...
    async def write(self, sender: str, session_id: str, to: str, body: str) -> str: ...
    async def read(self, number: str, session_id: str, wa_id: str) -> None: ...
    async def unlink(self, session_id: str, number: str) -> None: ...
    async def cut(self, session_id: str, number: str) -> None: ...
    async def restore(self, session_id: str) -> None: ...
    async def channel(self, owner: str, name: str) -> Address: ...
    async def publish(self, channel: Address, body: str) -> None: ...
    async def ring(self, caller: str, session_id: str, number: str, *, video: bool = False) -> str: ...
    async def hang_up(self, caller: str, session_id: str, call_id: str) -> None: ...
    async def answer(self, number: str, session_id: str, call_id: str, *, accepts: bool) -> None: ...
    async def call_becomes(self, caller: str, call_id: str, state: str) -> None: ...
    def texts_at(self, number: str) -> list[str]: ...


class FakeWorld:
    """The engine in memory."""

    def __init__(self) -> None:
        self.listener = Recorder()
        self.engine = FakeEngine(listener=self.listener)

    async def phone(self, name: str) -> str:
        number = f"+{next(_numbers)}"
        self.engine.phone(number, name)
        return number

    async def scan(self, code: str, number: str) -> None:
        self.engine.scan(code, number)

    async def type_code(self, code: str, number: str) -> None:
        self.engine.scan(code, number)

    async def write(self, sender: str, session_id: str, to: str, body: str) -> str:
        return self.engine.incoming(session_id, sender, Text(body=body))

    async def read(self, number: str, session_id: str, wa_id: str) -> None:
        self.engine.receipt(session_id, wa_id, ReceiptKind.READ)

    async def unlink(self, session_id: str, number: str) -> None:
        self.engine.unlink(session_id)

    async def cut(self, session_id: str, number: str) -> None:
        self.engine.drop(session_id)

    async def restore(self, session_id: str) -> None:
        self.engine.reconnect(session_id)

    async def channel(self, owner: str, name: str) -> Address:
        return self.engine.open_channel(owner, name).address

    async def publish(self, channel: Address, body: str) -> None:
        self.engine.publish(channel, Text(body=body))

    async def ring(self, caller: str, session_id: str, number: str, *, video: bool = False) -> str:
        return self.engine.ring(session_id, caller, video=video)

    async def hang_up(self, caller: str, session_id: str, call_id: str) -> None:
        self.engine.hang_up(session_id, call_id)

    async def answer(self, number: str, session_id: str, call_id: str, *, accepts: bool) -> None:
        self.engine.answer_on_phone(session_id, call_id, accepts=accepts)

    async def call_becomes(self, caller: str, call_id: str, state: str) -> None:
        assert self.engine.call_state(call_id) == state

    def texts_at(self, number: str) -> list[str]:
        address = Address.of(Jid.from_phone(number))
        return [
            envelope.content.body
            for session in self.engine.session_ids
            for envelope, sent in self.engine.sent(session)
            if sent.chat.pn == address.pn and isinstance(envelope.content, Text)
        ]


class RealWorld:
    """The engine with its worker processes, joined to the loopback WhatsApp."""

    def __init__(self, whatsapp: LoopbackWhatsApp, **settings: Any) -> None:
        self.whatsapp = whatsapp
        self.listener = Recorder()
        self.settings = EngineSettings(loopback=loopback_of(whatsapp), **settings)
        self.engine = Supervisor(settings=self.settings, listener=self.listener)

    async def phone(self, name: str) -> str:
        number = f"+{next(_numbers)}"
        await self.whatsapp.phones.add(number, name)
        return number

    async def scan(self, code: str, number: str) -> None:
        await self.whatsapp.phones.get(number).scan(code)

    async def type_code(self, code: str, number: str) -> None:
        await self.whatsapp.phones.get(number).enter_code(code)

    async def write(self, sender: str, session_id: str, to: str, body: str) -> str:
        entry = await self.whatsapp.phones.get(sender).send(OutgoingMessage(to=to, text=TextInput(body=body)))
        return entry.id

    async def read(self, number: str, session_id: str, wa_id: str) -> None:
        await self.whatsapp.phones.get(number).mark_read([wa_id])

    async def unlink(self, session_id: str, number: str) -> None:
        await self.whatsapp.phones.get(number).unlink()

    async def cut(self, session_id: str, number: str) -> None:
        await self.fault(kind="drop", number=number)

    async def restore(self, session_id: str) -> None:
        """The real engine comes back by itself."""

    async def channel(self, owner: str, name: str) -> Address:
        account = self.whatsapp.service.account(owner.removeprefix("+"))
        return Address.of((await self.whatsapp.service.newsletters.create(account, name, "", by=None)).jid)

    async def publish(self, channel: Address, body: str) -> None:
        newsletters = self.whatsapp.service.newsletters
        found = newsletters.book.get(channel.other)
        assert found is not None
        encoded = E2E.Message(conversation=body).SerializeToString()
        await newsletters.post(found, id=new_post_id(), type="text", body=encoded, by=None)

    async def ring(self, caller: str, session_id: str, number: str, *, video: bool = False) -> str:
        phones = self.whatsapp.phones
        return (await phones.get(caller).calls.place(phones.get(number).account, video=video)).id

    async def hang_up(self, caller: str, session_id: str, call_id: str) -> None:
        calls = self.whatsapp.phones.get(caller).calls
        await calls.hang_up(call_id, self.whatsapp.phones.get(calls.placed[call_id].to).account)

    async def answer(self, number: str, session_id: str, call_id: str, *, accepts: bool) -> None:
        await self.whatsapp.phones.get(number).calls.answer(call_id, accepts=accepts)

    async def call_becomes(self, caller: str, call_id: str, state: str) -> None:
        calls = self.whatsapp.phones.get(caller).calls
        await self.until_true(lambda: calls.placed[call_id].state == state)

    async def until_true(self, condition: Callable[[], bool]) -> None:
        """Wait for something that the sandbox does and nobody reports."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():
                await asyncio.sleep(0.01)

    async def fault(self, **fault: Any) -> None:
        await self.whatsapp.faults.inject(parse_fault(fault))

    def texts_at(self, number: str) -> list[str]:
        log = self.whatsapp.phones.get(number).log
        return [entry.fields["text"]["body"] for entry in log if entry.reached and entry.type == "text"]


def loopback_of(whatsapp: LoopbackWhatsApp) -> Loopback:
    return Loopback(proxy_url=whatsapp.proxy_url, ca_file=str(whatsapp.ca_file), root_key=whatsapp.root_key)


def spec_for(folder: Path, name: str = "ses_1", **fields: Any) -> SessionSpec:
    return SessionSpec(session_id=name, folder=str(folder / name), **fields)


async def link(world: World, spec: SessionSpec, number: str) -> None:
    """Pair a session with a phone and wait until it is connected."""
    before = len(world.listener.events(QrShown, spec.session_id))
    await world.engine.pair(spec)
    shown = await world.listener.until(lambda: world.listener.events(QrShown, spec.session_id)[before:])
    await world.scan(shown[-1].code, number)
    await connected(world, spec.session_id)


async def connected(world: World, session_id: str) -> None:
    await reaches(world, session_id, SessionStatus.CONNECTED)


async def reaches(world: World, session_id: str, status: SessionStatus) -> StatusChange:
    """Wait until the session has the status, and the listener knows."""

    def told() -> StatusChange | None:
        change = world.engine.status(session_id)
        return change if change.status is status and change in world.listener.changes else None

    found = await world.listener.until(told)
    assert found is not None
    return found


def envelope(to: str, content: Content | str, **fields: Any) -> Envelope:
    said = Text(body=content) if isinstance(content, str) else content
    secret = next(_secrets).to_bytes(32, "big")
    return Envelope(to=Address.of(Jid.from_phone(to)), content=said, secret=secret, **fields)


async def send(world: World, session_id: str, message: Envelope, *, timeout_seconds: float = 20.0) -> Sent:
    result = await world.engine.call(session_id, SendMessage(envelope=message), timeout_seconds=timeout_seconds)
    assert isinstance(result, MessageSent)
    return result.sent
